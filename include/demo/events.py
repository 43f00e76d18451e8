"""What EventBridge tells, and whom: Airdock of pushes, and triggerers of what their waits wait for."""

from __future__ import annotations

import json

from demo.clients import LocalAws
from demo.infrastructure import role
from demo.place import WAKES, Place

PUSH_RULE = "airdock-pushes"
NEWS = {
    "source": ["aws.codebuild", "aws.codedeploy", "aws.ecs", "aws.ecr", "aws.inspector2"],
    "detail-type": [
        "CodeBuild Build State Change",
        "CodeDeploy Deployment State-change Notification",
        "ECS Deployment State Change",
        "ECS Hook State Change",
        "ECS Task State Change",
        "ECR Image Scan",
        "Inspector2 Scan",
    ],
}


def make_push_rule(aws: LocalAws, place: Place) -> None:
    """Let EventBridge tell Airdock of every push, as one sets it up in an account: docs/webhooks.md."""
    events = aws.client("events")
    key = {"ApiKeyName": "X-Airdock-Token", "ApiKeyValue": place.secrets.hook}
    connection = events.create_connection(
        Name="airdock", AuthorizationType="API_KEY", AuthParameters={"ApiKeyAuthParameters": key}
    )["ConnectionArn"]
    address = f"{place.ui}/airdock/hooks/codecommit"
    door = events.create_api_destination(
        Name="airdock", ConnectionArn=connection, InvocationEndpoint=address, HttpMethod="POST"
    )["ApiDestinationArn"]
    pattern = {"source": ["aws.codecommit"], "detail-type": ["CodeCommit Repository State Change"]}
    events.put_rule(Name=PUSH_RULE, EventPattern=json.dumps(pattern))
    target = {"Id": "airdock", "Arn": door, "RoleArn": role("greeter-events")}
    events.put_targets(Rule=PUSH_RULE, Targets=[target])


def make_wake_queue(aws: LocalAws) -> None:
    """Let EventBridge tell of every job's news, for triggerers to look at once: docs/decisions/waiting-together.md."""
    sqs, events = aws.client("sqs"), aws.client("events")
    url = sqs.create_queue(QueueName=WAKES)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=WAKES, EventPattern=json.dumps(NEWS))
    events.put_targets(Rule=WAKES, Targets=[{"Id": WAKES, "Arn": arn}])
