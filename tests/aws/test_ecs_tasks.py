"""Tasks really run: from RunTask to their exit code, through the death of the local AWS and out again."""

from __future__ import annotations

import os
import signal

import pytest
from botocore.exceptions import ClientError

from tests.blue_green import until
from tests.local_aws_process import LocalAws
from tests.tasks import NETWORK, SERVE, Cluster, processes


@pytest.fixture(scope="module")
def cluster(local_aws: LocalAws) -> Cluster:
    return Cluster(local_aws)


def program(text: str) -> list[str]:
    return ["python", "-c", text]


def lines(cluster: Cluster, group: str, task_arn: str) -> list[str]:
    stream = f"web/web/{task_arn.rpartition('/')[2]}"
    events = cluster.aws.client("logs").get_log_events(logGroupName=group, logStreamName=stream)["events"]
    return [event["message"] for event in events]


def logging(group: str) -> dict[str, object]:
    options = {"awslogs-group": group, "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "web"}
    return {"logDriver": "awslogs", "options": options}


def test_task_ends_with_its_exit_code_and_tells_what_ran(cluster: Cluster) -> None:
    task = cluster.finished(cluster.definition(program("raise SystemExit(3)")))
    (container,) = task["containers"]
    assert (container["exitCode"], container["lastStatus"]) == (3, "STOPPED")
    assert container["imageDigest"] == cluster.image.partition("@")[2]
    assert (task["stopCode"], task["stoppedReason"]) == (
        "EssentialContainerExited",
        "Essential container in task exited",
    )
    details = {entry["name"]: entry["value"] for entry in task["attachments"][0]["details"]}
    assert details["privateIPv4Address"].startswith("127.64.")
    assert task["createdAt"] <= task["startedAt"] <= task["stoppedAt"]
    assert processes(cluster.aws, task["taskArn"]) == []


def test_every_status_is_an_event_with_a_rising_version(cluster: Cluster) -> None:
    arn = cluster.finished(cluster.definition(program("pass")))["taskArn"]
    emitted = [entry["params"] for entry in cluster.aws.effects("events", "event_emitted")]
    changes = [
        event["detail"]
        for event in emitted
        if event["detail-type"] == "ECS Task State Change" and event["detail"]["taskArn"] == arn
    ]
    statuses = list(dict.fromkeys(change["lastStatus"] for change in changes))
    assert statuses[:2] == ["PROVISIONING", "PENDING"]
    assert statuses[-2:] == ["DEPROVISIONING", "STOPPED"]
    versions = [change["version"] for change in changes]
    assert versions == sorted(set(versions))


def test_environment_secrets_and_overrides_reach_the_program_and_its_words_the_log(cluster: Cluster) -> None:
    aws = cluster.aws
    aws.client("ssm").put_parameter(Name="/app/colour", Value="teal", Type="SecureString")
    secret = aws.client("secretsmanager").create_secret(Name="app/login", SecretString='{"user": "ann"}')["ARN"]
    aws.client("logs").create_log_group(logGroupName="/ecs/words")
    words = "import os; print(*(os.environ[n] for n in 'PLAIN COLOUR USER_NAME EXTRA EMPTY'.split()), os.getcwd())"
    definition = cluster.definition(
        program(words),
        environment=[{"name": "PLAIN", "value": "a"}, {"name": "EMPTY", "value": ""}, {"name": "EXTRA", "value": "no"}],
        secrets=[
            {"name": "COLOUR", "valueFrom": "/app/colour"},
            {"name": "USER_NAME", "valueFrom": f"{secret}:user::"},
        ],
        workingDirectory="/srv",
        logConfiguration=logging("/ecs/words"),
    )
    override = {"name": "web", "environment": [{"name": "EXTRA", "value": "yes"}]}
    arn = cluster.finished(definition, overrides={"containerOverrides": [override]})["taskArn"]
    (line,) = lines(cluster, "/ecs/words", arn)
    assert line.startswith("a teal ann yes  /")
    assert line.endswith("/root/srv")


def test_entry_point_drops_the_command_of_the_image(cluster: Cluster) -> None:
    definition = cluster.definition(entryPoint=["python", "-c", "raise SystemExit(11)"])
    assert cluster.finished(definition)["containers"][0]["exitCode"] == 11


def test_image_that_is_not_there_is_told_in_the_reason(cluster: Cluster) -> None:
    missing = cluster.image.partition("@")[0] + ":nowhere"
    task = cluster.finished(cluster.definition(image=missing))
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"].startswith("CannotPullContainerError: ")
    assert "not found" in task["stoppedReason"]
    assert task["containers"][0]["reason"] == task["stoppedReason"]
    assert "exitCode" not in task["containers"][0]


def test_program_that_is_not_there_is_told_in_the_reason(cluster: Cluster) -> None:
    task = cluster.finished(cluster.definition(["no-such-program"]))
    assert task["stoppedReason"].startswith("CannotStartContainerError: ")
    assert '"no-such-program": executable file not found in $PATH' in task["stoppedReason"]


def test_missing_log_group_keeps_a_task_from_starting(cluster: Cluster) -> None:
    task = cluster.finished(cluster.definition(logConfiguration=logging("/ecs/nowhere")))
    assert task["stoppedReason"].startswith("ResourceInitializationError: failed to validate logger args")


def test_missing_secret_keeps_a_task_from_starting(cluster: Cluster) -> None:
    task = cluster.finished(cluster.definition(secrets=[{"name": "A", "valueFrom": "/app/nowhere"}]))
    assert task["stoppedReason"].startswith("ResourceInitializationError: unable to pull secrets or registry auth")


def test_repeated_client_token_runs_nothing_twice_and_other_parameters_conflict(cluster: Cluster) -> None:
    definition = cluster.definition(program("pass"))
    first = cluster.run(definition, clientToken="migrate-42")
    assert cluster.run(definition, clientToken="migrate-42") == first
    cluster.reached(first, "STOPPED")
    assert cluster.run(definition, clientToken="migrate-42") == first
    with pytest.raises(ClientError, match="already in use with a different RunTask request"):
        cluster.run(definition, clientToken="migrate-42", startedBy="another")
    started = [entry["params"]["task"] for entry in cluster.aws.effects("ecs", "task_started")]
    assert started.count(first) == 1


def run_up(cluster: Cluster, number: signal.Signals, code: int) -> str:
    """Run a program that ends with a code at a signal; returns when it says that it is ready for it."""
    group = f"/ecs/exits-{code}"
    handler = f"signal.signal({int(number)}, lambda *_: exit({code}))"
    text = f"import signal; {handler}; print('up', flush=True); signal.pause()"
    cluster.aws.client("logs").create_log_group(logGroupName=group)
    arn = cluster.run(cluster.definition(program(text), logConfiguration=logging(group)))
    cluster.reached(arn, "RUNNING")
    until(lambda: "up" in lines(cluster, group, arn), "the program to be up", cluster.aws)
    return arn


def test_stop_asks_politely_first(cluster: Cluster) -> None:
    arn = run_up(cluster, signal.SIGTERM, 5)
    cluster.ecs.stop_task(cluster=cluster.name, task=arn, reason="enough")
    task = cluster.reached(arn, "STOPPED")
    assert task["containers"][0]["exitCode"] == 5
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "enough")


