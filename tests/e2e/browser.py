"""Chromium, as the person who looks at the board has it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.line import Line

ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
PATIENCE_MS = 30_000
"""Longer than a poll, on a machine that has much to do."""


def installed() -> str | None:
    """The machine's own Chromium; None where only Playwright's is there, which it finds itself."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def started() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed(), args=list(ARGUMENTS))
        yield browser
        browser.close()


@contextmanager
def page_of(browser: Browser, **settings: Any) -> Iterator[Page]:
    """A page of its own, in a context of its own."""
    with browser.new_context(**settings) as context:
        context.set_default_timeout(PATIENCE_MS)
        yield context.new_page()


@contextmanager
def board_of(browser: Browser, line: Line, user: str) -> Iterator[Page]:
    """The board of a running line, once the user has signed in on the way to it."""
    with page_of(browser) as page:
        page.goto(f"{line.stack.place.ui}/airdock/")
        page.locator("input").first.fill(user)
        page.locator("input[type=password]").fill(line.stack.place.secrets.admin_password)
        page.keyboard.press("Enter")
        page.wait_for_url("**/airdock/**")
        page.wait_for_selector("#tools .user")
        yield page
