"""How much longer a delivery takes than AWS needs for it: ours, beside a script that polls as the usual tools do.

    make bench      # or: PYTHONPATH=include:. python bench/overhead.py [deliveries of each way] [database]

With the address of an empty PostgreSQL database the figure is `overhead_postgresql`, else `overhead`. Real Airflow
processes with the shipped settings, and the local AWS, whose own times of build, scan and deployment are
taken off. The peer is no Airflow: one process with boto3 that waits as GitHub's actions for CodeBuild and ECS do.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import yaml
from figure import Row, tell
from sqlalchemy import create_engine

from demo import facts
from demo.delivery import DAG_ID
from demo.infrastructure import CLUSTER
from demo.releases import SAMPLE, Change
from demo.stack import Stack
from tests.e2e.line import Line, place_for_tests, started

BUILD_POLL_SECONDS = 30
"""aws-codebuild-run-build asks this often by default."""
SCAN_POLL_SECONDS = 5
"""botocore's waiter `image_scan_complete`."""
DEPLOYMENT_POLL_SECONDS = 15
"""botocore's waiter `deployment_successful`, and the shortest that amazon-ecs-deploy-task-definition begins with."""
NAMED = "greeter"
GOAL = "at most 3 s, and 10 times less than the best peer"
WHY = (
    "From the trigger to the verdict, less the seconds in which AWS built, scanned or deployed; the triggerer is "
    "woken by events. Half of it are nine Airflow tasks in a row, each a log, a retry and a button of its own: a "
    "tenth of a second between two, and another in each before our code runs. The rest are calls to AWS and to "
    "Airflow's API, and the end of the traffic: CodeDeploy tells it when asked, once a second, and Airflow's "
    "triggerer hands it on once a second. To be safely under three seconds would take a task or two less, and each "
    "is there to be seen, repeated and stopped alone. With SQLite a run begins up to a second later than with "
    "PostgreSQL: Airflow compares its times by whole seconds there. The script does less: no source, no lease, no "
    "preflight, no check of the page, no way back."
)
DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
Moment = float


def by_airdock(line: Line, _commit: str, dag_id: str = DAG_ID) -> tuple[Moment, Moment]:
    """When the run was asked for, and when its verdict was there."""
    began = time.time()
    run_id = line.trigger(dag_id)
    line.expect(run_id, "success", "live")
    ends = line.query("select end_date from task_instance where run_id = ? and task_id = 'production.verdict'", run_id)
    return began, moment(ends[0][0])


def by_script(line: Line, commit: str, named: str = NAMED) -> tuple[Moment, Moment]:
    """Build, scan, register, deploy, one after the other, each waited for by asking at an interval.

    The script waits until the old tasks are gone, as its models do; that time of AWS's is taken off its end.
    """
    began, client = time.time(), line.aws.client
    build = client("codebuild").start_build(projectName=named, sourceVersion=commit)["build"]["id"]
    built = _asked(
        BUILD_POLL_SECONDS,
        lambda: client("codebuild").batch_get_builds(ids=[build])["builds"][0],
        lambda found: found["buildStatus"] != "IN_PROGRESS",
    )
    exported = {each["name"]: each["value"] for each in built["exportedEnvironmentVariables"]}
    image = {"repositoryName": named, "imageId": {"imageDigest": exported["IMAGE_DIGEST"]}}
    _asked(
        SCAN_POLL_SECONDS,
        lambda: _scan_status(client("ecr"), image),
        lambda status: status == "COMPLETE",
    )
    deployment = _deploy(line, exported["IMAGE_URI"], named)
    done = _asked(
        DEPLOYMENT_POLL_SECONDS,
        lambda: client("codedeploy").get_deployment(deploymentId=deployment)["deploymentInfo"],
        lambda found: found["status"] in ("Succeeded", "Failed", "Stopped"),
    )
    assert done["status"] == "Succeeded", done
    last_step = facts.traffic_steps(line.aws, began, [deployment])[-1].at
    return began, time.time() - (done["completeTime"].timestamp() - last_step)


def _scan_status(ecr: Any, image: dict[str, Any]) -> str:
    """What ECR tells of a scan, "" before it has taken it up."""
    try:
        return str(ecr.describe_image_scan_findings(**image)["imageScanStatus"]["status"])
    except ecr.exceptions.ScanNotFoundException:
        return ""


def _deploy(line: Line, image: str, named: str) -> str:
    written = yaml.safe_load((SAMPLE / "taskdef.json").read_text().replace("<IMAGE1_NAME>", image))
    registered = line.aws.client("ecs").register_task_definition(**written)["taskDefinition"]["taskDefinitionArn"]
    content = (SAMPLE / "appspec.yaml").read_text().replace("<TASK_DEFINITION>", registered)
    revision = {"revisionType": "AppSpecContent", "appSpecContent": {"content": content}}
    codedeploy = line.aws.client("codedeploy")
    made = codedeploy.create_deployment(applicationName=named, deploymentGroupName=named, revision=revision)
    return str(made["deploymentId"])


