"""What the forge and others hear of an environment's part, and that nothing of it touches the delivery."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from email import message_from_string
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from airdock.aws.code_repositories import CodeRepository
from airdock.aws.hooks import Account
from airdock.aws.operators import announcing
from airdock.aws.operators.announcing import Announcement
from airdock.forge import api as forge_api
from airdock.plan.notice import Message
from airdock.release import Outcome, OutcomeReport, Source
from airdock.spec import Pipeline
from tests.dags.rendering import compiled
from tests.fakes import FakeStore, a_context
from tests.forge_server import ForgeServer, serving
from tests.local_aws_process import LocalAws

SHA, TOKEN = "c" * 40, "glpat-0123456789"
LIVE = OutcomeReport(Outcome.LIVE, "greeter ccccccc to production is live.")
REFUSED = OutcomeReport(Outcome.REFUSED, "greeter ccccccc was refused: test_hello failed.")
LINK = "https://airflow.example.com/dags/deliver_greeter/runs/manual__1"
SOURCE = ("clone_source", "return_value")


@pytest.fixture
def forge(monkeypatch: pytest.MonkeyPatch) -> Iterator[ForgeServer]:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.com/")
    monkeypatch.setenv("AIRFLOW_CONN_CODE", f'{{"conn_type": "generic", "password": "{TOKEN}"}}')
    monkeypatch.setenv("AIRFLOW_CONN_EMPTY", '{"conn_type": "generic"}')
    with serving() as server:
        yield server


@pytest.fixture
def topic(local_aws: LocalAws, account: Account) -> str:
    return str(local_aws.client("sns").create_topic(Name=f"deliveries-{uuid4().hex[:8]}")["TopicArn"])


def announcement(
    server: ForgeServer, *notify: dict[str, Any], source_connection: str | None = "code", **report: Any
) -> Announcement:
    """For a GitHub of one's own whose git address is the test's server."""
    told = {
        "application": "greeter",
        "source": {"provider": "git", "repository": server.repository()},
        "build": {"project": "greeter"},
        "image": {"repository": "greeter"},
        "environments": {
            each: {"cluster": "c", "service": "s", "rollout": ROLLOUT} for each in ("staging", "production")
        },
        "report": {"forge": "github", **report},
        "notify": list(notify),
    }
    pipeline = Pipeline.model_validate(told)
    repository = CodeRepository("git", pipeline.source.repository, Account(), source_connection)
    return Announcement("greeter", "production", repository, pipeline.report, pipeline.notify, SOURCE)


ROLLOUT = {"strategy": "codedeploy", "application": "greeter", "deployment_group": "greeter"}


def context(subject: str = "Say hello", store: FakeStore | None = None, **told: Any) -> Any:
    commit = {
        "application": "greeter",
        "repository": "r",
        "ref": "main",
        "sha": SHA,
        "message": subject,
        "author": "Ada",
    }
    xcoms = {("clone_source", "return_value"): {"commit": commit}}
    return a_context("production.verdict", xcoms=xcoms, store=store, **told)


def end(
    telling: Announcement,
    context: Any,
    report: OutcomeReport,
    begun: bool = True,
    staging: OutcomeReport | None = None,
) -> None:
    """Tell of the end, with what the verdict hands on; `staging`: the verdict on the environment before."""
    told = context["ti"].xcom_pull("clone_source")
    earlier = {"staging.verdict": staging} if staging else {}
    telling.end(context, report, begun, Source.from_json(told) if told else None, earlier)


def published(aws: LocalAws, topic: str) -> list[dict[str, Any]]:
    return [each["params"] for each in aws.effects("sns", "Publish") if each["params"]["TargetArn"] == topic]


def mails(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What SES is asked to send."""
    sent: list[dict[str, Any]] = []
    ses = SimpleNamespace(send_raw_email=lambda **request: sent.append(request))
    monkeypatch.setattr("airflow.providers.amazon.aws.hooks.ses.SesHook.conn", ses)
    return sent


def html_of(request: dict[str, Any]) -> str:
    [part] = message_from_string(request["RawMessage"]["Data"]).get_payload()  # type: ignore[misc]
    return str(part.get_payload(decode=True).decode())  # type: ignore[union-attr]


def room(server: ForgeServer, token: str) -> str:
    """A connection to a room in Chime whose webhook is the test's server."""
    return json.dumps(
        {"conn_type": "chime", "schema": "http", "host": f"127.0.0.1:{server.port}/hooks/", "password": token}
    )


def test_the_forge_hears_the_beginning_and_the_end_with_a_link_to_the_run(forge: ForgeServer) -> None:
    telling = announcement(forge)
    telling.begin(context())
    end(telling, context(), LIVE)
    assert forge.states() == ["pending", "success"]
    assert {each["context"] for each in forge.statuses} == {"airdock/production"}
    assert {each["target_url"] for each in forge.statuses} == {LINK}
    assert forge.statuses[-1]["description"] == LIVE.sentence
    [deployment] = forge.deployments
    assert [each["state"] for each in deployment["statuses"]] == ["in_progress", "success"]
    assert {each.authorization for each in forge.requests} == {f"Bearer {TOKEN}"}


