"""People work with the board: in Chromium, on real Airflow, with a service that answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from demo.place import ADMIN
from demo.releases import Change
from tests.e2e import browser
from tests.e2e.line import Line

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HOLD = "production.hold"
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
