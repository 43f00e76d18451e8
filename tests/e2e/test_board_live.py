"""People work with the board: in Chromium, on real Airflow, with a service that answers."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser, Locator, Page

from demo.events import PUSH_RULE, make_push_rule
from demo.place import ADMIN
from demo.releases import Change
from demo.rest import OPENER, RestError
from demo.traffic import Client
from tests.e2e import browser
from tests.e2e.line import RUN_SECONDS, Line
from tests.e2e.pipelines import ASKED, CANARY

APPROVE = "production.approve"
ANSWER = "ContinueServiceDeployment"
OLD = Change("5.0.0", "What was good enough")
NEW = Change("5.1.0", "What nobody likes")
WATCHED = Change("6.0.0", "Go on while somebody looks")
OVERTAKEN = Change("6.1.0", "Ask people, and change your mind")
WANTED = Change("6.2.0", "Ask people, and wait for their word")
REASON = "the fair opens today"
IN_A_RUN = RUN_SECONDS * 1000
"""Milliseconds in which a delivery comes to any of its stages."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser.started() as chromium:
        yield chromium


@contextmanager
def _pushes_told(line: Line) -> Iterator[None]:
    """EventBridge tells the webhook of every push while the block lasts, as in the demonstration."""
    make_push_rule(line.aws, line.stack.place)
    yield
    events = line.aws.client("events")
    events.remove_targets(Rule=PUSH_RULE, Ids=["airdock"])
    events.delete_rule(Name=PUSH_RULE)


def test_push_to_a_stopped_line_is_held_goes_live_and_is_taken_back_all_by_buttons(
    line: Line, chromium: Browser
) -> None:
    line.push(OLD)
    with browser.board_of(chromium, line, ADMIN) as page:
        line.expect(_run_of(page, "Deliver greeter", "Deliver"), "success", "live")
        before = line.last_effect()
        page.goto(f"{line.stack.place.ui}/airdock/#/")
        _confirmed(page, "Stop the line", "Stop the line", reason=REASON)
        page.get_by_role("region", name="The line is stopped").get_by_text(REASON).wait_for()
        with _pushes_told(line):
            commit = line.push(NEW)
            row = page.get_by_role("row", name=re.compile("^greeter"))
            held = row.get_by_role("link", name="held")
            held.wait_for(timeout=IN_A_RUN)
        row.get_by_text(f"{ADMIN} stopped the line: {REASON}").wait_for()
        row.get_by_text(NEW.message).wait_for()
        held.click()
        run_id = _run_shown(page)
        assert run_id.startswith("codecommit__")
        page.get_by_text(re.compile(f"^{ADMIN} stopped the line .+: {REASON}")).wait_for()
        assert line.page() == (OLD.version, 200)
        assert line.effects("codedeploy", "CreateDeployment", before) == []

        _confirmed(page, "Let it run", "Let it run")
        page.get_by_role("heading", name="production: live").wait_for(timeout=IN_A_RUN)
        line.expect(run_id, "success", "live")
        assert line.page() == (NEW.version, 200)
        page.goto(f"{line.stack.place.ui}/airdock/#/")
        row.get_by_text(commit[:7]).first.wait_for()

        line.expect(_run_of(page, "Roll back greeter", "Roll back"), "success", "live")
        assert line.page() == (OLD.version, 200)
        page.goto(f"{line.stack.place.ui}/airdock/#/")
        row.get_by_text(OLD.message).first.wait_for()


def test_canary_moves_on_the_page_back_when_it_is_stopped_and_to_the_end_when_it_is_let(
    line: Line, chromium: Browser, second_service: str
) -> None:
    before = _version(second_service)
    line.push(WATCHED)
    with Client(second_service) as client, browser.board_of(chromium, line, ADMIN) as page:
        run_id = _at_a_tenth(line, client, page)
        _assert_only_to_look_at(line, chromium, run_id)
        _confirmed(page, "Stop", "Stop")
        told = line.expect(run_id, "failed", "stopped")["sentence"]
        line.release(ANSWER)
        assert "stopped it" in told
        page.get_by_text(told).wait_for()
        _new_version_has(page, 0)
        page.goto(f"{line.stack.place.ui}/airdock/#/releases/canary")
        page.get_by_role("row").filter(has_text=WATCHED.message).get_by_text("stopped", exact=True).wait_for()
        assert _version(second_service) == before

        run_id = _at_a_tenth(line, client, page)
        line.release(ANSWER)
        _new_version_has(page, 100)
        line.expect(run_id, "success", "live")
        assert _version(second_service) == WATCHED.version
        assert [each for each in client.answers() if each.failed] == []


