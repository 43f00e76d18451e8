"""What people's answers to a release come to: approved, refused, or somebody else is to be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from airdock.release import Commit, Record
from airdock.spec.approval import Approval

APPROVE, REFUSE = "Approve", "Refuse"


@dataclass(frozen=True, slots=True)
class Answer(Record):
    """What a user said; `at` is ISO 8601."""

    user: str
    option: str
    at: str = ""


class Consent(StrEnum):
    """What the answers so far come to."""

    GIVEN = "given"
    DENIED = "denied"
    ASKED = "asked"
    """More answers are needed."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the answers come to, and why; `may_answer` are the users who are still to be asked."""

    consent: Consent
    sentence: str
    may_answer: tuple[str, ...] = ()


def judge_approval(
    rules: Approval, commit: Commit, pusher: str, answers: Sequence[Answer], makers: Sequence[str] = ()
) -> Judgement:
    """What the answers so far mean for a commit that `pusher` brought ("" where nobody did).

    `makers`: names and addresses of those who made it, or another commit of the release.
    """
    if refusal := next((each for each in answers if each.option != APPROVE), None):
        return Judgement(Consent.DENIED, f"{refusal.user} refused the release")
    own = [] if rules.author_may else _own_work(rules, [commit.author, commit.author_email, pusher, *makers])
    may = [approver.user for approver in rules.approvers if approver.user not in own]
    given = [user for user in dict.fromkeys(answer.user for answer in answers) if user in may]
    if len(given) >= rules.needed:
        return Judgement(Consent.GIVEN, f"approved by {_and(given)}")
    left = tuple(user for user in may if user not in given)
    missing = rules.needed - len(given)
    if len(left) < missing:
        barred = f"; {_and(own)} can't approve their own work" if own else ""
        told = f"it needs {missing} more of its approvers, and {len(left)} are left{barred}"
        return Judgement(Consent.DENIED, f"nobody can approve the release: {told}")
    return Judgement(Consent.ASKED, _asking(given, missing, left, own), left)


def _own_work(rules: Approval, names: Sequence[str]) -> list[str]:
    """The approvers who made or pushed a commit of the release, by these names."""
    makers = {name.casefold() for name in names if name}
    return [
        approver.user
        for approver in rules.approvers
        if makers & {name.casefold() for name in (approver.user, *approver.commits_as)}
    ]


def _asking(given: Sequence[str], missing: int, left: Sequence[str], own: Sequence[str]) -> str:
    told = f"approved by {_and(given)}; " if given else ""
    barred = f" ({_and(own)} made it, and can't approve it)" if own else ""
    return f"{told}it needs the approval of {missing} of {_and(left)}{barred}"


def _and(users: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(users[:-1]), users[-1]])) if users else "nobody"
