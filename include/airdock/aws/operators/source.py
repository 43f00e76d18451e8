"""The first task of a delivery: which commit it is, and the files that say how it is built and run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import Context

from airdock.aws.archives import Bucket
from airdock.aws.code_repositories import CodeRepository
from airdock.aws.operators.job import DeliveryOperator


class CloneSourceOperator(DeliveryOperator):
    """Resolves a branch, tag or full commit id, and reads the delivery's files from exactly that commit.

    `files` maps what a file is for to its path in the repository, e.g. `{"task_definition": "deploy/taskdef.json"}`.
    With `archive`, the whole tree goes to S3 once for each content, for builds that can't reach the repository.

    Record: `{"repository", "provider", "ref", "commit", "author", "message", "committed_at", "tree",
    "files": {purpose: text}, "archive": "bucket/key" or ""}`.
    """

    template_fields = ("revision",)

    def __init__(
        self,
        *,
        repository: CodeRepository,
        revision: str,
        files: Mapping[str, str],
        archive: Bucket | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.repository = repository
        self.revision = revision
        self.files = dict(files)
        self.archive = archive

    def deliver(self, context: Context) -> Any:  # noqa: ARG002 - the revision is all it takes from the run
        from airdock.source import reference, tree
        from airdock.source.git import opened

        with opened(self.repository.remote()) as git:
            commit = reference.resolve(git, self.revision)
            tree.fetch(git, commit, with_files=self.archive is not None)
            made = tree.authorship(git, commit)
            self.log.info("%s is %s by %s: %r", self.revision, commit, made.author, made.message.partition("\n")[0])
            texts = tree.read(git, commit, list(self.files.values()))
            content = tree.tree_id(git, commit)
            return {
                "repository": self.repository.repository,
                "provider": self.repository.provider,
                "ref": self.revision,
                "commit": commit,
                "author": made.author,
                "message": made.message,
                "committed_at": made.committed_at,
                "tree": content,
                "files": {purpose: texts[path] for purpose, path in self.files.items()},
                "archive": self._archived(git, commit, content),
            }

    def _archived(self, git: Any, commit: str, content: str) -> str:
        from airdock.source import archive

        if self.archive is None:
            return ""
        key = f"{self.archive.prefix}{content}.zip"
        if self.archive.holds(key):
            self.log.info("s3://%s/%s is there already", self.archive.name, key)
        else:
            self.archive.put(key, archive.write(git, commit))
            self.log.info("The tree is in s3://%s/%s", self.archive.name, key)
        return f"{self.archive.name}/{key}"
