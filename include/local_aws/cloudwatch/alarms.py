"""Alarms: kept in the store, evaluated once a period, and what follows when their state changes."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from local_aws.cloudwatch.evaluation import EXTRA_DATAPOINTS, Condition, Verdict, judge
from local_aws.cloudwatch.metrics import Series, metrics_of

if TYPE_CHECKING:
    from local_aws.world import World

Alarm = dict[str, Any]

KIND = "alarm"
HISTORY = "alarm_history"
STATES = ("OK", "ALARM", "INSUFFICIENT_DATA")
_SHORTEST_PERIOD_SECONDS = 0.5
_TICK_AWS_SECONDS, _SHORTEST_TICK_SECONDS = 2, 0.1
_ACTIONS = {"OK": "OKActions", "ALARM": "AlarmActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}


def key_of(region: str, name: str) -> str:
    """Where an alarm is kept."""
    return f"{region}/{name}"


def start(world: World) -> None:
    """Evaluate every alarm for ever."""
    metrics_of(world)
    world.threads.spawn("alarms", _evaluate_for_ever, world)


def period_seconds(world: World, alarm: Alarm) -> float:
    """How many real seconds the alarm's period lasts on the scaled clock."""
    return world.clock.seconds(alarm["Period"], floor=_SHORTEST_PERIOD_SECONDS)


def evaluate(world: World, alarm: Alarm, now: float) -> Verdict:
    """The verdict over the whole periods before `now`, in epoch seconds."""
    period = period_seconds(world, alarm)
    latest = now // period
    series = series_of(alarm)
    metrics = metrics_of(world)
    measured = [
        metrics.between(series, (latest - age) * period, (latest - age + 1) * period)
        for age in range(1, alarm["EvaluationPeriods"] + EXTRA_DATAPOINTS + 1)
    ]
    return judge(
        condition_of(alarm), [None if found is None else found.value(alarm["Statistic"]) for found in measured]
    )


def series_of(alarm: Alarm) -> Series:
    """The one series that a metric alarm watches."""
    dimensions = {item["Name"]: item["Value"] for item in alarm.get("Dimensions", [])}
    return Series.of(alarm["Region"], alarm["Namespace"], alarm["MetricName"], dimensions)


def condition_of(alarm: Alarm) -> Condition:
    """When the alarm is in alarm."""
    periods = alarm["EvaluationPeriods"]
    return Condition(
        comparison=alarm["ComparisonOperator"],
        threshold=float(alarm["Threshold"]),
        periods=periods,
        to_alarm=alarm.get("DatapointsToAlarm") or periods,
        missing=alarm.get("TreatMissingData") or "missing",
    )


def change_state(world: World, key: str, state: str, reason: str, reason_data: str = "{}") -> None:
    """Commit a new state, and tell of it when it differs from the old one."""
    before: Alarm = {}

    def changed(alarm: Alarm) -> Alarm:
        before.update(alarm)
        # An alarm keeps its time when only the reason is new.
        moved = alarm["StateValue"] != state
        at = world.clock.now().isoformat() if moved else alarm["StateUpdatedTimestamp"]
        return {
            **alarm,
            "StateValue": state,
            "StateReason": reason,
            "StateReasonData": reason_data,
            "StateUpdatedTimestamp": at,
            "StateTransitionedTimestamp": at,
        }

    after = world.store.update(KIND, key, changed)
    if before["StateValue"] != state:
        _tell(world, before, after)


