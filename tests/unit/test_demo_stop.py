"""Ctrl-C ends the demonstration wherever it stands."""

import contextlib
import signal

import pytest

from demo import __main__ as demo


def test_request_to_stop_is_not_swallowed_by_a_library_that_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    def asks_again_after_any_exception() -> None:
        while True:
            with contextlib.suppress(Exception):
                demo._stop()

    with pytest.raises(demo.Stopped):
        asks_again_after_any_exception()
