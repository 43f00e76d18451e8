"""Alarms over the scaled clock, as DescribeAlarms and EventBridge show them."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local_aws_process import LocalAws

MINUTE_SECONDS = 2.0
NAMESPACE, METRIC = "AWS/ApplicationELB", "HTTPCode_Target_5XX_Count"


@pytest.fixture(scope="module")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    aws = LocalAws(tmp_path_factory.mktemp("alarms"), MINUTE_SECONDS).start()
    yield aws
    aws.stop()


def dimensions(group: str) -> list[dict[str, str]]:
    return [{"Name": "LoadBalancer", "Value": "app/demo/1"}, {"Name": "TargetGroup", "Value": group}]


def put_alarm(aws: LocalAws, name: str, group: str, **changes: Any) -> None:
    settings = {
        "Namespace": NAMESPACE,
        "MetricName": METRIC,
        "Dimensions": dimensions(group),
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "notBreaching",
    }
    aws.client("cloudwatch").put_metric_alarm(AlarmName=name, **{**settings, **changes})


def measure(aws: LocalAws, group: str, value: float, **at: datetime) -> None:
    # Dimensions in another order are the same series.
    datum = {"MetricName": METRIC, "Dimensions": dimensions(group)[::-1], "Value": value, **at}
    aws.client("cloudwatch").put_metric_data(Namespace=NAMESPACE, MetricData=[datum])


def alarm(aws: LocalAws, name: str) -> dict[str, Any]:
    [found] = aws.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return dict(found)


def changes(aws: LocalAws, name: str) -> list[dict[str, Any]]:
    """An alarm's new states and when it came to each, the first one first: a state may be over before one looks."""
    items = aws.client("cloudwatch").describe_alarm_history(AlarmName=name)["AlarmHistoryItems"]
    return [{"at": item["Timestamp"], **json.loads(item["HistoryData"])["newState"]} for item in items[::-1]]


def states(aws: LocalAws, name: str) -> list[str]:
    return [change["stateValue"] for change in changes(aws, name)]


def reaches(aws: LocalAws, name: str, state: str, seconds: float = 60) -> bool:
    return until(lambda: alarm(aws, name)["StateValue"] == state, seconds)


