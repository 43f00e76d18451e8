"""What is said of a delivery's end, to whom, and that nothing in a commit is more than text."""

from __future__ import annotations

import pytest

from airdock.plan.notice import Message, chat, headline, mail, plain, slack, wanted
from airdock.release import Outcome

LIVE, FAILED, ROLLED_BACK, REFUSED = Outcome.LIVE, Outcome.FAILED, Outcome.ROLLED_BACK, Outcome.REFUSED
LINK = "https://airflow.example.com/dags/deliver_greeter/runs/manual__1"


def a_message(**told: str) -> Message:
    return Message(
        **{
            "application": "greeter",
            "environment": "production",
            "outcome": ROLLED_BACK,
            "sentence": "greeter 1a2b3c4 to production was rolled back: an alarm fired.",
            "link": LINK,
            "commit": "1a2b3c4" + "0" * 33,
            "subject": "Say hello",
            "author": "Ada",
            **told,
        }  # type: ignore[arg-type]
    )


def test_a_message_tells_what_happened_to_whose_commit_and_where_to_look() -> None:
    assert headline(a_message()) == "greeter 1a2b3c4 in production: rolled back"
    assert plain(a_message()).splitlines() == [
        "greeter 1a2b3c4 to production was rolled back: an alarm fired.",
        "",
        "commit: 1a2b3c4000000000000000000000000000000000 Say hello",
        "author: Ada",
        f"run: {LINK}",
    ]


def test_a_run_whose_source_was_not_read_has_no_commit_to_tell_of() -> None:
    message = a_message(commit="", subject="", author="")
    assert headline(message) == "greeter in production: rolled back"
    assert "commit" not in plain(message)


def test_slack_takes_nothing_from_a_repository_as_markup() -> None:
    told = slack(a_message(subject="<!channel> & <https://evil.example|click>", author="<@U123>"))
    assert "&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;" in told
    assert told.count("<") == 1
    assert told.endswith(f"<{LINK}|The run in Airflow>")


@pytest.mark.parametrize("mention", ["@All", "@everyone", "@here", "<!channel>", "<@U123>", "@Present"])
def test_a_chat_room_is_not_called_by_a_commit(mention: str) -> None:
    assert mention in plain(a_message(subject=f"wake up {mention}"))
    assert mention not in chat(a_message(subject=f"wake up {mention}"))
    assert "ada@example.com" in chat(a_message(author="ada@example.com"))


def test_a_mail_takes_no_html_and_no_header_from_a_repository() -> None:
    message = a_message(subject="<script>x</script>\r\nBcc: all@example.com", sentence="a\nb <img>")
    assert "<script>" not in mail(message)
    assert "<p>a b &lt;img&gt;</p>" in mail(message)
    assert "Bcc" not in headline(message)


@pytest.mark.parametrize("form", [plain, chat, slack, mail])
def test_what_a_terminal_would_obey_is_not_passed_on(form: object) -> None:
    told = form(a_message(subject="\x1b[2J\u202e\x00ok", author="x" * 10_000))  # type: ignore[operator]
    assert not set("\x1b\u202e\x00") & set(told)
    assert len(told) < 4096


def test_the_longest_headline_fits_sns() -> None:
    told = headline(a_message(application="a" * 40, environment="e" * 30, outcome=ROLLED_BACK))
    assert len(told) < 100
    assert told.isascii()


@pytest.mark.parametrize(
    ("on", "environments", "outcome", "ended", "heard"),
    [
        (["live"], None, LIVE, None, True),
        (["failed"], None, LIVE, None, False),
        (["live"], ["staging"], LIVE, None, False),
        (["refused", "failed"], None, REFUSED, ("staging", FAILED), False),
        (["refused"], None, REFUSED, ("staging", FAILED), True),
        (["refused", "failed"], ["production"], REFUSED, ("staging", FAILED), True),
    ],
)
def test_who_heard_of_the_end_does_not_hear_of_every_environment_behind_it(
    on: list[str], environments: list[str] | None, outcome: Outcome, ended: tuple[str, Outcome] | None, heard: bool
) -> None:
    assert wanted(on, environments, "production", outcome, ended) is heard