def _evaluate_for_ever(world: World) -> None:
    due: dict[str, float] = {}
    while not world.threads.stopping.is_set():
        now = world.clock.now().timestamp()
        for alarm in world.store.all(KIND):
            key = key_of(alarm["Region"], alarm["AlarmName"])
            if now >= due.get(key, 0.0):
                period = period_seconds(world, alarm)
                due[key] = (now // period + 1) * period
                _settle(world, key, alarm, now)
        world.clock.pause(_TICK_AWS_SECONDS, _SHORTEST_TICK_SECONDS)


def _settle(world: World, key: str, alarm: Alarm, now: float) -> None:
    verdict = evaluate(world, alarm, now)
    if verdict.state and verdict.state != alarm["StateValue"] and world.store.get(KIND, key):
        change_state(world, key, verdict.state, verdict.reason)


def _tell(world: World, before: Alarm, after: Alarm) -> None:
    name, state = after["AlarmName"], after["StateValue"]
    moved = {"alarm": name, "from": before["StateValue"], "to": state, "reason": after["StateReason"]}
    world.effects.record("cloudwatch", "alarm_state_changed", "cloudwatch", moved)
    key = f"{after['Region']}/{name}/{after['StateUpdatedTimestamp']}"
    world.store.put(
        HISTORY,
        key,
        {
            "Region": after["Region"],
            "AlarmName": name,
            "At": after["StateUpdatedTimestamp"],
            "Data": _data(before, after),
        }
        | moved,
    )
    detail = {
        "alarmName": name,
        "configuration": _configuration(after),
        "previousState": _state(before),
        "state": _state(after),
    }
    arn = after["AlarmArn"]
    world.events.emit("aws.cloudwatch", "CloudWatch Alarm State Change", detail, [arn], after["Region"])
    if after.get("ActionsEnabled", True):
        for action in after.get(_ACTIONS[state], []):
            _act(world, action, before, after)


def _state(alarm: Alarm) -> dict[str, Any]:
    at = datetime.fromisoformat(alarm["StateUpdatedTimestamp"]).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
    return {
        "value": alarm["StateValue"],
        "reason": alarm["StateReason"],
        "reasonData": alarm["StateReasonData"],
        "timestamp": at,
    }


def _configuration(alarm: Alarm) -> dict[str, Any]:
    series = series_of(alarm)
    metric = {"namespace": series.namespace, "name": series.metric, "dimensions": dict(series.dimensions)}
    stat = {"metric": metric, "period": alarm["Period"], "stat": alarm["Statistic"]}
    described = {"description": alarm["AlarmDescription"]} if alarm.get("AlarmDescription") else {}
    return described | {"metrics": [{"id": "m1", "metricStat": stat, "returnData": True}]}


def _act(world: World, action: str, before: Alarm, after: Alarm) -> None:
    """Publish to a topic; any other action is recorded as not taken."""
    error = f"not implemented by the local AWS: alarm action {action}"
    if action.split(":")[2] == "sns":
        error = _publish(world, action, before, after)
    if error:
        params = {"alarm": after["AlarmName"], "action": action}
        world.effects.record("cloudwatch", "alarm_action_failed", "cloudwatch", params, error=error)


def _publish(world: World, topic: str, before: Alarm, after: Alarm) -> str:
    message = {
        "AlarmName": after["AlarmName"],
        "AlarmArn": after["AlarmArn"],
        "AWSAccountId": world.settings.account,
        "NewStateValue": after["StateValue"],
        "NewStateReason": after["StateReason"],
        "StateChangeTime": _state(after)["timestamp"],
        "OldStateValue": before["StateValue"],
    }
    subject = f'{after["StateValue"]}: "{after["AlarmName"]}"'[:100]
    sns = world.client("sns", "cloudwatch", topic.split(":")[3])
    try:
        sns.publish(TopicArn=topic, Subject=subject, Message=json.dumps(message))
    except (ClientError, BotoCoreError) as refused:
        return str(refused)
    return ""


def _data(before: Alarm, after: Alarm) -> str:
    """`HistoryData` of a state change, as the alarm history tells it: JSON in a text."""
    old, new = ({"stateValue": state["StateValue"], "stateReason": state["StateReason"]} for state in (before, after))
    return json.dumps({"version": "1.0", "oldState": old, "newState": new})
