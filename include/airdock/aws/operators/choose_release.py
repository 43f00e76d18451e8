"""The first task of `deploy_<application>`: which recorded release goes where, with nothing built anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowSkipException

from airdock.aws.hooks import Account
from airdock.aws.operators.source import CloneSourceOperator
from airdock.aws.production import Service, standing
from airdock.aws.release_records import Records
from airdock.aws.task_definitions import definition
from airdock.errors import Refused
from airdock.plan.release_choice import ReleaseChoice, choose_release
from airdock.plan.release_record import ReleaseRecord
from airdock.plan.run_params import DEPLOY
from airdock.release import Commit, Image, Source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airdock.spec.environment import Environment


class ChooseReleaseOperator(CloneSourceOperator):
    """Chooses a release by its record, and skips the run where the environment runs it already.

    Back in the environment that it was in, a release needs no repository: its task definition is registered, and its
    AppSpec is in the record. To go to another one, its files are read again from exactly its commit.

    Args:
        environments: where releases may go, by name.
        release: which: "" for the last good one, or a commit, a digest, a key.
        environment: where to; `from_environment`: whose record counts, "" for the same.

    XComs: `source`, the record of the source; `build`, `{"image": ..., "task_definition": ...}`, the latter "" where it
    must be registered anew; `again`, whether the release has been live there before.
    """

    template_fields: Sequence[str] = ("revision", "release", "environment", "from_environment")
    params_known: Sequence[str] = DEPLOY

    def __init__(
        self,
        *,
        environments: Mapping[str, Environment],
        release: str,
        environment: str,
        from_environment: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(revision="", **kwargs)
        self.environments = dict(environments)
        self.release = release
        self.environment = environment
        self.from_environment = from_environment

    def deliver(self, context: Context) -> Any:
        self._refuse_unknown(context)
        there = self.environments[self.environment]
        origin = self.from_environment or self.environment
        choice = self._chosen(origin)
        self.log.info(choice.sentence)
        if choice.runs_already:
            raise AirflowSkipException(choice.sentence)
        record = choice.record
        again = origin == self.environment and self._is_active(there, record.task_definition)
        source = self._from_record(record, there.appspec) if again else None
        ti = context["ti"]
        ti.xcom_push(key="source", value=(source or self._from_repository(record)).to_json())
        known = record.task_definition if again else ""
        ti.xcom_push(key="build", value={"image": _image(record).to_json(), "task_definition": known})
        there_before = self._records(self.environment).newest()
        ti.xcom_push(key="again", value=any(each.live and each.release == record.release for each in there_before))
        return {"release": record.key, "commit": record.commit, "digest": record.digest, "sentence": choice.sentence}

    def _chosen(self, origin: str) -> ReleaseChoice:
        live = self._records(self.environment).live()
        runs_now = standing(Service.of(self.environments[self.environment])).task_definition
        if live and live.task_definition != runs_now:
            self.log.warning("%s runs %s, which is not what was recorded as live", self.environment, runs_now)
            live = None
        return choose_release(self.release, self._records(origin).newest(), live, self.environment)

    def _is_active(self, target: Environment, arn: str) -> bool:
        """Whether ECS still runs this revision: one that was deregistered is registered anew from the repository."""
        return definition(Account(target.aws_connection, target.region), arn).get("status") == "ACTIVE"

    def _records(self, environment: str) -> Records:
        target = self.environments.get(environment)
        if target is None:
            raise Refused(f"there is no environment {environment!r}: there are {', '.join(self.environments)}")
        return Records(Account(target.aws_connection, target.region), self.application, environment)

    def _from_record(self, record: ReleaseRecord, appspec: str | None) -> Source | None:
        """The source as the record tells it; None where it does not hold the AppSpec that is needed."""
        if appspec and record.appspec is None:
            return None
        commit = Commit(
            self.application, self.repository.name, record.ref, record.commit, record.subject, record.author
        )
        return Source(commit, {appspec: record.appspec} if appspec and record.appspec else {})

    def _from_repository(self, record: ReleaseRecord) -> Source:
        from airdock.source.git import opened

        self.revision = record.commit
        with opened(self.repository.remote()) as git:
            return self._source(git)


def _image(record: ReleaseRecord) -> Image:
    place, _, digest = record.image.partition("@")
    registry, _, repository = place.partition("/")
    return Image(registry, repository, digest)
