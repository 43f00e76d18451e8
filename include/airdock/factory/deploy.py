"""The DAG `deploy_<application>`: a release that was live goes into an environment again, or into the next one.

Nothing is built. The environments' groups are those of `deliver_<application>`; the one that is asked for runs.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from airflow.sdk import DAG, Context, Param
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.definitions.xcom_arg import PlainXComArg
from airflow.sdk.exceptions import AirflowSkipException

from airdock.factory import release_tasks
from airdock.factory.ahead import dags
from airdock.factory.deliver import RETRIES, untangled
from airdock.factory.environment import environment_group
from airdock.spec import Pipeline

PREFIX = "deploy_"
AGAIN = "{{ ti.xcom_pull(task_ids='choose_release', key='again') }}"


def build_dags(folder: Path) -> list[DAG]:
    """The DAG of every sound pipeline file in the folder, or only the one that Airflow asks for."""
    return dags(folder, PREFIX, deploy)


def dag_id(pipeline: Pipeline) -> str:
    return f"{PREFIX}{pipeline.application}"


def deploy(pipeline: Pipeline) -> DAG:
    """Choose a recorded release, and bring it to one environment."""
    with DAG(
        dag_id(pipeline),
        description=f"Put a release of {pipeline.application} into an environment: roll back, promote, deploy again",
        doc_md="Nothing is built: a release that was live is deployed again, or goes on to another environment.",
        schedule=None,
        catchup=False,
        max_active_runs=1,
        tags=["airdock", "deploy", pipeline.application],
        default_args={"owner": pipeline.owner, **RETRIES},
        render_template_as_native_obj=False,
    ) as dag:
        choose = release_tasks.choose_release(pipeline)
        release = release_tasks.Release(
            PlainXComArg(choose, key="source"), PlainXComArg(choose, key="build"), {"choose_release": choose}, AGAIN
        )
        for name, target in pipeline.environments.items():
            group = environment_group(pipeline, name, target, release, begin=_only(name))
            choose >> next(iter(group.values()))
    # Set last: Airflow would copy them into each task as it is made, and serialise them with each.
    dag.params = ParamsDict(_params(pipeline))
    return untangled(dag)


def _only(name: str) -> Callable[[Context], None]:
    def skip_others(context: Context) -> None:
        if (wanted := context["params"].get("environment")) != name:
            raise AirflowSkipException(f"This run goes to {wanted}, as its parameters say")

    return skip_others


def _params(pipeline: Pipeline) -> dict[str, Param]:
    environments = list(pipeline.environments)
    return {
        # null and not "": Airflow's form lets no text be empty.
        "release": Param(
            None,
            type=["null", "string"],
            title="Release",
            maxLength=100,
            description=(
                "Which release: the beginning of its commit or digest, or its key. "
                "Empty means the last good release before the one that is live."
            ),
        ),
        "environment": Param(
            environments[-1],
            type="string",
            title="Environment",
            enum=environments,
            description="Where to.",
        ),
        "from_environment": Param(
            None,
            type=["null", "string"],
            title="From environment",
            enum=[None, *environments],
            description="Where the release was live, to promote it from there. Empty means the environment itself.",
        ),
    }
