"""Whether the traffic may take its next step, by what was measured: on, back, or measure once more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from airdock.plan.bounds import Finding, Mark, Measured, look_at
from airdock.release import Record
from airdock.spec.analysis import Analysis

__all__ = ["Answer", "Decision", "Measured", "alarmed", "before_traffic", "judge"]


class Answer(StrEnum):
    """CONTINUE and ROLLBACK are what ECS's ContinueServiceDeployment takes; WAIT asks it nothing yet."""

    CONTINUE = "CONTINUE"
    ROLLBACK = "ROLLBACK"
    WAIT = "WAIT"


@dataclass(frozen=True, slots=True)
class Decision(Record):
    """The answer, the sentence that gives its reason, and a line for each check."""

    answer: Answer
    sentence: str
    evidence: tuple[str, ...] = ()


def before_traffic() -> Decision:
    """The answer before the first step, when the new version has no traffic that could be measured."""
    return Decision(Answer.CONTINUE, "the new version has no traffic yet: there is nothing to measure")


def alarmed(alarms: Sequence[str]) -> Decision:
    """The answer where alarms of the deployment are on, each in a sentence: nothing else counts then."""
    return Decision(Answer.ROLLBACK, alarms[0], tuple(alarms))


def judge(analysis: Analysis, measured: Iterable[Measured], waits_so_far: int, doubt: str = "") -> Decision:
    """Decide by what was measured, in whatever order it comes; `waits_so_far`: how often it was WAIT in this step.

    One bad check is enough to go back. Without one, a check that can't be told is waited for, and then decided as
    `when_inconclusive` says; it never counts as good. `doubt`: why no good number means anything now, or "".
    """
    known = {each.check: each for each in measured}
    findings = [look_at(check, known.get(check.name)) for check in analysis.checks]
    evidence = (*([doubt] if doubt else []), *(finding.sentence for finding in findings))
    answer, sentence = _decided(analysis, findings, waits_so_far, doubt)
    return Decision(answer, sentence, evidence)


def _decided(analysis: Analysis, findings: Sequence[Finding], waits_so_far: int, doubt: str) -> tuple[Answer, str]:
    if bad := _first(findings, Mark.BAD):
        return Answer.ROLLBACK, bad
    if unknown := doubt or _first(findings, Mark.UNKNOWN):
        return _inconclusive(analysis, unknown, waits_so_far)
    return Answer.CONTINUE, "; ".join(finding.sentence for finding in findings)


def _inconclusive(analysis: Analysis, unknown: str, waits_so_far: int) -> tuple[Answer, str]:
    if waits_so_far < analysis.inconclusive_waits:
        return Answer.WAIT, f"{unknown}; it is measured again in {analysis.wait_seconds} seconds"
    if analysis.when_inconclusive == "continue":
        return Answer.CONTINUE, f"{unknown}; the pipeline says to continue then"
    return Answer.ROLLBACK, f"{unknown}; without a good answer the release is rolled back"


def _first(findings: Sequence[Finding], mark: Mark) -> str:
    return next((finding.sentence for finding in findings if finding.mark is mark), "")
