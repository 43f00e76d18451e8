"""CodeCommit's errors, by the names of its API reference."""

from __future__ import annotations

from moto.core.exceptions import ServiceException


class RepositoryDoesNotExistException(ServiceException):
    code = "RepositoryDoesNotExistException"

    def __init__(self, name: str) -> None:
        super().__init__(self.code, f"{name} does not exist")


class RepositoryNameExistsException(ServiceException):
    code = "RepositoryNameExistsException"

    def __init__(self, name: str) -> None:
        super().__init__(self.code, f"Repository named {name} already exists")


class InvalidRepositoryNameException(ServiceException):
    code = "InvalidRepositoryNameException"

    def __init__(self) -> None:
        super().__init__(self.code, "The repository name is not valid: letters, digits, '.', '_' and '-', at most 100")


class BranchDoesNotExistException(ServiceException):
    code = "BranchDoesNotExistException"

    def __init__(self, name: str) -> None:
        super().__init__(self.code, f"Branch {name} does not exist")


class CommitDoesNotExistException(ServiceException):
    code = "CommitDoesNotExistException"

    def __init__(self, specifier: str) -> None:
        super().__init__(self.code, f"Could not resolve to a commit: {specifier}")


class CommitIdDoesNotExistException(ServiceException):
    code = "CommitIdDoesNotExistException"

    def __init__(self, sha: str) -> None:
        super().__init__(self.code, f"Commit {sha} does not exist")
