"""The DAG `deliver_<application>`: a pipeline file becomes the graph that takes a commit to production.

The graph reads as the story; what each task does is in `airdock.aws.operators`.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG, BaseOperator, Param
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.definitions.xcom_arg import PlainXComArg

from airdock.factory import release_tasks
from airdock.factory.ahead import dags
from airdock.factory.environment import environment_group, unless_beyond
from airdock.spec import Pipeline

PREFIX = "deliver_"
RETRIES: dict[str, Any] = {
    # Together about twenty minutes: longer than an api-server or a database takes to come back.
    "retries": 6,
    "retry_delay": timedelta(seconds=10),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
}
MOST_AT_ONCE = 8
"""Deliveries of one application that are at work together, where they may be: CodeBuild's quotas are small."""


def build_dags(folder: Path) -> list[DAG]:
    """The delivery DAG of every sound pipeline file in the folder, or only the one that Airflow asks for."""
    return dags(folder, PREFIX, deliver)


def dag_id(pipeline: Pipeline) -> str:
    return f"{PREFIX}{pipeline.application}"


def deliver(pipeline: Pipeline) -> DAG:
    """One application's line: clone, build, scan, then each environment in turn, and the verdict at the end."""
    with DAG(
        dag_id(pipeline),
        description=pipeline.description or f"Deliver {pipeline.application} to {', '.join(pipeline.environments)}",
        doc_md=_document(pipeline),
        schedule=pipeline.schedule,
        catchup=False,
        max_active_runs=MOST_AT_ONCE if pipeline.concurrency == "parallel" else 1,
        tags=["airdock", "deliver", pipeline.application],
        default_args={"owner": pipeline.owner, **RETRIES},
        render_template_as_native_obj=False,
    ) as dag:
        source = release_tasks.clone_source(pipeline)
        build = release_tasks.build(pipeline, source)
        scan = release_tasks.wait_for_scan(pipeline, build)
        source >> build >> scan
        made_by = {"clone_source": source, "build": build, "wait_for_scan": scan}
        environments(pipeline, release_tasks.Release(PlainXComArg(source), PlainXComArg(build), made_by), scan)
    # Set last: Airflow would copy them into each task as it is made, and serialise them with each.
    dag.params = ParamsDict(_params(pipeline))
    return untangled(dag)


def environments(pipeline: Pipeline, release: release_tasks.Release, gate: BaseOperator) -> None:
    """Every environment in the file's order; each begins when the one before it is live."""
    verdicts: list[BaseOperator] = []
    for name, target in pipeline.environments.items():
        begin = unless_beyond(list(pipeline.environments), name)
        group = environment_group(pipeline, name, target, release, verdicts, begin)
        gate >> next(iter(group.values()))
        gate = group["verdict"]
        verdicts.append(gate)


def _params(pipeline: Pipeline) -> dict[str, Param]:
    """The trigger form, and what Airflow's API accepts as `conf`."""
    environments = list(pipeline.environments)
    return {
        "revision": Param(
            pipeline.source.branch,
            type="string",
            title="Revision",
            minLength=1,
            maxLength=250,
            description=(
                "What to deliver: a branch, a tag, or a full commit id. "
                f"The default is the newest commit of `{pipeline.source.branch}`."
            ),
        ),
        "environment": Param(
            environments[-1],
            type="string",
            title="Environment",
            enum=environments,
            description="How far to go: the line ends after this environment, in the order of the pipeline file.",
        ),
    }


def _document(pipeline: Pipeline) -> str:
    return f"{pipeline.description}\n\n" + "\n".join(
        f"- **{name}**: `{environment.service}` in the cluster `{environment.cluster}`"
        for name, environment in pipeline.environments.items()
    )


def untangled(dag: DAG) -> DAG:
    """Leave out the arrows that a record draws past the tasks between its maker and its reader.

    A task that waits for all before it stands for them, as a verdict does: an arrow past it says nothing more.
    """
    for task in dag.tasks:
        if task.trigger_rule not in ("all_success", "all_done"):
            continue
        near = set(task.upstream_task_ids)
        for far in near:
            if any(_stands_for(dag.get_task(other), far) for other in near - {far}):
                task.upstream_task_ids.discard(far)
                dag.get_task(far).downstream_task_ids.discard(task.task_id)
    return dag


def _stands_for(task: Any, other: str) -> bool:
    return task.trigger_rule != "one_failed" and other in task.get_flat_relative_ids(upstream=True)