def pauses(each: float, seconds: float) -> Iterator[None]:
    """Go on at once, and then again after each pause, until the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(each)


def until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def test_new_alarm_starts_without_data_and_settles(local_aws: LocalAws) -> None:
    put_alarm(local_aws, "fresh", "fresh", TreatMissingData="missing")
    found = alarm(local_aws, "fresh")
    assert found["StateValue"] == "INSUFFICIENT_DATA"
    assert found["StateReason"] == "Unchecked: Initial alarm creation"
    measure(local_aws, "fresh", 0)
    assert until(lambda: states(local_aws, "fresh") == ["OK", "INSUFFICIENT_DATA"], 60)


def test_alarm_of_one_target_group_leaves_the_other_alone(local_aws: LocalAws) -> None:
    put_alarm(local_aws, "5xx-blue", "blue")
    put_alarm(local_aws, "5xx-green", "green")
    assert reaches(local_aws, "5xx-blue", "OK")
    assert reaches(local_aws, "5xx-green", "OK")
    before = datetime.now(UTC)
    measure(local_aws, "green", 3)
    assert until(lambda: states(local_aws, "5xx-green") == ["OK", "ALARM", "OK"], 60)
    _, fired, _ = changes(local_aws, "5xx-green")
    assert "[3.0]" in fired["stateReason"]
    assert fired["at"] > before
    assert states(local_aws, "5xx-blue") == ["OK"]


def test_alarm_waits_for_as_many_datapoints_as_asked(local_aws: LocalAws) -> None:
    put_alarm(local_aws, "m-of-n", "many", Period=120, EvaluationPeriods=3, DatapointsToAlarm=2)
    measure(local_aws, "many", 5)
    assert not reaches(local_aws, "m-of-n", "ALARM", seconds=2)

    def fires_with_more_of_them() -> bool:
        measure(local_aws, "many", 5)
        return bool(alarm(local_aws, "m-of-n")["StateValue"] == "ALARM")

    # How many whole periods that takes depends on how busy the machine is; that it fires does not.
    assert any(fires_with_more_of_them() for _ in pauses(0.3, seconds=60))


def test_state_change_reaches_a_queue_through_eventbridge(local_aws: LocalAws) -> None:
    sqs, events = local_aws.client("sqs"), local_aws.client("events")
    url = sqs.create_queue(QueueName="alarms")["QueueUrl"]
    pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": ["told"], "state": {"value": ["ALARM"]}}}
    events.put_rule(Name="alarms", EventPattern=json.dumps(pattern))
    arn = "arn:aws:sqs:eu-west-1:123456789012:alarms"
    events.put_targets(Rule="alarms", Targets=[{"Id": "1", "Arn": arn}])
    put_alarm(local_aws, "told", "told")
    measure(local_aws, "told", 1)
    [message] = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    event = json.loads(message["Body"])
    assert event["detail-type"] == "CloudWatch Alarm State Change"
    assert event["resources"] == [alarm(local_aws, "told")["AlarmArn"]]
    assert event["detail"]["previousState"]["value"] in ("OK", "INSUFFICIENT_DATA")
    stat = event["detail"]["configuration"]["metrics"][0]["metricStat"]
    assert stat["metric"]["dimensions"] == {"LoadBalancer": "app/demo/1", "TargetGroup": "told"}


def test_alarm_action_publishes_to_its_topic(local_aws: LocalAws) -> None:
    sns, sqs = local_aws.client("sns"), local_aws.client("sqs")
    topic = sns.create_topic(Name="alarm-topic")["TopicArn"]
    url = sqs.create_queue(QueueName="alarm-topic")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:eu-west-1:123456789012:alarm-topic")
    put_alarm(local_aws, "acting", "acting", AlarmActions=[topic])
    measure(local_aws, "acting", 1)
    [message] = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    told = json.loads(json.loads(message["Body"])["Message"])
    assert (told["AlarmName"], told["NewStateValue"]) == ("acting", "ALARM")


def test_state_set_by_hand_is_set_right_by_the_next_evaluation(local_aws: LocalAws) -> None:
    put_alarm(local_aws, "by-hand", "by-hand")
    assert reaches(local_aws, "by-hand", "OK")
    local_aws.client("cloudwatch").set_alarm_state(AlarmName="by-hand", StateValue="ALARM", StateReason="a test")
    assert reaches(local_aws, "by-hand", "OK")
    history = local_aws.client("cloudwatch").describe_alarm_history(AlarmName="by-hand")["AlarmHistoryItems"]
    newest = json.loads(history[0]["HistoryData"])
    assert newest["newState"]["stateValue"] != newest["oldState"]["stateValue"]
    assert [item["HistorySummary"] for item in history][:2] == [
        "Alarm updated from ALARM to OK",
        "Alarm updated from OK to ALARM",
    ]


def test_alarm_is_changed_without_losing_its_state(local_aws: LocalAws) -> None:
    put_alarm(local_aws, "changed", "changed")
    assert reaches(local_aws, "changed", "OK")
    put_alarm(local_aws, "changed", "changed", AlarmDescription="now described")
    found = alarm(local_aws, "changed")
    assert (found["StateValue"], found["AlarmDescription"]) == ("OK", "now described")
    local_aws.client("cloudwatch").delete_alarms(AlarmNames=["changed"])
    assert local_aws.client("cloudwatch").describe_alarms(AlarmNames=["changed"])["MetricAlarms"] == []


def test_alarm_that_is_not_evaluated_is_refused(local_aws: LocalAws) -> None:
    with pytest.raises(ClientError, match="not implemented by the local AWS"):
        put_alarm(local_aws, "band", "band", ComparisonOperator="GreaterThanUpperThreshold")
    rule = 'ALARM("5xx-blue")'
    with pytest.raises(ClientError, match="not implemented by the local AWS"):
        local_aws.client("cloudwatch").put_composite_alarm(AlarmName="both", AlarmRule=rule)


def test_metrics_are_read_back_per_dimension_set(local_aws: LocalAws) -> None:
    cloudwatch = local_aws.client("cloudwatch")
    now = datetime.now(UTC)  # one moment: two may be of two periods
    for value in (1, 2, 3):
        measure(local_aws, "read-back", value, Timestamp=now)
    stretch = {"StartTime": now - timedelta(minutes=5), "EndTime": now + timedelta(minutes=5)}
    asked = {"Namespace": NAMESPACE, "MetricName": METRIC, "Dimensions": dimensions("read-back")}
    statistics = cloudwatch.get_metric_statistics(
        **asked, **stretch, Period=600, Statistics=["Sum", "Average", "Maximum", "SampleCount"]
    )
    [point] = statistics["Datapoints"]
    assert (point["Sum"], point["Average"], point["Maximum"], point["SampleCount"]) == (6, 2, 3, 3)
    query = {"Id": "q", "MetricStat": {"Metric": asked, "Period": 600, "Stat": "Sum"}}
    [result] = cloudwatch.get_metric_data(MetricDataQueries=[query], **stretch)["MetricDataResults"]
    assert result["Values"] == [6]
    listed = cloudwatch.list_metrics(Dimensions=[{"Name": "TargetGroup", "Value": "read-back"}])["Metrics"]
    assert [metric["MetricName"] for metric in listed] == [METRIC]


def test_alarms_and_their_metrics_survive_the_death_of_the_process(local_aws: LocalAws) -> None:
    put_alarm(local_aws, "durable", "durable", Period=300, TreatMissingData="ignore")
    measure(local_aws, "durable", 4)
    local_aws.kill9()
    local_aws.restart()
    # The period ends after the restart: only a datapoint that was kept can raise the alarm.
    assert reaches(local_aws, "durable", "ALARM")
