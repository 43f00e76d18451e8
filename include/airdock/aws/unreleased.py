"""What an application's repository has that its environment does not: git asked for the head, SSM for the records."""

from __future__ import annotations

from airdock.aws.code_repositories import CodeRepository
from airdock.aws.hooks import Account
from airdock.aws.release_records import Records
from airdock.errors import Refused
from airdock.plan.push_routing import first_of_its_own
from airdock.plan.release_record import ReleaseRecord
from airdock.plan.release_train import Sight, news
from airdock.spec import Pipeline


def look(pipeline: Pipeline, environment: str) -> Sight:
    """What is new of the application for the environment; what is refused is told in the answer. Raises Fault."""
    records = records_of(pipeline, environment)
    try:
        head, live = head_of(pipeline), records.live()
        if live is None or live.commit == head:
            told = news(head, live, [])
        else:
            told = news(head, live, records.newest(), _changed(pipeline, live, head))
    except Refused as refusal:
        return Sight(pipeline.application, environment, None, trouble=refusal.sentence)
    return Sight(pipeline.application, environment, told, live)


def records_of(pipeline: Pipeline, environment: str) -> Records:
    target = pipeline.environments[environment]
    return Records(Account(target.aws_connection, target.region), pipeline.application, environment)


def head_of(pipeline: Pipeline) -> str:
    """The newest commit of the branch that the pipeline delivers. Raises Refused or Fault."""
    from airdock.source import reference
    from airdock.source.git import opened

    source, account = pipeline.source, Account(pipeline.aws_connection, pipeline.region)
    repository = CodeRepository(source.provider, source.repository, account, source.connection)
    with opened(repository.remote()) as git:
        head = reference.head(git, f"refs/heads/{source.branch}")
    if not head:
        raise Refused(f"{source.repository} has no branch {source.branch!r}")
    return head


def _changed(pipeline: Pipeline, live: ReleaseRecord, head: str) -> bool | None:
    """Whether one of its own paths has changed; None without such paths, or where what is live can't be compared."""
    from airdock.aws.changed_files import changed_files

    triggers = pipeline.triggers
    if not triggers.paths:
        return None
    try:
        files = changed_files(pipeline, live.commit, head)
    except Refused:
        # The commit is gone after a forced push, or too much differs to be listed: that is a change as well.
        return None
    return bool(first_of_its_own(triggers, files))
