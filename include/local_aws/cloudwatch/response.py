"""CloudWatch's API for metrics and alarms; dashboards and tags are inherited from moto."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from moto.cloudwatch.responses import CloudWatchResponse as MotoResponse
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, EmptyResult

from local_aws.cloudwatch import alarms
from local_aws.cloudwatch.data import Span, datapoints, statistics
from local_aws.cloudwatch.evaluation import supported
from local_aws.cloudwatch.metrics import Metrics, Series, Statistics, metrics_of
from local_aws.world import world

Document = dict[str, Any]

_TIMES = ("StateUpdatedTimestamp", "StateTransitionedTimestamp", "AlarmConfigurationUpdatedTimestamp")
_STATISTICS = ("SampleCount", "Sum", "Average", "Minimum", "Maximum")


class InvalidParameterValueError(ServiceException):
    """A parameter that CloudWatch refuses."""

    code = "InvalidParameterValue"


class MissingAlarmError(ServiceException):
    """No alarm has the name."""

    code = "ResourceNotFound"
    message = "Unknown"


class CloudWatchResponse(MotoResponse):
    """The actions that Airdock and its tests use, on our own alarms and metrics."""

    def put_metric_alarm(self) -> ActionResult:
        """Create an alarm or replace its configuration; an existing one keeps its state."""
        given = {name: value for name, value in dict(self.params).items() if name != "Tags"}
        _check(given)
        now = world().clock.now().isoformat()
        arn = f"arn:aws:cloudwatch:{self.region}:{self.current_account}:alarm:{given['AlarmName']}"
        key = alarms.key_of(self.region, given["AlarmName"])
        old = world().store.get(alarms.KIND, key) or {
            "StateValue": "INSUFFICIENT_DATA",
            "StateReason": "Unchecked: Initial alarm creation",
            "StateReasonData": "{}",
            **dict.fromkeys(_TIMES, now),
        }
        kept = {name: value for name, value in old.items() if name.startswith("State")}
        fixed = {"AlarmArn": arn, "Region": self.region, "AlarmConfigurationUpdatedTimestamp": now}
        world().store.put(alarms.KIND, key, {"ActionsEnabled": True} | given | kept | fixed)
        if self.params.get("Tags"):
            tags = {tag["Key"]: tag["Value"] for tag in self.params["Tags"]}
            self.cloudwatch_backend.tag_resource(arn, tags)
        return EmptyResult()

    def put_composite_alarm(self) -> ActionResult:
        """Not offered: a composite alarm that never changed its state would be worse than none."""
        raise NotImplementedError("put_composite_alarm")

    def describe_alarms(self) -> ActionResult:
        """Alarms by name, prefix, action and state, a page at a time."""
        names, prefix = self.params.get("AlarmNames") or (), self.params.get("AlarmNamePrefix", "")
        action, state = self.params.get("ActionPrefix", ""), self.params.get("StateValue")
        found = [
            alarm
            for alarm in self._alarms(names)
            if alarm["AlarmName"].startswith(prefix)
            and state in (None, alarm["StateValue"])
            and (not action or any(arn.startswith(action) for arn in alarm.get("AlarmActions", [])))
        ]
        first = int(self.params.get("NextToken") or 0)
        last = first + int(self.params.get("MaxRecords") or 50)
        result: Document = {
            "MetricAlarms": [_shown(alarm) for alarm in found[first:last]],
            "CompositeAlarms": [],
        }
        return ActionResult(result | ({"NextToken": str(last)} if last < len(found) else {}))

    def describe_alarms_for_metric(self) -> ActionResult:
        """Alarms that watch exactly this series."""
        wanted = self._series(self.params)
        return ActionResult(
            {"MetricAlarms": [_shown(alarm) for alarm in self._alarms() if alarms.series_of(alarm) == wanted]}
        )

    def describe_alarm_history(self) -> ActionResult:
        """State changes, the latest first."""
        name = self.params.get("AlarmName")
        items = [
            {
                "AlarmName": item["AlarmName"],
                "AlarmType": "MetricAlarm",
                "Timestamp": datetime.fromisoformat(item["At"]),
                "HistoryItemType": "StateUpdate",
                "HistoryData": item["Data"],
                "HistorySummary": f"Alarm updated from {item['from']} to {item['to']}",
            }
            for item in world().store.all(alarms.HISTORY)
            if item["Region"] == self.region and name in (None, item["AlarmName"])
        ]
        return ActionResult({"AlarmHistoryItems": items[::-1][: int(self.params.get("MaxRecords") or 100)]})

    def delete_alarms(self) -> ActionResult:
        """Forget alarms."""
        for name in self.params["AlarmNames"]:
            world().store.delete(alarms.KIND, alarms.key_of(self.region, name))
        return EmptyResult()

    def set_alarm_state(self) -> ActionResult:
        """Set a state by hand; as in AWS the next evaluation sets it right."""
        key = alarms.key_of(self.region, self.params["AlarmName"])
        if world().store.get(alarms.KIND, key) is None:
            raise MissingAlarmError
        given = self.params
        if given["StateValue"] not in alarms.STATES:
            raise InvalidParameterValueError(f"{given['StateValue']} is no alarm state")
        data = given.get("StateReasonData") or "{}"
        alarms.change_state(world(), key, given["StateValue"], given["StateReason"], data)
        return EmptyResult()

    def enable_alarm_actions(self) -> ActionResult:
        """Let alarms act again."""
        return self._switch_actions(True)

    def disable_alarm_actions(self) -> ActionResult:
        """Keep alarms from acting."""
        return self._switch_actions(False)

    def put_metric_data(self) -> ActionResult:
        """Write datapoints: single values, values with counts, or statistics."""
        for datum in self.params.get("MetricData", []):
            series = self._series({**datum, "Namespace": self.params["Namespace"]})
            at = datum["Timestamp"].replace(tzinfo=UTC) if datum.get("Timestamp") else world().clock.now()
            for measured in _measured(datum):
                self._metrics.put_statistics(series, at.timestamp(), measured)
        return EmptyResult()

    def list_metrics(self) -> ActionResult:
        """The series that have datapoints."""
        dimensions = {(item["Name"], item.get("Value")) for item in self.params.get("Dimensions", [])}
        found = [
            series
            for series in self._metrics.listed(self.region)
            if self.params.get("Namespace") in (None, series.namespace)
            and self.params.get("MetricName") in (None, series.metric)
            and all((name, value) in series.dimensions or value is None for name, value in dimensions)
        ]
        return ActionResult({"Metrics": [_metric(series) for series in found]})

    def get_metric_statistics(self) -> ActionResult:
        """Statistics by period."""
        names = self.params.get("Statistics") or []
        buckets = statistics(self._metrics, self._series(self.params), Span.of(self.params, int(self.params["Period"])))
        points = [{"Timestamp": at, **{name: found.value(name) for name in names}} for at, found in buckets]
        return ActionResult({"Label": self.params["MetricName"], "Datapoints": points})

    def get_metric_data(self) -> ActionResult:
        """Single metrics by period; expressions are not offered."""
        results = [self._queried(query) for query in self.params["MetricDataQueries"]]
        return ActionResult({"MetricDataResults": results, "Messages": []})

    @property
    def _metrics(self) -> Metrics:
        return metrics_of(world())

    def _alarms(self, names: Collection[str] = ()) -> list[Document]:
        """All of this region, or those of these names: a deployment asks for its own again and again."""
        store = world().store
        named = [store.get(alarms.KIND, alarms.key_of(self.region, name)) for name in set(names)]
        found = named if names else store.all(alarms.KIND)
        mine = [alarm for alarm in found if alarm and alarm["Region"] == self.region]
        return sorted(mine, key=lambda alarm: str(alarm["AlarmName"]))

    def _switch_actions(self, enabled: bool) -> ActionResult:
        for name in self.params["AlarmNames"]:
            key = alarms.key_of(self.region, name)
            if world().store.get(alarms.KIND, key):
                world().store.update(alarms.KIND, key, lambda alarm: {**alarm, "ActionsEnabled": enabled})
        return EmptyResult()

    def _series(self, given: Any) -> Series:
        dimensions = {item["Name"]: item["Value"] for item in given.get("Dimensions", [])}
        return Series.of(self.region, given["Namespace"], given["MetricName"], dimensions)

    def _queried(self, query: Any) -> Document:
        if not query.get("MetricStat"):
            raise NotImplementedError("metric math")
        stat = query["MetricStat"]
        span = Span.of(self.params, int(stat["Period"]))
        try:
            points = datapoints(self._metrics, self._series(stat["Metric"]), stat["Stat"], span)
        except KeyError:
            raise NotImplementedError(f"the statistic {stat['Stat']}") from None
        if self.params.get("ScanBy", "TimestampDescending") == "TimestampDescending":
            points.reverse()
        return {
            "Id": query["Id"],
            "Label": query.get("Label") or stat["Metric"]["MetricName"],
            "Timestamps": [at for at, _ in points],
            "Values": [value for _, value in points],
            "StatusCode": "Complete",
        }


def _check(given: Document) -> None:
    if given.get("Metrics") or given.get("ExtendedStatistic"):
        raise NotImplementedError("alarms on metric math or percentiles")
    if not supported(given["ComparisonOperator"]):
        raise NotImplementedError(f"alarms with {given['ComparisonOperator']}")
    if given.get("Statistic") not in _STATISTICS:
        raise InvalidParameterValueError("The parameter Statistic must be one of " + ", ".join(_STATISTICS))
    if given.get("Period", 0) not in (10, 20, 30) and (given.get("Period", 0) < 60 or given["Period"] % 60):
        raise InvalidParameterValueError("Period must be 10, 20, 30 or a multiple of 60")
    if given.get("DatapointsToAlarm", 0) > given["EvaluationPeriods"]:
        raise InvalidParameterValueError("DatapointsToAlarm must not be greater than EvaluationPeriods")


def _measured(datum: Any) -> list[Statistics]:
    if datum.get("StatisticValues"):
        given = datum["StatisticValues"]
        return [Statistics(given["SampleCount"], given["Sum"], given["Minimum"], given["Maximum"])]
    values = datum.get("Values") or [datum.get("Value", 0.0)]
    counts = datum.get("Counts") or [1.0] * len(values)
    return [Statistics(count, value * count, value, value) for value, count in zip(values, counts, strict=True)]


def _shown(alarm: Document) -> Document:
    return {name: datetime.fromisoformat(value) if name in _TIMES else value for name, value in alarm.items()}


def _metric(series: Series) -> Document:
    dimensions = [{"Name": name, "Value": value} for name, value in series.dimensions]
    return {"Namespace": series.namespace, "MetricName": series.metric, "Dimensions": dimensions}
