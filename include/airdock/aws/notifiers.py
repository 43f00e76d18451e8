"""Airflow's notifiers, made of what a pipeline file says; each sends one message.

They are not called as Airflow's callbacks call them: that would render the message as a Jinja template, and commits
are written by whoever may push.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airdock.aws.faults import spoken
from airdock.errors import AirdockError, Fault, Refused
from airdock.plan import notice

if TYPE_CHECKING:
    from airdock.plan.notice import Message
    from airdock.spec.notifications import (
        AppriseNotice,
        ChimeNotice,
        Notice,
        SesNotice,
        SlackNotice,
        SnsNotice,
    )


def send(way: Notice, message: Message, context: Any) -> None:
    """Send a message.

    Raises:
        Refused: the notifier's provider is not installed, or AWS does not take the message.
        Fault: it was not sent.
    """
    try:
        with spoken(f"telling {way.to}"):
            _MAKERS[way.to](way, message).notify(context)
    except AirdockError:
        raise
    except ImportError as error:
        provider = f"apache-airflow-providers-{_PROVIDERS[way.to]}"
        raise Refused(f"{way.to} needs {provider}, which can't be used here: {error}") from None
    except Exception as error:
        # Its text may have a webhook's address in it, which is a secret.
        status = getattr(getattr(error, "response", None), "status_code", "")
        raise Fault(f"telling {way.to}: {type(error).__name__} {status}".rstrip()) from None


def _sns(way: SnsNotice, message: Message) -> Any:
    from airflow.providers.amazon.aws.notifications.sns import SnsNotifier

    return SnsNotifier(
        aws_conn_id=way.aws_connection,
        region_name=way.topic.split(":")[3],
        target_arn=way.topic,
        subject=notice.headline(message),
        message=notice.plain(message),
        message_attributes={
            "application": message.application,
            "environment": message.environment,
            "outcome": str(message.outcome),
        },
    )


def _ses(way: SesNotice, message: Message) -> Any:
    from airflow.providers.amazon.aws.notifications.ses import SesNotifier

    return SesNotifier(
        aws_conn_id=way.aws_connection,
        region_name=way.region,
        mail_from=way.sender,
        to=list(way.recipients),
        subject=notice.headline(message),
        html_content=notice.mail(message),
    )


def _chime(way: ChimeNotice, message: Message) -> Any:
    from airflow.providers.amazon.aws.notifications.chime import ChimeNotifier
    from airflow.sdk import BaseHook

    notifier = ChimeNotifier(chime_conn_id=way.connection, message=notice.chat(message))
    # The provider's hook hangs the webhook's whole address, a secret, onto that of the connection `http_default`.
    notifier.hook.http_conn_id = way.connection
    notifier.hook.webhook_endpoint = BaseHook.get_connection(way.connection).password
    return notifier


def _slack(way: SlackNotice, message: Message) -> Any:
    # Unfurling would have Slack open whatever address a commit mentions.
    said = {"text": notice.slack(message), "timeout": 5, "unfurl_links": False, "unfurl_media": False}
    if way.channel is None:
        from airflow.providers.slack.notifications.slack_webhook import SlackWebhookNotifier

        return SlackWebhookNotifier(slack_webhook_conn_id=way.connection, **said)
    from airflow.providers.slack.notifications.slack import SlackNotifier

    return SlackNotifier(slack_conn_id=way.connection, channel=way.channel, **said)


def _apprise(way: AppriseNotice, message: Message) -> Any:
    from airflow.providers.apprise.notifications.apprise import AppriseNotifier

    title, body = notice.headline(message), notice.chat(message)
    return AppriseNotifier(apprise_conn_id=way.connection, title=title, body=body)


_MAKERS: dict[str, Callable[[Any, Message], Any]] = {
    "sns": _sns,
    "ses": _ses,
    "chime": _chime,
    "slack": _slack,
    "apprise": _apprise,
}
_PROVIDERS = {"sns": "amazon", "ses": "amazon", "chime": "amazon", "slack": "slack", "apprise": "apprise"}
