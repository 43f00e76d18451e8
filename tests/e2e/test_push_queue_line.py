"""A push becomes live by a queue alone: no port of the api-server is asked for."""

from __future__ import annotations

import json

from demo.place import ACCOUNT, REGION
from demo.releases import Change
from tests.e2e.line import PUSHES, Line

RULE = "pushes-to-a-queue"
PUSHED = Change("6.0.0", "Push this, and let a queue tell of it")
RUNS = "select run_id from dag_run where dag_id = 'deliver_greeter' and run_id like 'codecommit__%'"


def runs(line: Line) -> set[str]:
    """The runs that pushes have started, by whichever way they were told."""
    return {run_id for (run_id,) in line.query(RUNS)}


def test_push_is_delivered_by_the_queue_that_eventbridge_feeds(line: Line) -> None:
    events, before = line.aws.client("events"), runs(line)
    pattern = {"source": ["aws.codecommit"], "detail-type": ["CodeCommit Repository State Change"]}
    events.put_rule(Name=RULE, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=RULE, Targets=[{"Id": "queue", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{PUSHES}"}])
    try:
        commit = line.push(PUSHED)
        line.until(lambda: bool(runs(line) - before), 90, lambda: "the queue started nothing")
    finally:
        events.remove_targets(Rule=RULE, Ids=["queue"])
        events.delete_rule(Name=RULE)
    [run_id] = runs(line) - before
    line.expect(run_id, "success", "live")
    assert line.digest_in_production() == line.digest_of(commit)
    assert runs(line) == {*before, run_id}
    sqs = line.aws.client("sqs")
    url = sqs.get_queue_url(QueueName=PUSHES)["QueueUrl"]
    left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (left["ApproximateNumberOfMessages"], left["ApproximateNumberOfMessagesNotVisible"]) == ("0", "0")
