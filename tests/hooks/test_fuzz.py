"""The fuzzer, briefly: the same messages every time. `make fuzz` takes others, for ten minutes."""

from __future__ import annotations

import pytest

from tests.hooks import fuzz
from tests.hooks.fuzz import Fuzzer

REQUESTS = 10_000


def test_signed_nonsense_of_all_kinds_is_answered_in_time_and_well() -> None:
    fuzzer = Fuzzer(seed=1)
    fuzzer.run(requests=REQUESTS)
    assert [(each.wrong, each.path, each.headers, each.body) for each in fuzzer.found] == []
    assert fuzzer.statuses.total() == REQUESTS
    # It gets behind the signature, and further.
    assert min(fuzzer.statuses[status] for status in (202, 204, 400, 401, 422)) > REQUESTS / 100, fuzzer.statuses


def test_fuzzer_finds_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise KeyError("a decision that fails")

    monkeypatch.setattr(fuzz, "decided", breaks)
    fuzzer = Fuzzer(seed=1)
    fuzzer.run(requests=REQUESTS)
    assert len(fuzzer.found) == 10
    assert "a decision that fails" in fuzzer.found[0].wrong
