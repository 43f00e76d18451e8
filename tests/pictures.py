"""Renew the pictures of the board in docs/images, light and dark, from made-up data: `make pictures`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tests.e2e import browser
from tests.fake_board import FakeBoard, served

IMAGES = Path(__file__).parents[1] / "docs/images"
SCHEMES: tuple[Any, ...] = ("light", "dark")
VIEWS = {
    "overview": "#/",
    "canary": "#/deliveries/deliver_billing/push__running",
    "failed": "#/deliveries/deliver_catalog/push__failed",
    "release": "#/releases/billing",
    "measures": "#/measures/billing",
    "approvals": "#/approvals",
}
SIZE: Any = {"width": 1440, "height": 900}


def main(folder: Path = IMAGES) -> None:
    """Write `board-<view>-<scheme>.png` of every view."""
    with browser.started() as chromium, served(FakeBoard(24)) as board:
        board.green = 10
        board.applications = [each for each in board.applications if not each["name"].startswith("orders")]
        for scheme in SCHEMES:
            with browser.page_of(chromium, viewport=SIZE, color_scheme=scheme) as page:
                for name, view in VIEWS.items():
                    page.goto(f"{board.address}{view}")
                    page.wait_for_selector("h1")
                    page.wait_for_selector("#tools .user")
                    page.screenshot(path=folder / f"board-{name}-{scheme}.png")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