def _asked(interval_seconds: float, ask: Callable[[], Any], ended: Callable[[Any], bool]) -> Any:
    paused = threading.Event()
    while not ended(found := ask()):
        paused.wait(interval_seconds)
    return found


def of_aws(line: Line, commit: str, began: Moment, ended: Moment, named: str = NAMED) -> float:
    """Seconds in which AWS built, scanned or deployed: to the last step of the traffic, or the deployment's end."""
    return facts.gather(line.aws, commit, began, ended, named).aws_seconds


def measure(line: Line, number: int) -> tuple[float, float]:
    """The overhead of a delivery of ours and of one by the script, each of a commit of its own."""
    spent = []
    for way, deliver in ((1, by_airdock), (2, by_script)):
        _until_idle(line)
        commit = line.push(Change(f"{number}.{way}.0", "Measure"))
        began, ended = deliver(line, commit)
        spent.append(ended - began - of_aws(line, commit, began, ended))
        print(f"{deliver.__name__} {number}: {ended - began:.1f} s, {spent[-1]:.1f} s of them not AWS's", flush=True)
    return spent[0], spent[1]


def way_back(line: Line) -> float:
    """The overhead of `deploy_greeter`, which takes the last good release back without a build."""
    _until_idle(line)
    began, ended = by_airdock(line, "", "deploy_greeter")
    return ended - began - of_aws(line, "", began, ended)


def _until_idle(line: Line) -> None:
    """No deployment is at work, and its old tasks are gone: they go after it counts as delivered, on this machine."""
    codedeploy, ecs = line.aws.client("codedeploy"), line.aws.client("ecs")
    wanted = {"applicationName": NAMED, "deploymentGroupName": NAMED}
    busy = ["Created", "Queued", "InProgress", "Ready"]

    def idle() -> bool:
        [service] = ecs.describe_services(cluster=CLUSTER, services=[NAMED])["services"]
        tasks = ecs.list_tasks(cluster=CLUSTER, serviceName=NAMED)["taskArns"]
        at_work = codedeploy.list_deployments(**wanted, includeOnlyStatuses=busy)["deployments"]
        return not at_work and len(tasks) == service["desiredCount"] == service["runningCount"]

    line.until(idle, 180, lambda: "a deployment did not end")


def gaps_seconds(line: Line, dag_ids: str = DAG_ID) -> list[float]:
    """What lies between the end of a task and the start of the next, in all deliveries: Airflow's own part."""
    sql = (
        "select run_id, start_date, end_date from task_instance where dag_id like ?"
        " and state = 'success' order by run_id, start_date"
    )
    runs: dict[str, list[tuple[Moment, Moment]]] = {}
    for run, *moments in line.query(sql, dag_ids):
        start, end = map(moment, moments)
        runs.setdefault(run, []).append((start, end))
    return [start - max(ends) for tasks in runs.values() for start, ends in _after(tasks) if ends]


def _after(tasks: list[tuple[Moment, Moment]]) -> list[tuple[Moment, list[Moment]]]:
    """Each start, with the ends before it; none where a task goes on beside the one that starts."""
    return [
        (start, [] if any(other < start < end for other, end in tasks) else [end for _, end in tasks if end <= start])
        for start, _ in tasks
    ]


def moment(told: str | datetime) -> Moment:
    """SQLite keeps moments as text, in UTC."""
    return (told if isinstance(told, datetime) else datetime.fromisoformat(f"{told}+00:00")).timestamp()


class OnPostgreSQL(Line):
    """The line where Airflow keeps what it knows in PostgreSQL."""

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with create_engine(self.stack.place.settings[DATABASE]).connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql.replace("?", "%s"), values)]


def main(deliveries: int, database: str = "") -> None:
    settings = {DATABASE: database} if database else {}
    with tempfile.TemporaryDirectory() as folder, Stack(place_for_tests(Path(folder), **settings)) as stack:
        line = started(stack)
        if database:
            line = OnPostgreSQL(line.stack, line.aws, line.seeded)
        pairs = [measure(line, number) for number in range(1, deliveries + 1)]
        back = way_back(line)
        gaps = gaps_seconds(line)
        [(tasks,)] = line.query(
            "select count(*) from task_instance where state = 'success' and run_id ="
            " (select run_id from dag_run where dag_id = 'deliver_greeter' order by id desc limit 1)"
        )
    ours, peer = (sorted(way) for way in zip(*pairs, strict=True))
    count = len(pairs)
    tell("overhead_postgresql" if database else "overhead", GOAL, [
        Row("time that is not AWS's, median", count, round(median(ours), 1), round(median(peer), 1), "s", 3),
        Row("time that is not AWS's, worst", count, round(ours[-1], 1), round(peer[-1], 1), "s", 5),
        Row("the way back by deploy_<application>, beyond its shift", 1, round(back, 1), None, "s", 20),
        Row("between two tasks, median", len(gaps), round(median(gaps), 2), None, "s"),
        Row("tasks of a delivery that succeeds", count, tasks, None, "tasks"),
        Row("processes at work meanwhile (n: cores)", os.cpu_count() or 1, round(os.getloadavg()[1], 1), None, ""),
    ], WHY)  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5, *sys.argv[2:3])
