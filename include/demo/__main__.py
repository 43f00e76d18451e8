"""`python -m demo`, as `make demo` runs it: 0 when all went as promised, 1 when not, 2 when it can't start."""

from __future__ import annotations

import os
import signal
import sys
import time

from demo import judgement, preflight
from demo.place import ROOT, Place
from demo.process import Trouble
from demo.screen import Screen, screen
from demo.stack import Stack
from demo.story import Story, refuse_to_pass, summarise, tell


class Stopped(BaseException):
    """Somebody asked for the end. No Exception: libraries that retry on any exception would swallow it."""


def main() -> int:
    if missing := preflight.complaints(str(ROOT)):
        print("make demo can't start:", *(f"  - {each}" for each in missing), sep="\n", file=sys.stderr)
        return 2
    started_at = began(os.environ.get("DEMO_STARTED_AT", ""))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    shown = screen(started_at)
    try:
        return _run(shown, time.time() - started_at)
    except Stopped:
        shown.say("stopped, and everything it started as well")
        return 130
    finally:
        shown.close()


def began(told: str) -> float:
    """When `make` says it began, for installing counts as set-up; a `date` that knows no nanoseconds tells `.N`."""
    try:
        return float(told.rstrip("N"))
    except ValueError:
        return time.time()


def _run(shown: Screen, installed_seconds: float) -> int:
    story = Story()
    try:
        with Stack(Place(runtime=os.environ.get("LOCAL_AWS_RUNTIME", "auto"))) as stack:
            tell(stack, shown, story)
            summarise(shown, story, installed_seconds)
            refuse_to_pass(judgement.complaints(story.deliveries))
            _stay_up(stack, shown)
            shown.say("stopping everything")
    except Trouble as trouble:
        shown.say(f"make demo failed: {trouble}")
        return 1
    shown.say("done: live, live, rolled back, and no request failed during the canary")
    return 0


def _stay_up(stack: Stack, shown: Screen) -> None:
    """On a terminal, leave everything running to be looked at until Ctrl-C."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    shown.say(f"Airflow {stack.place.ui} and the application {stack.place.app} stay up until Ctrl-C")
    try:
        while not stack.stopping.wait(1):
            stack.check()
    except Stopped:
        return


def _stop(*_: object) -> None:
    # Asked once is enough: a second signal must not interrupt the stopping.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


if __name__ == "__main__":
    sys.exit(main())