def test_stop_kills_what_does_not_listen_and_all_that_it_started(cluster: Cluster) -> None:
    deaf = (
        "import signal, subprocess; signal.signal(15, signal.SIG_IGN); "
        "subprocess.Popen(['sleep', '600'], start_new_session=True); signal.pause()"
    )
    arn = cluster.run(cluster.definition(program(deaf), stopTimeout=2))
    until(lambda: len(processes(cluster.aws, arn)) == 3, "wrapper, program and its child", cluster.aws)
    cluster.ecs.stop_task(cluster=cluster.name, task=arn)
    assert cluster.reached(arn, "STOPPED")["containers"][0]["exitCode"] == 137
    assert processes(cluster.aws, arn) == []


def test_task_in_a_network_of_its_own_needs_to_be_told_which(cluster: Cluster) -> None:
    with pytest.raises(ClientError, match="Network Configuration must be provided"):
        cluster.ecs.run_task(cluster=cluster.name, taskDefinition=cluster.definition(SERVE))
    with pytest.raises(ClientError, match="is not a container in the TaskDefinition"):
        cluster.run(cluster.definition(SERVE), overrides={"containerOverrides": [{"name": "sidecar"}]})
    with pytest.raises(ClientError, match="Count must be between 1 and 10"):
        cluster.ecs.run_task(
            cluster=cluster.name, taskDefinition=cluster.definition(SERVE), networkConfiguration=NETWORK, count=11
        )


def served(cluster: Cluster) -> str:
    """Run a program that goes on; returns when its wrapper and itself are there, a moment after the task runs.

    A process that becomes another program bears no mark for a moment.
    """
    arn = cluster.run(cluster.definition(SERVE))
    cluster.reached(arn, "RUNNING")
    until(lambda: len(processes(cluster.aws, arn)) == 2, "wrapper and program", cluster.aws)
    return arn


def test_task_outlives_kill_9_and_is_adopted(cluster: Cluster) -> None:
    arn = served(cluster)
    before = processes(cluster.aws, arn)
    cluster.aws.kill9()
    until(lambda: processes(cluster.aws, arn) == before, "the same processes", cluster.aws)
    cluster.aws.restart()
    assert cluster.task(arn)["lastStatus"] == "RUNNING"
    until(lambda: processes(cluster.aws, arn) == before, "the same processes", cluster.aws)
    cluster.ecs.stop_task(cluster=cluster.name, task=arn)
    assert cluster.reached(arn, "STOPPED")["containers"][0]["exitCode"] == 143
    assert processes(cluster.aws, arn) == []


def test_exit_code_is_not_lost_when_a_task_ends_while_nobody_looks(cluster: Cluster) -> None:
    arn = run_up(cluster, signal.SIGUSR1, 7)
    cluster.aws.kill9()
    os.kill(max(processes(cluster.aws, arn)), signal.SIGUSR1)
    until(lambda: not processes(cluster.aws, arn), "the program to end", cluster.aws)
    cluster.aws.restart()
    assert cluster.reached(arn, "STOPPED")["containers"][0]["exitCode"] == 7


def test_task_whose_processes_are_gone_after_kill_9_is_stopped_as_killed(cluster: Cluster) -> None:
    arn = served(cluster)
    cluster.aws.kill9()
    for pid in processes(cluster.aws, arn):
        os.kill(pid, signal.SIGKILL)
    cluster.aws.restart()
    assert cluster.reached(arn, "STOPPED")["containers"][0]["exitCode"] == 137


def test_clean_shutdown_stops_every_process_and_says_so_afterwards(cluster: Cluster) -> None:
    arn = cluster.run(cluster.definition(SERVE))
    cluster.reached(arn, "RUNNING")
    cluster.aws.stop()
    assert processes(cluster.aws) == []
    cluster.aws.start()
    task = cluster.reached(arn, "STOPPED")
    assert (task["stopCode"], task["stoppedReason"]) == ("TerminationNotice", "The local AWS was shut down.")