def _at_a_tenth(line: Line, client: Client, page: Page) -> str:
    """A run of the canary whose page shows a tenth of the traffic on the new version, which answers some of it.

    It stays there until `ANSWER` is released.
    """
    line.hold_calls(("ecs", ANSWER), nth=2)
    run_id = line.trigger(CANARY)
    page.goto(f"{line.stack.place.ui}/airdock/#/deliveries/{CANARY}/{run_id}")
    _new_version_has(page, 10)
    page.get_by_role("list", name="Steps").get_by_text("then 100 %").wait_for()
    line.wait_until_held(ANSWER)
    now = time.time()
    line.until(lambda: len(_versions(client, now)) == 2, 60, lambda: f"only {_versions(client, now)} answers")
    return run_id


def _versions(client: Client, since: float) -> set[str]:
    """Which versions have answered."""
    return {each.version for each in client.answers(since)}


def _assert_only_to_look_at(line: Line, chromium: Browser, run_id: str) -> None:
    """Vera sees the canary as well, and nothing to press."""
    with browser.board_of(chromium, line, "vera") as page:
        page.goto(f"{line.stack.place.ui}/airdock/#/deliveries/{CANARY}/{run_id}")
        _new_version_has(page, 10)
        assert page.get_by_text("goes on").count() == 2
        assert page.get_by_role("button", name="Stop", exact=True).count() == 0


def _new_version_has(page: Page, percent: int) -> None:
    """Return once the page shows this share of the traffic; it is not loaded again meanwhile."""
    page.locator(".split").get_by_text(f"{percent} % new version", exact=True).wait_for(timeout=IN_A_RUN)


def _version(service: str) -> str:
    """What the service answers as its version."""
    with OPENER.open(service, timeout=10) as answer:
        return str(answer.headers["Greeter-Version"])


def test_overtaken_question_is_withdrawn_the_author_is_barred_and_somebody_else_approves(
    line: Line, chromium: Browser
) -> None:
    line.push(OVERTAKEN)
    overtaken = _asking(line)
    commit = line.push(WANTED)
    run_id = _asking(line)
    assert "question was withdrawn" in line.expect(overtaken, "failed", "superseded")["sentence"]

    assert "dana@example.com" in line.user("bob").question(ASKED, run_id, APPROVE)["body"]
    with pytest.raises(RestError, match="is not a respondent"):
        line.user("alice").answer(ASKED, run_id, APPROVE, "Approve")
    with browser.board_of(chromium, line, "alice") as page:
        question = _question(page)
        question.get_by_text("somebody else has to approve it").wait_for()
        assert question.get_by_role("button").count() == 0
    with browser.board_of(chromium, line, "bob") as page:
        assert commit in _question(page).get_by_label("Evidence for asked to production").inner_text()
        line.until(lambda: _approved(page, line, run_id), 120, lambda: line.story(run_id))
    line.expect(run_id, "success", "live")
    assert line.digest_in_production() == line.digest_of(commit)
    assert line.airflow.xcom(ASKED, run_id, APPROVE)["sentence"] == "approved by bob"


def _asking(line: Line) -> str:
    """A run that waits for people's word on the branch's head."""
    run_id = line.trigger(ASKED)
    line.wait_for_task(run_id, APPROVE, "deferred")
    return run_id


def _question(page: Page) -> Locator:
    page.get_by_role("link", name="Approvals").click()
    return page.get_by_role("article", name="asked to production")


def _approved(page: Page, line: Line, run_id: str) -> bool:
    """Press the button while it is there: within the first seconds of a question Airflow 3.3 can lose an answer."""
    button = page.get_by_role("button", name="Approve asked for production", exact=True)
    if button.count() and line.task_states(run_id)[APPROVE] == "deferred":
        button.click()
        page.get_by_role("dialog").get_by_role("button", name="Approve", exact=True).click()
        page.get_by_role("dialog").wait_for(state="detached")
    return line.task_states(run_id)[APPROVE] == "success"


def _confirmed(page: Page, button: str, yes: str, reason: str = "") -> None:
    """Press the button, and say yes to what the dialog says."""
    page.get_by_role("button", name=button, exact=True).click()
    dialog = page.get_by_role("dialog")
    if reason:
        dialog.get_by_label("Why").fill(reason)
    dialog.get_by_role("button", name=yes, exact=True).click()
    dialog.wait_for(state="detached")


def _run_of(page: Page, button: str, yes: str) -> str:
    """The id of the run that the button started, whose page the board has turned to."""
    page.goto(f"{page.url.partition('#')[0]}#/")
    _confirmed(page, button, yes)
    return _run_shown(page)


def _run_shown(page: Page) -> str:
    """The id of the run whose page this is."""
    page.wait_for_url(re.compile("#/deliveries/"))
    return unquote(page.url.rpartition("/")[2])
