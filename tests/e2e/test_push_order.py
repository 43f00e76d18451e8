"""Pushes that are told in any order, and told again: production ends on the branch's head."""

from __future__ import annotations

import json
import uuid

import httpx

from demo.releases import Change
from tests.e2e.line import Line
from tests.e2e.pipelines import ORDERED, ORDERED_BRANCH
from tests.hooks.sender import Sent, payload, signed

PUSHES = [Change(f"8.{number}.0", f"Push this as number {number}") for number in (1, 2, 3)]


def test_of_pushes_told_as_3_1_2_and_again_the_branch_s_head_is_live_and_the_others_are_superseded(line: Line) -> None:
    first, second, third = (line.push(change, ORDERED_BRANCH) for change in PUSHES)
    before = line.last_effect()
    assert _status(line, _told(third, "another secret")) == 401
    runs = [_sent(line, commit) for commit in (third, first, second)]
    runs.append(_sent(line, first))

    assert len(set(runs)) == 4
    newest, *others = runs
    line.expect(newest, "success", "live")
    for run_id, commit in zip(others, (first, second, first), strict=True):
        report = line.expect(run_id, "failed", "superseded")
        assert (
            f"{ORDERED_BRANCH} is at {third[:12]} by now: the push of {commit[:12]} was overtaken" in report["sentence"]
        )
    assert line.digest_in_production() == line.digest_of(third)
    assert line.page() == ("8.3.0", 200)
    assert len(line.effects("codebuild", "StartBuild", before)) == 1
    assert len(line.effects("codedeploy", "CreateDeployment", before)) == 1


def _told(commit: str, secret: str) -> Sent:
    """EventBridge's message of a push to the branch, with an id of its own."""
    event = payload("codecommit_push")
    name = {"referenceName": ORDERED_BRANCH, "referenceFullName": f"refs/heads/{ORDERED_BRANCH}"}
    detail = {**event["detail"], **name, "commitId": commit}
    body = json.dumps({**event, "id": str(uuid.uuid4()), "detail": detail}).encode()
    return signed("codecommit_push", body, "", secret)


def _status(line: Line, message: Sent) -> int:
    provider, body, headers = message
    address = f"{line.stack.place.ui}/airdock/hooks/{provider}"
    with httpx.Client(trust_env=False, timeout=30) as client:
        return client.post(address, content=body, headers=headers).status_code


def _sent(line: Line, commit: str) -> str:
    """The id of the run that a message of the commit's push has started."""
    message = _told(commit, line.stack.place.secrets.hook)
    assert _status(line, message) == 202
    run_id = f"codecommit__{json.loads(message[1])['id']}"
    there = "select 1 from dag_run where dag_id = ? and run_id = ?"
    line.until(lambda: bool(line.query(there, ORDERED, run_id)), 60, lambda: f"the push has started no {run_id}")
    return run_id
