"""What a pipeline file may say of reports to its forge and of notices, and what its author hears of mistakes."""

from __future__ import annotations

import pytest

from airdock.spec import Pipeline, Problem, SpecError, parse
from tests.builders import a_pipeline_text

TOPIC = "arn:aws:sns:eu-west-1:123456789012:deliveries"


def pipeline(written: str) -> Pipeline:
    return parse(f"{a_pipeline_text()}\n{written}\n")


def problem(written: str) -> Problem:
    with pytest.raises(SpecError) as refused:
        pipeline(written)
    [told] = refused.value.problems
    return told


def test_without_a_word_the_forge_is_told_by_the_sources_connection_and_nobody_else_hears() -> None:
    read = pipeline("")
    assert (read.report.to_forge, read.report.connection, read.notify) == (None, None, [])


@pytest.mark.parametrize(
    "written",
    [
        f"{{to: sns, topic: '{TOPIC}'}}",
        "{to: ses, sender: deploy@example.com, recipients: [team@example.com]}",
        "{to: chime}",
        "{to: slack, connection: slack_team, channel: '#deliveries'}",
        "{to: apprise, on: [failed, superseded], environments: [production]}",
    ],
)
def test_each_way_to_tell_is_read(written: str) -> None:
    [notice] = pipeline(f"notify: [{written}]").notify
    assert written.startswith(f"{{to: {notice.to}")


def test_a_notice_tells_all_but_what_a_newer_release_has_overtaken() -> None:
    [notice] = pipeline("notify: [{to: chime}]").notify
    assert notice.on == ["live", "rolled_back", "refused", "failed", "stopped"]
    assert notice.environments is None


@pytest.mark.parametrize(
    ("written", "path", "message"),
    [
        ("notify: [{to: pigeon}]", "notify.0.to", "must be one of sns, ses, chime, slack, apprise"),
        ("notify: [{topic: x}]", "notify.0", "does not say its `to`"),
        ("notify: [{to: sns, topic: deliveries}]", "notify.0.topic", "the ARN of an SNS topic"),
        (f"notify: [{{to: sns, topic: '{TOPIC}.fifo'}}]", "notify.0.topic", "no FIFO topic"),
        ("notify: [{to: chime, on: [dead]}]", "notify.0.on.0", "must be one of live"),
        ("notify: [{to: chime, on: []}]", "notify.0.on", "must not be empty"),
        ("notify: [{to: chime, environments: [stagign]}]", "notify", "there is only production"),
        ("notify: [{to: ses, sender: 'a@b.c\\n', recipients: [a@b.c]}]", "notify.0.sender", "must be a mail address"),
        ("report: {forge: gitea}", "report.forge", "must be one of github, gitlab, bitbucket-data-center"),
        ("report: {forge: gitlab}", "report", "for sources with `provider: git`"),
        ("report: {to_forge: 'yes'}", "report.to_forge", "must be true or false"),
    ],
)
def test_a_mistake_is_told_with_its_place(written: str, path: str, message: str) -> None:
    told = problem(written)
    assert told.path == path
    assert message in str(told)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("provider: codecommit, repository: greeter", "CodeCommit keeps no statuses"),
        ("provider: git, repository: 'https://git.example.com/a/b.git'", "needs `forge`"),
    ],
)
def test_who_can_not_be_told_is_said_when_the_file_is_read(source: str, message: str) -> None:
    written = a_pipeline_text("provider: codecommit, repository: greeter", source)
    with pytest.raises(SpecError, match=message):
        parse(f"{written}report: {{to_forge: true}}\n")
