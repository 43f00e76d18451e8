"""One look at many jobs, in which what is wrong with one of them stays with that one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from airdock.aws.faults import is_throttling
from airdock.aws.watch.subject import Facts, Lookup, Thrifty, Watch
from airdock.errors import Fault

Answers = dict[str, Facts | Exception]
Look = Callable[[Sequence[str]], Mapping[str, Facts]]


class Reading(NamedTuple):
    """What a look told, by id: facts, or why there are none; unknown ids are left out."""

    answers: Answers
    calls: int
    """What it cost."""
    throttled: bool = False
    """Whether AWS refused any of the calls for their rate, even if the look could do without."""

    def of(self, job_id: str) -> Facts | Exception | None:
        """What was told of one job; None of one that AWS does not know, which a throttled look cannot tell."""
        unknown = Fault(f"AWS throttled the look at {job_id}") if self.throttled else None
        return self.answers.get(job_id, unknown)


def read_all(watch: Watch, lookup: Lookup, ids: Sequence[str], known: Mapping[str, Facts]) -> Reading:
    """Look at several jobs at once; `known`: facts of earlier looks. Raises nothing.

    Where the call for all fails, the half with the culprit is found by asking for both, and so on down to one id.
    """
    counted = _Counted(lookup)
    look: Look = partial(watch.read, counted)
    if isinstance(watch, Thrifty):
        look = partial(watch.reread, counted, known=known)
    answers = _tried(look, ids)
    answers = _apart(look, ids, answers) if isinstance(answers, Exception) else answers
    return Reading(answers, counted.calls, counted.throttled)


def _tried(look: Look, ids: Sequence[str]) -> Answers | Exception:
    try:
        return dict(look(ids))
    except Exception as error:  # an answer that nobody foresaw ends the wait of its own job, not that of the others
        return error


def _apart(look: Look, ids: Sequence[str], error: Exception) -> Answers:
    """The answers of jobs that could not be asked for together."""
    if len(ids) == 1 or is_throttling(error):
        return dict.fromkeys(ids, error)
    halves = ids[: len(ids) // 2], ids[len(ids) // 2 :]
    tried = [(half, _tried(look, half)) for half in halves]
    if isinstance(fault := tried[0][1], Fault) and isinstance(tried[1][1], Fault):
        return dict.fromkeys(ids, fault)  # nobody is at home: asking for each would only add to the load
    told = (_apart(look, half, each) if isinstance(each, Exception) else each for half, each in tried)
    return dict(chain.from_iterable(answers.items() for answers in told))


class _Counted:
    """A lookup whose clients count their calls."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self.calls = 0
        self.throttled = False

    def __call__(self, service: str) -> Any:
        return _CountingClient(self._lookup(service), self)


class _CountingClient:
    def __init__(self, client: Any, count: _Counted) -> None:
        self._client = client
        self._count = count

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return partial(self._call, found) if callable(found) else found

    def _call(self, operation: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self._count.calls += 1
        try:
            return operation(*args, **kwargs)
        except Exception as error:
            self._count.throttled |= is_throttling(error)
            raise
