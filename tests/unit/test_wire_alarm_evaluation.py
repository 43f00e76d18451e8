"""What an alarm makes of its datapoints. X breaches, 0 does not, - is missing; the latest is the last."""

import pytest

from local_aws.cloudwatch.evaluation import Condition, judge


def verdict(datapoints: str, missing: str, periods: int = 3, to_alarm: int = 3) -> str | None:
    values = {"X": 10.0, "0": 0.0, "-": None}
    condition = Condition("GreaterThanThreshold", 5, periods, to_alarm, missing)
    return judge(condition, [values[point] for point in reversed(datapoints)]).state


# The tables of "Configuring how CloudWatch alarms treat missing data" in the CloudWatch guide.
@pytest.mark.parametrize(
    ("datapoints", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("0-X-X", "OK", "OK", "OK", "OK"),
        ("-----", "INSUFFICIENT_DATA", None, "ALARM", "OK"),
        ("0XX-X", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("--X--", "ALARM", None, "ALARM", "OK"),
    ],
)
def test_three_of_three_datapoints(datapoints, missing, ignore, breaching, not_breaching) -> None:
    assert verdict(datapoints, "missing") == missing
    assert verdict(datapoints, "ignore") == ignore
    assert verdict(datapoints, "breaching") == breaching
    assert verdict(datapoints, "notBreaching") == not_breaching


@pytest.mark.parametrize(
    ("datapoints", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("0-X-X", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("00X0X", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("0-X--", "OK", None, "ALARM", "OK"),
        ("----0", "OK", None, "ALARM", "OK"),
    ],
)
def test_two_of_three_datapoints(datapoints, missing, ignore, breaching, not_breaching) -> None:
    assert verdict(datapoints, "missing", to_alarm=2) == missing
    assert verdict(datapoints, "ignore", to_alarm=2) == ignore
    assert verdict(datapoints, "breaching", to_alarm=2) == breaching
    assert verdict(datapoints, "notBreaching", to_alarm=2) == not_breaching


def test_a_single_fresh_breach_does_not_alarm_before_its_time() -> None:
    assert verdict("----X", "missing") is None


def test_a_single_period_follows_its_latest_datapoint() -> None:
    assert verdict("0X", "notBreaching", periods=1, to_alarm=1) == "ALARM"
    assert verdict("X0", "notBreaching", periods=1, to_alarm=1) == "OK"


@pytest.mark.parametrize(
    ("comparison", "value", "state"),
    [
        ("GreaterThanOrEqualToThreshold", 5.0, "ALARM"),
        ("GreaterThanThreshold", 5.0, "OK"),
        ("LessThanThreshold", 5.0, "OK"),
        ("LessThanOrEqualToThreshold", 5.0, "ALARM"),
    ],
)
def test_comparison_at_the_threshold(comparison: str, value: float, state: str) -> None:
    assert judge(Condition(comparison, 5, 1, 1), [value]).state == state


def test_reason_names_datapoint_and_threshold() -> None:
    reason = judge(Condition("GreaterThanThreshold", 5.0, 1, 1), [7.0]).reason
    assert reason == "Threshold Crossed: 1 datapoint [7.0] was greater than the threshold (5.0)."