def test_applications_that_share_a_repository_have_names_of_their_own(forge: ForgeServer) -> None:
    end(announcement(forge), context(), LIVE)
    end(announcement(forge, name="greeter"), context(), LIVE)
    assert [each["context"] for each in forge.statuses] == ["airdock/production", "airdock/greeter/production"]


@pytest.mark.parametrize(
    ("connection", "report"),
    [(None, {}), ("empty", {}), ("missing", {}), ("code", {"to_forge": False}), ("code", {"forge": None})],
)
def test_without_a_token_at_hand_or_a_forge_nobody_is_told_and_nobody_is_warned(
    forge: ForgeServer, connection: str | None, report: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    end(announcement(forge, source_connection=connection, **report), context(), LIVE)
    assert (forge.requests, caplog.messages) == ([], [])


@pytest.mark.parametrize(
    ("connection", "report", "warning"),
    [
        (None, {"to_forge": True}, "neither `report` nor the source names a connection"),
        ("empty", {"to_forge": True}, "'empty' holds no API token"),
        ("code", {"connection": "missing"}, "no Airflow connection 'missing'"),
    ],
)
def test_who_asked_to_have_the_forge_told_is_warned_where_that_can_not_be(
    forge: ForgeServer, connection: str | None, report: dict[str, Any], warning: str, caplog: pytest.LogCaptureFixture
) -> None:
    end(announcement(forge, source_connection=connection, **report), context(), LIVE)
    assert forge.requests == []
    assert warning in caplog.text


@pytest.mark.parametrize("how", [401, 403, 429, 500, "hang", "cut", "redirect"])
def test_a_forge_that_fails_is_a_warning_soon_and_without_the_token(
    forge: ForgeServer, how: int | str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    forge.badly = [how] * 10
    if how == "hang":
        monkeypatch.setattr(forge_api, "TIMEOUT_SECONDS", (10, 0.3))
    since = time.monotonic()
    with caplog.at_level(logging.DEBUG):
        end(announcement(forge), context(), LIVE)
    assert time.monotonic() - since < 30, "it hangs for a minute"
    assert len(forge.requests) <= 2
    assert "The forge was not told: POST" in caplog.text
    assert TOKEN not in caplog.text


def test_a_source_that_was_not_read_is_told_by_the_commit_that_was_asked_for(forge: ForgeServer) -> None:
    asked = a_context("production.verdict", params={"revision": SHA, "ref": "refs/heads/main"})
    end(announcement(forge), asked, REFUSED, begun=False)
    end(announcement(forge), a_context("production.verdict", params={"revision": "main"}), REFUSED, begun=False)
    assert [(each["sha"], each["state"]) for each in forge.statuses] == [(SHA, "failure")]
    assert forge.deployments == []


def test_a_notice_says_who_what_where_and_how(forge: ForgeServer, topic: str, local_aws: LocalAws) -> None:
    end(announcement(forge, {"to": "sns", "topic": topic}), context(), REFUSED)
    [told] = published(local_aws, topic)
    assert told["Subject"] == "greeter ccccccc in production: refused"
    assert json.loads(told["Message"])["default"].splitlines() == [
        REFUSED.sentence,
        "",
        f"commit: {SHA} Say hello",
        "author: Ada",
        f"run: {LINK}",
    ]
    attributes = {name: each["StringValue"] for name, each in told["MessageAttributes"].items()}
    assert attributes == {"application": "greeter", "environment": "production", "outcome": "refused"}


def test_a_retried_task_tells_nobody_twice_and_a_cleared_run_tells_again(
    forge: ForgeServer, topic: str, local_aws: LocalAws
) -> None:
    store, telling = FakeStore(), announcement(forge, {"to": "sns", "topic": topic})
    for _ in range(3):
        end(telling, context(store=store), LIVE)
    assert (len(published(local_aws, topic)), len(forge.statuses)) == (1, 1)
    end(telling, context(store=store, clear_number=1), LIVE)
    assert (len(published(local_aws, topic)), len(forge.statuses)) == (2, 2)


def test_only_what_is_asked_for_is_told(forge: ForgeServer, topic: str, local_aws: LocalAws) -> None:
    telling = announcement(
        forge,
        {"to": "sns", "topic": topic, "on": ["failed"]},
        {"to": "sns", "topic": topic, "environments": ["staging"]},
    )
    end(telling, context(), LIVE)
    assert published(local_aws, topic) == []


def test_who_heard_of_staging_does_not_hear_that_production_was_not_reached(
    forge: ForgeServer, topic: str, local_aws: LocalAws
) -> None:
    told = context()
    end(announcement(forge, {"to": "sns", "topic": topic}), told, REFUSED, begun=False, staging=REFUSED)
    assert published(local_aws, topic) == []
    only = {"to": "sns", "topic": topic, "environments": ["production"]}
    end(announcement(forge, only), told, REFUSED, begun=False, staging=REFUSED)
    assert len(published(local_aws, topic)) == 1


def test_neither_a_commits_text_nor_a_notices_settings_are_a_template(
    forge: ForgeServer, topic: str, local_aws: LocalAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What Airflow's callbacks render is not rendered here, whichever of its notifiers sends it."""
    hostile, recipient = "{{ conn.code.password }} {% for x in range(9**9) %}{% endfor %}", "{{conn.code.password}}@b.c"
    mailed, chime = mails(monkeypatch), room(forge, "1?token=2")
    monkeypatch.setenv("AIRFLOW_CONN_CHIME_DEFAULT", chime)
    mail = {"to": "ses", "sender": recipient, "recipients": [recipient]}
    telling = announcement(forge, {"to": "sns", "topic": topic}, mail, {"to": "chime"})
    with compiled() as templates:
        end(telling, context(hostile), LIVE)
    assert templates == set()
    [published_one], [mailed_one] = published(local_aws, topic), mailed
    [chatted] = [each.body["Content"] for each in forge.requests if each.path.startswith("/hooks/")]
    assert hostile in json.loads(published_one["Message"])["default"]
    assert hostile in chatted
    assert (mailed_one["Source"], mailed_one["Destinations"]) == (recipient, [recipient])
    assert hostile in html_of(mailed_one)


def test_a_secret_of_the_task_is_in_no_notice(forge: ForgeServer, topic: str, local_aws: LocalAws) -> None:
    leaking = OutcomeReport(Outcome.FAILED, f"git said: bad credentials {TOKEN}")
    # The first to be told reads the connection, and Airflow knows its password from then on.
    end(announcement(forge, {"to": "sns", "topic": topic}), context(), leaking)
    [told] = published(local_aws, topic)
    assert "bad credentials ***" in told["Message"]
    assert TOKEN not in str(forge.statuses) + str(told)


@pytest.mark.parametrize(
    ("notice", "warning"),
    [
        ({"to": "slack"}, "slack needs apache-airflow-providers-slack"),
        ({"to": "apprise"}, "apprise needs apache-airflow-providers-apprise"),
        ({"to": "sns", "topic": "arn:aws:sns:eu-west-1:123456789012:nowhere"}, "telling sns: "),
        ({"to": "chime", "connection": "missing"}, "telling chime: AirflowNotFoundException"),
    ],
)
def test_a_notice_that_can_not_be_sent_is_a_warning_and_the_next_one_is_sent(
    forge: ForgeServer,
    topic: str,
    local_aws: LocalAws,
    notice: dict[str, Any],
    warning: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    end(announcement(forge, notice, {"to": "sns", "topic": topic}), context(), LIVE)
    assert warning in caplog.text
    assert len(published(local_aws, topic)) == 1


def test_a_notifier_that_never_comes_back_is_left_to_itself(
    forge: ForgeServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    over = threading.Event()

    def hang(way: Any, message: Message, context: Any) -> None:
        over.wait(60)

    monkeypatch.setattr("airdock.aws.notifiers.send", hang)
    monkeypatch.setattr(announcing, "LONGEST_SECONDS", 0.2)
    end(announcement(forge, {"to": "chime"}, to_forge=False), context(), LIVE)
    over.set()
    assert "Notice 1 (chime) was not told: no end of it after" in caplog.text


def test_a_webhooks_address_is_in_no_log(
    forge: ForgeServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    token = "0123-abc?token=VERYSECRET"
    monkeypatch.setenv("AIRFLOW_CONN_CHIME_DEFAULT", room(forge, token))
    end(announcement(forge, {"to": "chime"}, to_forge=False), context(), LIVE)
    assert [each.path for each in forge.requests] == [f"/hooks/{token}"]
    assert "Notice 1 (chime) was not told" in caplog.text
    assert "VERYSECRET" not in caplog.text


def test_a_room_in_chime_hears(forge: ForgeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_CHIME_DEFAULT", room(forge, "1?token=2"))
    end(announcement(forge, {"to": "chime"}, to_forge=False), context("hi @All"), LIVE)
    [sent] = forge.requests
    assert LIVE.sentence in sent.body["Content"]
    assert "@All" not in sent.body["Content"]


def test_a_mail_has_no_header_from_a_commit(forge: ForgeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = mails(monkeypatch)
    mail = {"to": "ses", "sender": "deploy@example.com", "recipients": ["team@example.com"]}
    end(announcement(forge, mail, to_forge=False), context("hi\r\nBcc: all@example.com\r\n\r\n<b>"), LIVE)
    [request] = sent
    told = message_from_string(request["RawMessage"]["Data"])
    assert (told["Subject"], told["Bcc"]) == ("greeter ccccccc in production: live", None)
    assert request["Destinations"] == ["team@example.com"]
    assert LIVE.sentence in html_of(request)
