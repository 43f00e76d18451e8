"""CodeCommit's API over the repositories on disk."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, BaseResponse

from local_aws.codecommit import refusals, repositories
from local_aws.codecommit.git_http import PREFIX
from local_aws.world import world


class CodeCommitResponse(BaseResponse):
    """Repositories, branches and commits; the rest of CodeCommit is not here."""

    def __init__(self) -> None:
        super().__init__(service_name="codecommit")
        self.automated_parameter_parsing = True

    def create_repository(self) -> ActionResult:
        name = self._get_param("repositoryName")
        if not repositories.NAME.fullmatch(name):
            raise refusals.InvalidRepositoryNameException()
        if repositories.known(name):
            raise refusals.RepositoryNameExistsException(name)
        document = repositories.create(name, self._get_param("repositoryDescription", ""))
        return ActionResult({"repositoryMetadata": self._metadata(document)})

    def get_repository(self) -> ActionResult:
        return ActionResult({"repositoryMetadata": self._metadata(self._known())})

    def list_repositories(self) -> ActionResult:
        known = world().store.all(repositories.KIND)
        listed = [{"repositoryName": each["name"], "repositoryId": each["id"]} for each in known]
        return ActionResult({"repositories": sorted(listed, key=lambda each: each["repositoryName"])})

    def get_branch(self) -> ActionResult:
        branch = self._get_param("branchName")
        sha = repositories.refs(self._known()["name"]).get(f"refs/heads/{branch}")
        if sha is None:
            raise refusals.BranchDoesNotExistException(branch)
        return ActionResult({"branch": {"branchName": branch, "commitId": sha}})

    def list_branches(self) -> ActionResult:
        refs = repositories.refs(self._known()["name"])
        heads = [ref.removeprefix("refs/heads/") for ref in refs if ref.startswith("refs/heads/")]
        return ActionResult({"branches": heads})

    def get_commit(self) -> ActionResult:
        sha = self._get_param("commitId")
        try:
            found = repositories.commit(self._known()["name"], sha)
        except repositories.GitError:
            raise refusals.CommitIdDoesNotExistException(sha) from None
        commit = {
            "commitId": found["id"],
            "treeId": found["tree"],
            "parents": found["parents"].split(),
            "message": found["message"],
            "author": _person(found["author"], found["author_email"], found["author_at"]),
            "committer": _person(found["committer"], found["email"], found["at"]),
        }
        return ActionResult({"commit": commit})

    def _known(self) -> dict[str, Any]:
        name = self._get_param("repositoryName")
        document = repositories.known(name)
        if document is None:
            raise refusals.RepositoryDoesNotExistException(name)
        return document

    def _metadata(self, document: dict[str, Any]) -> dict[str, Any]:
        name, settings = document["name"], world().settings
        return {
            "accountId": settings.account,
            "repositoryId": document["id"],
            "repositoryName": name,
            "repositoryDescription": document["description"],
            "defaultBranch": "main",
            "creationDate": document["created"],
            "lastModifiedDate": document["modified"],
            "cloneUrlHttp": f"{settings.endpoint}{PREFIX}{name}",
            "Arn": f"arn:aws:codecommit:{self.region}:{settings.account}:{name}",
        }


def _person(name: str, email: str, at: str) -> dict[str, str]:
    return {"name": name, "email": email, "date": f"{at} +0000"}
