"""What an analysis measures: every source asked at the same time, and none of them trusted to answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from math import isfinite
from typing import Any

from airdock.aws.analysis import cloudwatch
from airdock.aws.analysis.sources import http, prometheus, sql
from airdock.aws.analysis.subject import Subject, Version, Window
from airdock.errors import AirdockError
from airdock.plan.analysis import Measured
from airdock.spec.analysis import Analysis, Check
from airdock.spec.check import CloudWatchCheck, HttpCheck, PrometheusCheck, SqlCheck

__all__ = ["Subject", "Version", "gather"]

LONGEST_SECONDS = 60
"""How long is waited for the sources, all together."""
LONGEST_ERROR = 300
NUMBERS = ("value", "baseline", "samples", "baseline_samples")

Job = Callable[[], list[Measured]]


def gather(analysis: Analysis, subject: Subject, longest_seconds: float = LONGEST_SECONDS) -> list[Measured]:
    """Measure every check, in the order of the analysis, within a minute.

    Never raises for a source that refuses, breaks or is silent: that is its check's `error`.
    """
    window = Window.of(subject.since, analysis.window_minutes, datetime.now(UTC))
    jobs = list(_jobs(analysis, subject, window))
    found: dict[str, Measured] = {}
    threads = [threading.Thread(target=_run, args=(*job, found), daemon=True) for job in jobs]
    until = time.monotonic() + longest_seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    late = f"there was no answer within {longest_seconds:g} seconds"
    return [found.get(check.name) or Measured(check.name, error=late) for check in analysis.checks]


def _jobs(analysis: Analysis, subject: Subject, window: Window) -> Iterator[tuple[Sequence[Check], Job]]:
    if metrics := [check for check in analysis.checks if isinstance(check, CloudWatchCheck)]:
        yield metrics, partial(cloudwatch.measure, metrics, subject, window)
    for check in analysis.checks:
        if not isinstance(check, CloudWatchCheck):
            yield [check], partial(_alone, check, subject, window)


def _alone(check: HttpCheck | SqlCheck | PrometheusCheck, subject: Subject, window: Window) -> list[Measured]:
    match check:
        case HttpCheck():
            return [http(check, subject, window)]
        case SqlCheck():
            return [sql(check, subject, window)]
        case PrometheusCheck():
            return [prometheus(check, subject, window)]


def _run(checks: Sequence[Check], job: Job, found: dict[str, Measured]) -> None:
    """In a thread of its own: a driver that hangs for ever must not take the decision with it."""
    try:
        measured = job()
    except AirdockError as error:
        measured = [_failed(check, error.sentence) for check in checks]
    except Exception as error:  # A database's driver raises what it likes, and all of it means: no number.
        measured = [_failed(check, f"{type(error).__name__}: {error}") for check in checks]
    found.update({each.check: _finite(each) for each in measured})


def _finite(measured: Measured) -> Measured:
    """NaN and infinity are no numbers, neither to a decision nor to the database that keeps what was measured."""
    odd = {name: told for name in NUMBERS if (told := getattr(measured, name)) is not None and not isfinite(told)}
    if not odd:
        return measured
    note = ", ".join(f"{name} is {told}" for name, told in odd.items())
    changes: dict[str, Any] = {**dict.fromkeys(odd), "note": note}
    return replace(measured, **changes)


def _failed(check: Check, why: str) -> Measured:
    return Measured(check.name, error=" ".join(why.split())[:LONGEST_ERROR])
