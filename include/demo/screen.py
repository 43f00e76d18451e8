"""What the person in front of the demonstration sees: a live view on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

COLOURS = {"success": "green", "failed": "red", "up_for_retry": "yellow", "running": "cyan", "deferred": "cyan"}
BAR_CHARACTERS = 40
NARROWEST_TABLE = 160


class Screen(Protocol):
    """Takes what happens, as it happens."""

    def say(self, text: str) -> None:
        """One line of the story."""

    def chapter(self, title: str) -> None:
        """A new part of the story begins."""

    def task(self, name: str, state: str, seconds: float) -> None:
        """A task of the running delivery has this state now."""

    def traffic(self, shares: Mapping[str, float]) -> None:
        """What each version answered in the last two seconds, in percent."""

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Figures at the end."""

    def close(self) -> None:
        """Nothing follows."""


def screen(started_at: float) -> Screen:
    """The right one for where standard output goes; times count from `started_at`, seconds since the epoch."""
    return LiveScreen(started_at) if sys.stdout.isatty() else PlainScreen(started_at)


class PlainScreen:
    """Lines with the time that has passed."""

    def __init__(self, started_at: float) -> None:
        self._started_at = started_at
        # Off a terminal rich would wrap at 80 characters, and tables would be cut.
        self._console = Console(file=sys.stdout, width=NARROWEST_TABLE, soft_wrap=True, highlight=False)

    def say(self, text: str) -> None:
        first, *rest = text.splitlines() or [""]
        print(f"[{self._passed():6.1f} s] {first}", *rest, sep="\n           ", flush=True)

    def chapter(self, title: str) -> None:
        print(flush=True)
        self.say(f"== {title} ==")

    def task(self, name: str, state: str, seconds: float) -> None:
        took = f" after {seconds:.1f} s" if state in ("success", "failed") else ""
        self.say(f"{name}: {state}{took}")

    def traffic(self, shares: Mapping[str, float]) -> None:
        """Twice a second would flood a log: the shares of each step are told at the end of the delivery."""

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self._console.print(_table(title, columns, rows))

    def close(self) -> None:
        sys.stdout.flush()

    def _passed(self) -> float:
        return time.time() - self._started_at


class LiveScreen:
    """The story above, and below it the tasks of the running delivery and the traffic, renewed as they change."""

    def __init__(self, started_at: float) -> None:
        self._started_at = started_at
        self._console = Console()
        self._title = ""
        self._tasks: dict[str, tuple[str, float]] = {}
        self._shares: Mapping[str, float] = {}
        self._live = Live(get_renderable=self._view, console=self._console, refresh_per_second=4)
        self._live.start()

    def say(self, text: str) -> None:
        passed = time.time() - self._started_at
        self._console.print(Text.assemble((f"{passed:6.1f} s  ", "dim"), text))

    def chapter(self, title: str) -> None:
        self._title, self._tasks, self._shares = title, {}, {}
        self._console.rule(title)

    def task(self, name: str, state: str, seconds: float) -> None:
        self._tasks[name] = (state, seconds or time.time())
        if state in ("success", "failed"):
            self.say(f"{name}: {state} after {seconds:.1f} s")

    def traffic(self, shares: Mapping[str, float]) -> None:
        self._shares = dict(shares)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        self._tasks, self._shares = {}, {}
        self._console.print(_table(title, columns, rows))

    def close(self) -> None:
        self._live.stop()

    def _view(self) -> Group:
        passed = time.time() - self._started_at
        head = Text(f"{passed:6.1f} s  {self._title}", style="bold")
        return Group(head, *map(self._task_line, self._tasks), *self._bars())

    def _task_line(self, name: str) -> Text:
        state, since = self._tasks[name]
        seconds = since if state in ("success", "failed") else time.time() - since
        return Text.assemble(f"  {name:24}", (f"{state:14}", COLOURS.get(state, "")), f"{seconds:6.1f} s")

    def _bars(self) -> list[Text]:
        return [
            Text.assemble(
                f"  {version:10}",
                ("█" * round(share * BAR_CHARACTERS / 100), "red" if version == "failed" else "blue"),
                f" {share:.0f} %",
            )
            for version, share in self._shares.items()
        ]


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table
