"""The outcome of a whole delivery: from how each of its tasks ended to one word and one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from airdock.release import Outcome, OutcomeReport


class Step(StrEnum):
    """The steps of a delivery in their order; `roll_back` runs only when it must.

    Those around the traffic may be several tasks each, and so may what follows a release that is live.
    """

    CHOOSE_RELEASE = "choose_release"
    CLONE_SOURCE = "clone_source"
    BUILD = "build"
    WAIT_FOR_SCAN = "wait_for_scan"
    APPROVE = "approve"
    HOLD = "hold"
    PREFLIGHT = "preflight"
    REGISTER = "register"
    BEFORE_TRAFFIC = "before_traffic"
    DEPLOY = "deploy"
    VERIFY = "verify"
    AFTER_TRAFFIC = "after_traffic"
    FOLLOW = "follow"
    ROLL_BACK = "roll_back"


BEFORE_PRODUCTION = frozenset(list(Step)[: list(Step).index(Step.DEPLOY)])
"""Whatever these come to, the service has not been touched."""

ENTRY = Step.HOLD
"""The first step in an environment: skipped with all that follow where the run ends before the environment."""

STOPPED = "stopped"
"""The XCom key of a task that somebody marked as failed to stop the delivery: a sentence that says who."""

DOING = {
    Step.CHOOSE_RELEASE: "choosing the release",
    Step.CLONE_SOURCE: "reading the source",
    Step.BUILD: "the build",
    Step.WAIT_FOR_SCAN: "the image scan",
    Step.APPROVE: "the approval",
    Step.HOLD: "the wait for the environment",
    Step.PREFLIGHT: "the look at what the release needs",
    Step.REGISTER: "registering the task definition",
    Step.BEFORE_TRAFFIC: "a task before traffic",
    Step.DEPLOY: "the deployment",
    Step.VERIFY: "the check of the service's answers",
    Step.AFTER_TRAFFIC: "a task after traffic",
    Step.FOLLOW: "bringing along what follows the release",
    Step.ROLL_BACK: "the way back",
}


@dataclass(frozen=True, slots=True)
class StepEnd:
    """How one task ended; `task` is its name where the step may have several.

    `state` is Airflow's (success, failed, skipped, upstream_failed, ...; "" for none). `reason` is the sentence that
    the task left, `faulted` whether a fault and no answer ended it, `outcome` what it itself says of the delivery.
    """

    step: Step
    state: str
    reason: str = ""
    faulted: bool = False
    outcome: Outcome | None = None
    task: str = ""

    @property
    def name(self) -> str:
        return f"{self.step} {self.task}".rstrip()

    @property
    def doing(self) -> str:
        """What the task was about, in words."""
        return f"{DOING[self.step]}{f' ({self.task})' if self.task else ''}"


@dataclass(frozen=True, slots=True)
class Production:
    """What the service was seen to run at the end, in words.

    `release`: whether that is what was delivered; `before`: whether it is what ran before. Where it could not be looked
    at, `seen` is False, and `release` whether the tasks left their own word that it is live.
    """

    words: str
    release: bool
    before: bool = False
    seen: bool = True


def came_to(ends: Sequence[StepEnd]) -> bool:
    """Whether the delivery came to the environment at all."""
    return any(end.step is ENTRY and end.state in ("success", "failed") for end in ends)


def passed(ends: Sequence[StepEnd]) -> bool:
    """Whether Airflow calls all that leads to a live release a success, and nothing was taken back."""
    return all((end.state == "success") != (end.step is Step.ROLL_BACK) for end in ends if end.step is not Step.FOLLOW)


def judge_delivery(
    subject: str, ends: Sequence[StepEnd], production: Production, not_passed: str = ""
) -> OutcomeReport:
    """What the delivery came to. Anybody can mark a task as a success: it is live only if production runs it.

    `subject` is what was delivered (`greeter 1a2b3c4 to production`). `not_passed`: how the release ended in an
    environment before this one, "" if it passed.
    """
    stands = production.words
    ordered = sorted(ends, key=lambda end: list(Step).index(end.step))
    if not_passed:
        return OutcomeReport(Outcome.REFUSED, _sentence(f"{subject} was refused: {not_passed.rstrip('.')}", stands))
    line = [end for end in ordered if end.step is not Step.ROLL_BACK]
    broken = next((end for end in line if end.state != "success"), None)
    details = tuple(f"{end.name}: {end.state or 'not begun'}{_because(end)}" for end in ordered)
    way_back = next((end for end in ends if end.step is Step.ROLL_BACK), None)
    stays = passed(ends) and production.release
    if stays and broken is None:
        return OutcomeReport(Outcome.LIVE, _sentence(f"{subject} is live", stands), details, stays)
    if broken and (stays or broken.step is not Step.FOLLOW):
        begun = any(end.step is Step.DEPLOY and end.state in ("success", "failed") for end in ends)
        outcome, why = _judge(broken, way_back, production, begun=begun)
    else:
        outcome, why = _marked(way_back, production)
    told = f"{subject} {_ENDED[outcome]}: {why}{'; the release itself is live' if stays else ''}"
    return OutcomeReport(outcome, _sentence(told, stands), details, stays)


_ENDED = {
    Outcome.ROLLED_BACK: "was rolled back",
    Outcome.REFUSED: "was refused",
    Outcome.SUPERSEDED: "was overtaken",
    Outcome.FAILED: "failed",
    Outcome.STOPPED: "was stopped",
}


def _marked(way_back: StepEnd | None, production: Production) -> tuple[Outcome, str]:
    """What a delivery came to whose deployment and checks count as successes, and that is not live."""
    whatever = "whatever the other tasks have been marked as since"
    if way_back and way_back.state == "success":
        return _taken_back(Outcome.ROLLED_BACK, f"the way back succeeded, {whatever}", production)
    if not production.seen:
        return Outcome.FAILED, "its tasks have been marked as successes without having come to their end"
    if production.before:
        return Outcome.ROLLED_BACK, "production runs what ran before, whatever the tasks have been marked as"
    return Outcome.SUPERSEDED, "production runs another version, whatever the tasks came to"


def _judge(broken: StepEnd, way_back: StepEnd | None, production: Production, *, begun: bool) -> tuple[Outcome, str]:
    why = broken.reason or f"{broken.doing} broke off without a word"
    if broken.state != "failed":
        return Outcome.STOPPED, f"it came as far as {broken.doing}, which is {broken.state or 'not begun'}"
    if broken.outcome is Outcome.SUPERSEDED:
        return Outcome.SUPERSEDED, why
    if broken.step in BEFORE_PRODUCTION and begun:
        return Outcome.FAILED, f"{why}; it was marked so after the deployment had begun"
    if broken.step in BEFORE_PRODUCTION:
        return _refused(broken), f"{why}; production is untouched"
    if broken.step is Step.FOLLOW:
        return Outcome.FAILED, why
    return _after_production(broken, why, way_back, production)


def _taken_back(outcome: Outcome, why: str, production: Production) -> tuple[Outcome, str]:
    """The outcome of a way back that counts as a success, unless production runs the release all the same."""
    if production.seen and production.release and not production.before:
        return Outcome.FAILED, f"{why}; but production runs the release all the same"
    return outcome, why


def _after_production(
    broken: StepEnd, why: str, way_back: StepEnd | None, production: Production
) -> tuple[Outcome, str]:
    """What a failed deployment or check led to, by how the way back ended."""
    state = way_back.state if way_back else ""
    if state == "success":
        outcome = Outcome.STOPPED if broken.outcome is Outcome.STOPPED else Outcome.ROLLED_BACK
        return _taken_back(outcome, why, production)
    if state == "skipped" and broken.step is Step.DEPLOY:
        return _refused(broken), f"{why}; nothing was deployed"
    told = way_back.reason if way_back and way_back.reason else "it did not get to its end"
    if way_back and way_back.outcome is Outcome.SUPERSEDED:
        return Outcome.SUPERSEDED, f"{why}; {told}"
    return Outcome.FAILED, f"{why}; the way back failed: {told}"


def _refused(broken: StepEnd) -> Outcome:
    """Without its sentence, or with a fault's, a task has not answered; one that somebody stopped is no refusal."""
    if broken.outcome is Outcome.STOPPED:
        return Outcome.STOPPED
    return Outcome.REFUSED if broken.reason and not broken.faulted else Outcome.FAILED


def _because(end: StepEnd) -> str:
    return f" ({end.reason})" if end.reason else ""


def _sentence(told: str, stands: str) -> str:
    return f"{told}. {stands[:1].upper()}{stands[1:]}." if stands else f"{told}."
