"""One delivery of one event to one target, by the kind of target."""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from jsonpath_ng import parse

from local_aws.eventbridge.destination import send_to_destination
from local_aws.eventbridge.refusal import CannotDeliverError

if TYPE_CHECKING:
    from local_aws.world import World

Event = dict[str, Any]
Target = dict[str, Any]

__all__ = ["CannotDeliverError", "deliver", "rendered", "send_to_queue"]


def rendered(target: Target, event: Event) -> str:
    """What the target gets: the event, its constant input, a part of the event, or a filled template."""
    if target.get("Input"):
        return str(target["Input"])
    if target.get("InputPath"):
        return json.dumps(_at(target["InputPath"], event))
    if target.get("InputTransformer"):
        return _transformed(target["InputTransformer"], event)
    return json.dumps(event)


def deliver(world: World, target: Target, event: Event) -> None:
    """Bring one event to one target.

    Raises CannotDeliverError, which says whether trying again can help.
    """
    text = rendered(target, event)
    arn = target["Arn"]
    service, resource = arn.split(":")[2], arn.split(":", 5)[5]
    try:
        match service:
            case "sqs":
                group = target.get("SqsParameters", {}).get("MessageGroupId")
                send_to_queue(world, arn, text, group)
            case "sns":
                world.client("sns", "events", _region(arn)).publish(TopicArn=arn, Message=text)
            case "lambda":
                world.client("lambda", "events", _region(arn)).invoke(
                    FunctionName=arn, InvocationType="Event", Payload=text.encode()
                )
            case "logs":
                _send_to_logs(world, arn, resource, text)
            case "events" if resource.startswith("event-bus/"):
                world.events.accept({**event, "region": _region(arn)}, resource)
            case "events" if resource.startswith("api-destination/"):
                send_to_destination(world, target, text)
            case _:
                raise CannotDeliverError(f"the local AWS delivers no events to {arn}", final=True)
    except (ClientError, BotoCoreError) as error:
        raise CannotDeliverError(str(error)) from error


def send_to_queue(world: World, arn: str, text: str, group: str | None = None) -> None:
    """Put a message into the queue with this ARN; a FIFO queue gets the group."""
    sqs = world.client("sqs", "events", _region(arn))
    queue = sqs.get_queue_url(QueueName=arn.split(":")[-1])["QueueUrl"]
    extra = {"MessageGroupId": group} if group and arn.endswith(".fifo") else {}
    sqs.send_message(QueueUrl=queue, MessageBody=text, **extra)


def _send_to_logs(world: World, arn: str, resource: str, text: str) -> None:
    logs = world.client("logs", "events", _region(arn))
    group, stream = resource.removeprefix("log-group:").removesuffix(":*"), str(uuid.uuid4())
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    now = int(world.clock.now().timestamp() * 1000)
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[{"timestamp": now, "message": text}])


def _region(arn: str) -> str:
    return str(arn.split(":")[3])


def _at(path: str, event: Event) -> Any:
    # EventBridge allows names such as detail-type bare, which jsonpath_ng takes for a subtraction.
    quoted = re.sub(r"\.([A-Za-z_][\w-]*)", r".'\1'", path)
    found = parse(quoted).find(event)
    return found[0].value if found else None


def _transformed(transformer: dict[str, Any], event: Event) -> str:
    """The template with its variables filled in: JSON values, or bare text inside quotes."""
    template = transformer["InputTemplate"]
    values = {name: _at(path, event) for name, path in transformer.get("InputPathsMap", {}).items()}
    values |= {"aws.events.event.json": event, "aws.events.event": event}

    def filled(match: re.Match[str]) -> str:
        if match[1] not in values:
            return match[0]
        value = values[match[1]]
        encoded = json.dumps(value)
        quoted = template[: match.start()].replace('\\"', "").count('"') % 2
        if not quoted:
            return encoded
        return encoded[1:-1] if isinstance(value, str) else encoded.replace('"', '\\"')

    return re.sub(r"<([\w.-]+)>", filled, template)
