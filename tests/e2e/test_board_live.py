"""People work with the board: in Chromium, on real Airflow, with a service that answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser, Locator, Page

from demo.place import ADMIN
from demo.releases import Change
from demo.rest import OPENER
from demo.traffic import Client
from tests.e2e import browser
from tests.e2e.line import Line
from tests.e2e.pipelines import ASKED, STEPWISE

HOLD, APPROVE = "production.hold", "production.approve"
ANSWER = "ContinueServiceDeployment"
OLD = Change("5.0.0", "What was good enough")
NEW = Change("5.1.0", "What nobody likes")
REASON = "the fair opens today"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser.started() as chromium:
        yield chromium


def test_line_is_stopped_a_release_is_delivered_and_taken_back_all_by_buttons(line: Line, chromium: Browser) -> None:
    line.push(OLD)
    line.expect(line.trigger(), "success", "live")
    commit = line.push(NEW)
    with browser.board_of(chromium, line, ADMIN) as page:
        _confirmed(page, "Stop the line", "Stop the line", reason=REASON)
        page.get_by_role("region", name="The line is stopped").get_by_text(REASON).wait_for()
        held = _run_of(page, "Deliver greeter", "Deliver")
        line.wait_for_task(held, HOLD, "deferred")
        assert line.page() == (OLD.version, 200)

        _confirmed(page, "Let it run", "Let it run")
        line.expect(held, "success", "live")
        assert line.page() == (NEW.version, 200)
        page.goto(f"{line.stack.place.ui}/airdock/#/")
        row = page.get_by_role("row", name=re.compile("^greeter"))
        row.get_by_text(commit[:7]).first.wait_for()

        line.expect(_run_of(page, "Roll back greeter", "Roll back"), "success", "live")
        assert line.page() == (OLD.version, 200)
        page.goto(f"{line.stack.place.ui}/airdock/#/")
        row.get_by_text(OLD.message).first.wait_for()


def test_traffic_moves_on_the_page_as_it_is_decided(line: Line, chromium: Browser, second_service: str) -> None:
    line.push(Change("6.0.0", "Go on while somebody looks"))
    line.hold_replies(("ecs", ANSWER), nth=3)
    run_id = line.trigger(STEPWISE)
    with Client(second_service), browser.board_of(chromium, line, "vera") as page:
        page.goto(f"{line.stack.place.ui}/airdock/#/deliveries/{STEPWISE}/{run_id}")
        line.wait_until_held(ANSWER)
        shares = page.get_by_role("list", name="Steps")
        shares.get_by_text("40 % new").wait_for()
        assert shares.get_by_text("100 % new").count() == 0
        assert page.get_by_text("goes on").count() == 3
        assert page.get_by_role("button", name="Stop", exact=True).count() == 0  # vera may only look
        line.release(ANSWER)
        line.expect(run_id, "success", "live")
        page.locator(".split").get_by_text("100 % new version").wait_for()


def test_stop_half_way_takes_the_traffic_back_and_the_delivery_is_told_as_stopped(
    line: Line, chromium: Browser, second_service: str
) -> None:
    before, new = _version(second_service), Change("6.0.5", "Stop this half way")
    line.push(new)
    line.hold_replies(("ecs", ANSWER), nth=2)
    run_id = line.trigger(STEPWISE)
    with Client(second_service), browser.board_of(chromium, line, ADMIN) as page:
        page.goto(f"{line.stack.place.ui}/airdock/#/deliveries/{STEPWISE}/{run_id}")
        line.wait_until_held(ANSWER)
        page.get_by_role("list", name="Steps").get_by_text("20 % new").wait_for()
        _confirmed(page, "Stop", "Stop")
        line.release(ANSWER)
        told = line.expect(run_id, "failed", "stopped")["sentence"]
        assert "stopped it" in told
        page.get_by_text(told).wait_for()
        page.goto(f"{line.stack.place.ui}/airdock/#/releases/{STEPWISE.partition('_')[2]}")
        row = page.get_by_role("row").filter(has_text=new.message)
        row.get_by_text("stopped", exact=True).wait_for()
    assert _version(second_service) == before


def _version(service: str) -> str:
    """What the service answers as its version."""
    with OPENER.open(service, timeout=10) as answer:
        return str(answer.headers["Greeter-Version"])


def test_author_is_barred_and_somebody_else_approves(line: Line, chromium: Browser) -> None:
    commit = line.push(Change("6.1.0", "Ask for a word"))
    run_id = line.trigger(ASKED)
    line.wait_for_task(run_id, APPROVE, "deferred")
    with browser.board_of(chromium, line, "alice") as page:
        question = _question(page)
        question.get_by_text("somebody else has to approve it").wait_for()
        assert question.get_by_role("button").count() == 0
    with browser.board_of(chromium, line, "bob") as page:
        assert commit in _question(page).get_by_label("Evidence for asked to production").inner_text()
        line.until(lambda: _approved(page, line, run_id), 120, lambda: line.story(run_id))
    line.expect(run_id, "success", "live")
    assert line.airflow.xcom(ASKED, run_id, APPROVE)["sentence"] == "approved by bob"


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
    page.wait_for_url(re.compile("#/deliveries/"))
    return unquote(page.url.rpartition("/")[2])
