"""From a commit to an image in ECR, built by CodeBuild exactly once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import Context

from airdock.aws import builds, images
from airdock.aws.operators.job import JobOperator
from airdock.aws.operators.memory import clear_number
from airdock.aws.watch import Facts
from airdock.aws.watch.build import COMMIT_VARIABLE
from airdock.errors import AirdockError, Fault, Refused
from airdock.names import DELIVERY_VARIABLE, Marker, build_marker, idempotency_token
from airdock.plan.adoption import Adopt, Candidate, Start, State, choose
from airdock.plan.build_result import BuiltImage, build_state, image_of, judge_build
from airdock.release import Build, Image, Source

SHOWN_LINES, SEARCHED_LINES = 30, 400
"""How much of a failed build's log is repeated in the task's own, and how much is searched for what failed."""


class CodeBuildStartBuildOperator(JobOperator):
    """Builds the commit of a source record, or adopts a build of the same commit, and finds its image in ECR.

    Of StartBuild's overrides only the environment, the version of the source, and the place of an archive are used:
    the others (buildspec, image, role, privileges) would let a pipeline's file run anything as the project's role.

    Args:
        application: whose commit it is; builds of other applications in the same project are never adopted.
        project: the CodeBuild project, whose source is the same repository.
        repository: where the project pushes to.
        source: the record of `CloneSourceOperator`, as a template (its `.output`).
        digest_variable: the exported variable that holds the image's digest; without it imageDetail.json is read.
        variables: more plain environment variables for the build.

    Record: `{"build": Build, "image": Image, "digest": str}`.
    """

    kind = "build"
    first_pause_seconds = 2.0
    pause_share = 1 / 4
    template_fields = ("source",)

    def __init__(
        self,
        *,
        application: str,
        project: str,
        repository: images.Repository,
        source: Any,
        digest_variable: str = "IMAGE_DIGEST",
        variables: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"handoff_seconds": 3, **kwargs})
        self.application = application
        self.project = project
        self.repository = repository
        self.source = source
        self.digest_variable = digest_variable
        self.variables = dict(variables or {})

    def console_url(self, job_id: str) -> str:
        return builds.console_url(self.account, job_id)

    def adopt_or_start(self, context: Context) -> str:
        commit = self._source().commit.sha
        mark = build_marker(self.application, commit, context["run_id"], clear_number(context))
        known = self._builds_of(commit)
        choice = self._choice(mark, known)
        self.log.info(choice.reason)
        if isinstance(choice, Adopt):
            return choice.id
        starts = sum(mark.same_base(build["delivery"]) for build in known)
        try:
            return str(builds.start(self.account, self._request(mark, starts))["id"])
        except AirdockError as error:
            return self._started_unheard(mark, error)

    def conclude(self, context: Context, facts: Facts) -> Any:
        ended_well = build_state(facts["status"]) is State.SUCCEEDED
        tail = [] if ended_well else builds.log_tail(self.account, facts, SEARCHED_LINES)
        for line in tail[-SHOWN_LINES:]:
            self.log.error("| %s", line)
        result = judge_build(facts, tail)
        if result.state is State.FAULTED:
            self.forget_job(context)
            raise Fault(result.sentence)
        if not ended_well:
            raise Refused(result.sentence)
        return self._record(facts)

    def _source(self) -> Source:
        return Source.from_json(self.source)

    def _builds_of(self, commit: str) -> list[Facts]:
        return [build for build in builds.newest(self.account, self.project) if build["commit"] == commit]

    def _started_unheard(self, mark: Marker, error: AirdockError) -> str:
        """The build that was started although its reply was lost, or that another run of the commit has started
        since this one looked; raises the error when there is none."""
        choice = self._choice(mark, self._builds_of(self._source().commit.sha))
        if isinstance(choice, Start):
            raise error
        self.log.warning("%s; but %s", error.sentence, choice.reason)
        return choice.id

    def _choice(self, mark: Marker, known: Sequence[Facts]) -> Adopt | Start:
        """What to do, where a build that has lost its image since is as if it had never been."""
        by_id = {build["id"]: build for build in known}
        while True:
            choice = choose(mark, map(_candidate, by_id.values()))
            if isinstance(choice, Start) or self._still_good(by_id[choice.id]):
                return choice
            self.log.info("%s has succeeded, but its image is not to be had any more", choice.id)
            del by_id[choice.id]

    def _still_good(self, build: Facts) -> bool:
        """Whether a build that has succeeded can still be told its image by, and ECR has it."""
        if build_state(build["status"]) is not State.SUCCEEDED:
            return True
        try:
            digest = self._built(build).digest
        except Refused as refusal:
            self.log.info(refusal.sentence)
            return False
        return images.image(self.repository, digest) is not None

    def _request(self, mark: Marker, starts: int) -> dict[str, Any]:
        """The parameters of StartBuild; `starts`: how many builds of the commit there were, all of no use.

        The token knows no run: of two that have both found no build, CodeBuild takes the first one's start alone.
        """
        source = self._source()
        variables = {**self.variables, DELIVERY_VARIABLE: str(mark), COMMIT_VARIABLE: source.commit.sha}
        return {
            "projectName": self.project,
            "idempotencyToken": idempotency_token(Marker(mark.base), starts),
            "environmentVariablesOverride": [
                {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in sorted(variables.items())
            ],
            **_place(source),
        }

    def _built(self, facts: Facts) -> BuiltImage:
        """The image that the build names. Raises Refused when it names none."""
        exported = facts["exported"]
        detail = {} if self.digest_variable in exported else builds.image_detail(self.account, facts)
        return image_of(exported, detail, self.digest_variable)

    def _record(self, facts: Facts) -> dict[str, Any]:
        built = self._built(facts)
        detail = images.image(self.repository, built.digest)
        if detail is None:
            raise Refused(f"{built.sentence}, but ECR does not have it in the repository {self.repository.name}")
        image = images.record(self.repository, detail)
        self.log.info("%s; it is %s", built.sentence, image.uri)
        return {"build": _build(facts, image).to_json(), "image": image.to_json(), "digest": image.digest}


def _candidate(build: Facts) -> Candidate:
    return Candidate(build["id"], build["delivery"], build_state(build["status"]))


def _place(source: Source) -> dict[str, str]:
    """Where the build finds the commit: by its id in the project's own source, or as an archive in S3."""
    if source.archive is None:
        return {"sourceVersion": source.commit.sha}
    return {"sourceTypeOverride": "S3", "sourceLocationOverride": source.archive.removeprefix("s3://")}


def _build(facts: Facts, image: Image) -> Build:
    log = facts["log"] or {"group": "", "stream": ""}
    return Build(
        id=facts["id"],
        project=facts["project"],
        status=facts["status"],
        image=image.uri,
        digest=image.digest,
        exported=facts["exported"],
        console_url=facts["console_url"],
        log_group=log["group"],
        log_stream=log["stream"],
    )
