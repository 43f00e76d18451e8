"""Who may approve a release, and what the answers come to."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from airdock.plan.approval import APPROVE, REFUSE, Answer, Consent, Judgement, judge_approval
from airdock.plan.brought import Brings, Brought
from airdock.plan.evidence import Effect, evidence, in_markdown
from airdock.release import Commit, Finding, ScanReport
from airdock.spec.approval import Approval

ALICE: dict[str, Any] = {"user": "alice", "commits_as": ["Alice Doe", "alice@example.org"]}


def rules(**changes: Any) -> Approval:
    return Approval.model_validate({"approvers": [ALICE, {"user": "bob"}, {"user": "carol"}], **changes})


def a_commit(author: str = "Dave", email: str = "dave@example.org") -> Commit:
    sha, day = "a" * 40, "2026-11-23T12:00:00+00:00"
    return Commit("greeter", "greeter", "main", sha, "Greet politely\n\nmore", author, day, email)


def judged(*answers: tuple[str, str], of: Approval | None = None, pusher: str = "", **commit: str) -> Judgement:
    return judge_approval(of or rules(), a_commit(**commit), pusher, [Answer(*each) for each in answers])


def test_nobody_has_answered_yet_and_all_approvers_are_asked() -> None:
    found = judged()
    assert (found.consent, found.may_answer) == (Consent.ASKED, ("alice", "bob", "carol"))


def test_one_approval_is_enough_where_one_is_needed() -> None:
    found = judged(("bob", APPROVE))
    assert (found.consent, found.sentence) == (Consent.GIVEN, "approved by bob")


def test_one_refusal_is_enough_whatever_the_others_say() -> None:
    found = judged(("bob", APPROVE), ("carol", REFUSE), of=rules(needed=3))
    assert (found.consent, found.sentence) == (Consent.DENIED, "carol refused the release")


@pytest.mark.parametrize(
    "made",
    [{"author": "Alice Doe"}, {"email": "ALICE@example.org"}, {"author": "alice"}, {"pusher": "alice"}],
    ids=lambda made: next(iter(made)),
)
def test_who_made_or_pushed_the_commit_is_not_asked_and_does_not_count(made: dict[str, str]) -> None:
    found = judged(("alice", APPROVE), **made)
    assert (found.consent, found.may_answer) == (Consent.ASKED, ("bob", "carol"))
    assert "alice made it, and can't approve it" in found.sentence


def test_an_author_may_approve_where_the_team_says_so() -> None:
    assert judged(("alice", APPROVE), of=rules(author_may=True), author="Alice Doe").consent is Consent.GIVEN


def test_two_of_three_are_two_different_people() -> None:
    two = rules(needed=2)
    again = judged(("bob", APPROVE), ("bob", APPROVE), of=two)
    assert (again.consent, again.may_answer) == (Consent.ASKED, ("alice", "carol"))
    assert judged(("bob", APPROVE), ("carol", APPROVE), of=two).sentence == "approved by bob and carol"


def test_a_stranger_s_answer_does_not_count() -> None:
    assert judged(("mallory", APPROVE)).consent is Consent.ASKED


def test_a_release_that_nobody_may_approve_is_denied_at_once_with_the_reason() -> None:
    found = judged(of=Approval.model_validate({"approvers": [ALICE]}), author="Alice Doe")
    assert found.consent is Consent.DENIED
    assert "alice can't approve their own work" in found.sentence


def test_more_approvals_than_approvers_can_be_asked_of_nobody() -> None:
    with pytest.raises(ValidationError, match="more approvals than there are approvers"):
        rules(needed=4)


def test_the_evidence_tells_what_it_is_what_it_changes_and_what_was_found() -> None:
    scan = ScanReport("COMPLETE", {"HIGH": 2, "LOW": 0})
    effect = Effect("sha256:0 (greeter:7)", "all is well", "greeter in the cluster demo", ["~ web.cpu  256 -> 512"])
    lines = evidence(a_commit(), "sha256:1", effect, Brings(), scan)
    told = "\n".join(lines)
    for wanted in (
        "a" * 40,
        "Greet politely",
        "Dave <dave@example.org>",
        "sha256:1",
        "greeter:7",
        "2 high",
        "256 -> 512",
    ):
        assert wanted in told
    assert "more" not in told.split("Greet politely")[0]


def test_a_long_difference_says_how_much_is_left_out() -> None:
    changes = [f"~ {number}" for number in range(100)]
    lines = evidence(a_commit(), "sha256:1", Effect(changes=changes), Brings(), None)
    assert lines[-1].startswith("... and 40 lines more")


def test_the_evidence_tells_what_comes_with_the_release_and_whom_it_touches() -> None:
    old, new = Finding("CVE-1", "HIGH", "openssl"), Finding("CVE-2", "MEDIUM", "zlib")
    scan, live = ScanReport("COMPLETE", {"HIGH": 1, "MEDIUM": 1}, (old, new)), ScanReport("COMPLETE", {}, (old,))
    brings = Brings((Brought("b" * 40, "Greet louder", "Bob"), Brought("c" * 40, "Greet", "Ada")))
    effect = Effect(touches="greeter in the cluster demo, 2 tasks", changes=["~ web.cpu  256 -> 512"])
    told = "\n".join(evidence(a_commit(), "sha256:1", effect, brings, scan, live))
    for wanted in (
        "brings    2 since what is live",
        "bbbbbbb Greet louder, by Bob",
        "touches   greeter in the cluster demo, 2 tasks, 1 line of its task definition",
        "new since what is live: CVE-2 (medium)",
    ):
        assert wanted in told


def test_the_evidence_does_not_make_up_what_is_not_known() -> None:
    brings = Brings((Brought("b" * 40, "Greet louder", "Bob"),), "nothing is recorded as live here")
    told = "\n".join(evidence(a_commit(), "sha256:1", Effect(), brings, ScanReport("COMPLETE"), None))
    assert "brings    not all known: nothing is recorded as live here" in told
    assert "what it finds more than in what is live is not known" in told


def test_who_made_any_commit_of_the_release_can_not_approve_it() -> None:
    found = judge_approval(rules(), a_commit(), "", [], ["Bob", "ALICE@example.org"])
    assert found.may_answer == ("carol",)
    assert "alice and bob made it, and can't approve it" in found.sentence


def test_nothing_in_the_evidence_ends_the_block_it_stands_in() -> None:
    shown = in_markdown(["subject   ```\n<script>", "x `y`"])
    assert shown.count("```") == 2
    assert shown.startswith("```\n")
    assert shown.endswith("\n```")
