"""EventBridge: events reach rules, and rules reach queues, topics, logs, functions and HTTP endpoints."""

from local_aws.eventbridge.delivery import start
from local_aws.eventbridge.response import EventsResponse
from local_aws.service import Service

SERVICE = Service(name="events", response=EventsResponse, start=start)
