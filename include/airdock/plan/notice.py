"""What is said of a delivery's end, in the forms that the ways to say it want, and to whom it is said.

Commit, author and sentence come from repositories: they are text to each of these ways, never markup, never a mention.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection
from dataclasses import dataclass

from airdock.release import Outcome

LONGEST_PART = 2000
"""Characters of a sentence or a subject: Chime takes 4096 in all."""

_MENTIONS = re.compile(r"@(?=(all|present|everyone|here|channel)\b)|<(?=[!@#])", re.I)
_UNSEEN = "\u200b"
"""A space of no width: what looks like a mention is none with it."""


@dataclass(frozen=True, slots=True)
class Message:
    """The end of a delivery to an environment; what is not known of its commit is ""."""

    application: str
    environment: str
    outcome: Outcome
    sentence: str
    link: str
    commit: str = ""
    subject: str = ""
    author: str = ""


def wanted(
    on: Collection[str],
    environments: Collection[str] | None,
    where: str,
    outcome: Outcome,
    ended: tuple[str, Outcome] | None = None,
) -> bool:
    """Whether somebody wants to hear of an outcome.

    `ended`: the environment before this one in which the release ended, and how. Who heard of that does not hear of
    every environment behind it too.
    """

    def hears(where: str, outcome: Outcome) -> bool:
        return str(outcome) in on and (environments is None or where in environments)

    return hears(where, outcome) and not (ended and hears(*ended))


def headline(message: Message) -> str:
    """For a mail's subject: nothing in it comes from a repository; ASCII, and less than SNS's 100 characters."""
    subject = f"{message.application} {message.commit[:7]}".rstrip()
    return f"{subject} in {message.environment}: {str(message.outcome).replace('_', ' ')}"


def plain(message: Message) -> str:
    """The message as text."""
    return "\n".join([_line(message.sentence), "", *_facts(message), f"run: {message.link}"])


def chat(message: Message) -> str:
    """The message as text for rooms where some words would call everybody."""
    return _MENTIONS.sub(lambda found: found[0] + _UNSEEN, plain(message))


def slack(message: Message) -> str:
    """The message in Slack's mrkdwn, in which & < > are markup ("Formatting text for app surfaces")."""
    facts = [_escaped(each) for each in (message.sentence, *_facts(message))]
    return "\n".join([f"*{headline(message)}*", *facts, f"<{_escaped(message.link)}|The run in Airflow>"])


def mail(message: Message) -> str:
    """The message as HTML."""
    facts = "<br>".join(html.escape(each) for each in _facts(message))
    link = html.escape(message.link)
    return f'<p>{html.escape(_line(message.sentence))}</p><p>{facts}</p><p><a href="{link}">The run in Airflow</a></p>'


def _facts(message: Message) -> list[str]:
    told = {"commit": f"{message.commit} {message.subject}", "author": message.author}
    return [f"{name}: {_line(each)}" for name, each in told.items() if each.strip()]


def _escaped(text: str) -> str:
    return _line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _line(text: str) -> str:
    """The text on one line, without what terminals and mail programs take as an order."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return line if len(line) <= LONGEST_PART else f"{line[: LONGEST_PART - 1]}…"
