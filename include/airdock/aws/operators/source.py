"""The first task of a delivery: which commit it is, and the files that say how it is built and run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import Context

from airdock.aws.archives import Bucket
from airdock.aws.code_repositories import CodeRepository
from airdock.aws.heads import Head, Heads
from airdock.aws.operators.job import DeliveryOperator
from airdock.aws.overtaken import newer_head, went_into
from airdock.errors import Refused
from airdock.plan.push import HEADS, IMAGES
from airdock.plan.reconcile import PROVIDER
from airdock.plan.run_params import DELIVER, refuse_unknown
from airdock.release import Commit, Outcome, Source
from airdock.spec.triggers import Triggers

if TYPE_CHECKING:
    from airdock.source.git import Git

ANY_CHANGE = Triggers()


class CloneSourceOperator(DeliveryOperator):
    """Resolves a branch, tag or full commit id, and reads the delivery's files from exactly that commit.

    `files` are paths in the repository; each of them must be there. With `archive`, the whole tree goes to S3, once
    for each content, for builds that can't reach the repository.

    A run that a push has started names its branch as the param `ref`: it is superseded when the branch has moved on,
    if the newest one wins. With `triggers.paths` only a newer commit that changes one of them counts. A run of an image
    names `images`, and is superseded when one of a later commit has begun.

    Record: `Source`.
    """

    template_fields: Sequence[str] = ("revision",)
    params_known: Sequence[str] = DELIVER
    """What the run may be given; anything else is refused before anything happens."""

    def __init__(
        self,
        *,
        application: str,
        repository: CodeRepository,
        revision: str,
        files: Sequence[str],
        archive: Bucket | None = None,
        newest_wins: bool = True,
        triggers: Triggers = ANY_CHANGE,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.application = application
        self.repository = repository
        self.revision = revision
        self.files = list(files)
        self.archive = archive
        self.newest_wins = newest_wins
        self.triggers = triggers

    def deliver(self, context: Context) -> Any:
        from airdock.source.git import opened

        self._refuse_unknown(context)
        if self.newest_wins and context["params"].get("ref") == IMAGES:
            self._refuse_older_image(context)
        with opened(self.repository.remote()) as git:
            self._refuse_overtaken(git, context)
            source = self._source(git)
            self._begin(source.commit, context)
            return source.to_json()

    def _refuse_unknown(self, context: Context) -> None:
        refuse_unknown(context["dag_run"].conf or {}, self.params_known)

    def _refuse_overtaken(self, git: Git, context: Context) -> None:
        """A push says which branch it moved: where another has moved it on since, that one is delivered."""
        branch = str(context["params"].get("ref") or "")
        if not (self.newest_wins and branch.startswith(HEADS)):
            return
        now = newer_head(git, branch, self.revision, self.triggers)
        if now is not None:
            context["ti"].xcom_push(key="deployment_outcome", value=str(Outcome.SUPERSEDED))
            where = f"is at {now[:12]} by now" if now else "is gone"
            raise Refused(f"{branch.removeprefix(HEADS)} {where}: the push of {self.revision[:12]} was overtaken")

    def _refuse_older_image(self, context: Context) -> None:
        """Others' builds end in any order: a commit that went into one which was begun with is not wanted any more."""
        try:
            newest = Heads(self.repository.account, self.application).begun(IMAGES)
            known = newest.commit if newest else self.revision
            older = known != self.revision and went_into(self.repository, self.revision, known)
        except Refused as refusal:
            self.log.warning("Whether a newer image was begun with can't be told: %s", refusal.sentence)
            return
        if older:
            context["ti"].xcom_push(key="deployment_outcome", value=str(Outcome.SUPERSEDED))
            raise Refused(f"{known[:12]} has begun, which is newer: the image of {self.revision[:12]} was overtaken")

    def _begin(self, commit: Commit, context: Context) -> None:
        """Note with which head of a branch a delivery has begun, so that a push which got lost can be found, or with
        which image, so that an older one does not replace it."""
        branch = str(context["params"].get("ref") or f"{HEADS}{self.revision}")
        if not (branch.startswith(HEADS) or branch == IMAGES) or branch == f"{HEADS}{commit.sha}":
            return
        run_id, heads, other = str(context["run_id"]), Heads(self.repository.account, self.application), ""
        try:
            # Who looks for lost pushes may have looked a moment before another run began.
            known = heads.begun(branch) if run_id.startswith(f"{PROVIDER}__") else None
            other = known.run_id if known and known.commit == commit.sha and known.run_id != run_id else ""
            if not other:
                heads.begin(Head(branch, commit.sha, run_id))
        except Refused as refusal:
            self.log.warning("A push that gets lost will not be found: %s", refusal.sentence)
        if other:
            context["ti"].xcom_push(key="deployment_outcome", value=str(Outcome.SUPERSEDED))
            raise Refused(f"{other} delivers {commit.short} already")

    def _source(self, git: Git) -> Source:
        from airdock.source import reference, tree

        sha = reference.resolve(git, self.revision)
        tree.fetch(git, sha, with_files=self.archive is not None)
        made = tree.authorship(git, sha)
        commit = Commit(
            self.application,
            self.repository.name,
            self.revision,
            sha,
            made.message,
            made.author,
            made.committed_at,
            made.email,
        )
        self.log.info("%s is %s by %s: %r", self.revision, sha, commit.author, commit.subject)
        return Source(commit, tree.read(git, sha, self.files), git.remote.url, self._archived(git, sha))

    def _archived(self, git: Git, sha: str) -> str | None:
        """The s3:// address of the tree, which is written unless its content is there already."""
        from airdock.source import archive, tree

        if self.archive is None:
            return None
        key = f"{self.archive.prefix}{tree.tree_id(git, sha)}.zip"
        if not self.archive.holds(key):
            self.archive.put(key, archive.write(git, sha))
        self.log.info("The whole tree is s3://%s/%s", self.archive.name, key)
        return f"s3://{self.archive.name}/{key}"
