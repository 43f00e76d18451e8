"""A push, whoever told of it: which repository, which branch or tag, from which commit to which."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from airdock.names import COMMIT, Rule
from airdock.release import Record

DELIVERY = Rule("a delivery id", r"(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9_.:+-]*", "letters, digits and _ . : + -", 120)
"""What becomes part of a run's id. Airflow's own pattern for those lets a trailing newline pass."""

HEADS, TAGS = "refs/heads/", "refs/tags/"
IMAGES = "images"
"""Where a run has its `ref`: what moved is no branch, but the images that somebody else's builds push."""


class Kind(StrEnum):
    """What was pushed."""

    BRANCH = "branch"
    TAG = "tag"
    PULL_REQUEST = "pull_request"
    IMAGE = "image"
    REQUEST = "request"
    """Nothing was: somebody asks for the delivery of an application."""


@dataclass(frozen=True, slots=True)
class Repository(Record):
    """A repository as its provider tells of it.

    `addresses`: host and path of every way to it, as `address_of` makes them. `fork`: it is a fork of another; of a
    pull request, that the change comes from one.
    """

    id: str
    name: str
    addresses: tuple[str, ...] = ()
    fork: bool = False

    def is_only(self, name: str) -> bool:
        """Whether all that is told of it is told of the repository of this name."""
        return self.name.lower() == name.lower() and all(_ends(each, name) for each in self.addresses)

    def may_be(self, name: str) -> bool:
        """Whether anything that is told of it is told of the repository of this name."""
        return self.name.lower() == name.lower() or any(_ends(each, name) for each in self.addresses)


@dataclass(frozen=True, slots=True)
class Push(Record):
    """One branch or tag that moved.

    `ref` is exact (`refs/heads/main`); of a pull request it is the branch that it wants to change, of an image its tag.
    `before` and `after` are full commit ids, "" for none: a new ref has no `before`, a deleted one no `after`. Where a
    provider tells no full id of the commit for certain, `after` is the name by which git finds it.
    `files`: the paths that changed, or None when the provider did not tell all of them for certain.
    `seal`: where the provider signs its message but not the delivery id, what the signed message is known again by.
    """

    provider: str
    delivery: str
    repository: Repository
    kind: Kind
    ref: str
    before: str = ""
    after: str = ""
    files: tuple[str, ...] | None = None
    pusher: str = ""
    subject: str = ""
    environment: str = ""
    seal: str = ""

    @property
    def deleted(self) -> bool:
        """Whether the branch or tag is gone."""
        return not self.after

    @property
    def run_id(self) -> str:
        """The id of every run that this push starts: a repetition of the push has the same."""
        return f"{self.provider}__{self.delivery}"

    @property
    def short_ref(self) -> str:
        """The branch's or tag's name as people say it."""
        return self.ref.removeprefix(HEADS).removeprefix(TAGS)


@dataclass(frozen=True, slots=True)
class Unconcerning:
    """An event that starts nothing, and why; `greeting` when the sender only tries whether somebody listens."""

    sentence: str
    greeting: bool = False


Event = tuple[Push, ...] | Unconcerning
"""What a provider's message is: pushes (one message may tell of several), or nothing that concerns deliveries."""

_SSH = re.compile(r"(?:[A-Za-z0-9_.-]+@)?(?P<host>[A-Za-z0-9.-]+):(?!//)(?P<path>[A-Za-z0-9~][^:\s]*)")
_URL = re.compile(r"(?:https?|ssh)://(?:[^@/]*@)?(?P<host>[A-Za-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]+)?/(?P<path>.+)")


def address_of(url: str) -> str:
    """`github.com/acme/greeter` for each of the addresses of that repository, by whatever protocol; "" for none.

    Forges don't tell repositories apart by upper and lower case.
    """
    found = _URL.fullmatch(url) or _SSH.fullmatch(url)
    if found is None:
        return ""
    # Bitbucket Data Center clones from /scm/, and so do we all.
    path = found["path"].strip("/").removesuffix(".git").removeprefix("scm/")
    return f"{found['host']}/{path}".lower()


def _ends(address: str, name: str) -> bool:
    return f"/{address}".endswith(f"/{name.lower()}")


def addresses_of(*urls: str) -> tuple[str, ...]:
    """The different addresses that these urls are, sorted."""
    return tuple(sorted({address for url in urls if (address := address_of(url))}))


def kind_of(ref: str) -> Kind | None:
    """Whether a full ref is a branch or a tag; None for anything else, such as notes."""
    if ref.startswith(HEADS):
        return Kind.BRANCH
    return Kind.TAG if ref.startswith(TAGS) else None


def one_or_many(delivery: str, index: int, count: int) -> str:
    """The delivery id of one of several changes in a message: each has its own, the same at every repetition."""
    return delivery if count == 1 else f"{delivery}.{index}"


def commit_or_none(text: str) -> str:
    """A commit id as it is; "" for the zeros that stand for none.

    Raises:
        Refused: anything else.
    """
    return "" if text == "0" * 40 else COMMIT.check(text)
