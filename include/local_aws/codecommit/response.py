"""CodeCommit's API over the repositories on disk."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, BaseResponse

from local_aws.codecommit import refusals, repositories
from local_aws.codecommit.git_http import PREFIX
from local_aws.codecommit.repositories import Change
from local_aws.world import world

LARGEST_PAGE = 400


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

    def delete_repository(self) -> ActionResult:
        """One that is not there is no error, and has no id."""
        document = repositories.remove(self._get_param("repositoryName"))
        return ActionResult({"repositoryId": document["id"]} if document else {})

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

    def get_differences(self) -> ActionResult:
        name, path = self._known()["name"], self._get_param("afterPath", "").strip("/")
        before, after = self._get_param("beforeCommitSpecifier", ""), self._get_param("afterCommitSpecifier")
        try:
            found = repositories.changes(name, before, after)
        except repositories.GitError:
            raise refusals.CommitDoesNotExistException(f"{before or 'nothing'}, {after}") from None
        inside = [each for each in found if not path or f"{each.path}/".startswith(f"{path}/")]
        begin = int(self._get_param("NextToken") or 0)
        end = begin + int(self._get_param("MaxResults") or LARGEST_PAGE)
        more = {"NextToken": str(end)} if end < len(inside) else {}
        return ActionResult({"differences": [_difference(each) for each in inside[begin:end]], **more})

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
            "cloneUrlHttp": f"{settings.public_endpoint}{PREFIX}{name}",
            "Arn": f"arn:aws:codecommit:{self.region}:{settings.account}:{name}",
        }


def _difference(change: Change) -> dict[str, Any]:
    sides = {"beforeBlob": change.before, "afterBlob": change.after}
    blobs = {
        side: {"blobId": blob, "path": change.path, "mode": mode}
        for side, (mode, blob) in sides.items()
        if int(mode, 8)
    }
    # CodeCommit knows A, M and D; git's T, another type of file, is a modification.
    return {**blobs, "changeType": change.kind if change.kind in ("A", "D") else "M"}


def _person(name: str, email: str, at: str) -> dict[str, str]:
    return {"name": name, "email": email, "date": f"{at} +0000"}
