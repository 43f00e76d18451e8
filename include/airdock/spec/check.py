"""One thing that is measured of a new version, and the bounds that it must keep.

What HTTP answers is counted; the other kinds give a number, which is compared with a fixed one, or with the old
version's at the same time. Statistics and names: Amazon CloudWatch API Reference, MetricStat.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from airdock.spec.formula import LONGEST, names_in
from airdock.spec.words import ConnectionId, Form, Part, WebAddress

PLACEHOLDERS = ("version", "revision", "task_definition", "target_group", "load_balancer", "cluster", "service")
"""What may stand in braces; filled for the new version, and for the old one where it is compared."""
QUERY_PLACEHOLDERS = (*PLACEHOLDERS, "window")
BOUNDS = ("at_most", "at_least", "at_most_times_baseline", "at_least_times_baseline", "at_most_above_baseline")

CheckName = Annotated[str, Form(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*", "lower-case words joined by _ or -", 40)]
MetricName = Annotated[str, Form(r"[a-z][a-z0-9_]*", "lower-case letters, digits and _", 40)]
CloudWatchName = Annotated[str, Form(r"[^\x00-\x1f\x7f]+", "a name of CloudWatch", 255)]
Statistic = Annotated[
    str,
    Form(
        r"Sum|Average|Minimum|Maximum|SampleCount|p[0-9]{1,2}(\.[0-9]{1,10})?",
        "Sum, Average, Minimum, Maximum, SampleCount or a percentile such as p99",
    ),
]
Query = Annotated[str, Form(r"[\s\S]*\S[\s\S]*", "a query", 10_000)]


class Bounded(Part):
    """A number, and where it may lie. A bound that ends in `baseline` compares with the old version."""

    name: CheckName = Field(description="What is measured, in a word or two: error_rate.")
    unit: str = Field(default="", max_length=20, description="The number's unit, as people read it: %, s, orders.")
    at_most: float | None = Field(default=None, allow_inf_nan=False, description="The largest good number.")
    at_least: float | None = Field(default=None, allow_inf_nan=False, description="The smallest good number.")
    at_most_times_baseline: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="How many times the old version's number is still good."
    )
    at_least_times_baseline: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="Which part of the old version's number is needed: 0.8."
    )
    at_most_above_baseline: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="How far above the old version's number is still good."
    )
    tolerated: float | None = Field(
        default=None,
        allow_inf_nan=False,
        description="A number up to this is good whatever the old version's is, which may be 0; for bounds of "
        "`at_most_..._baseline`.",
    )
    least_samples: int = Field(
        default=1,
        ge=1,
        le=1_000_000_000,
        description="How many samples the number must rest on; with fewer it says nothing.",
    )

    @property
    def compares(self) -> bool:
        """Whether the old version is measured as well."""
        return any(getattr(self, bound) is not None for bound in BOUNDS if bound.endswith("baseline"))

    @model_validator(mode="after")
    def _have_a_bound(self) -> Self:
        if all(getattr(self, bound) is None for bound in BOUNDS):
            raise ValueError(f"has no bound: write one of {', '.join(BOUNDS)}")
        if self.tolerated is not None and (self.at_most_times_baseline, self.at_most_above_baseline) == (None, None):
            raise ValueError("`tolerated` needs `at_most_times_baseline` or `at_most_above_baseline`")
        return self


class Metric(Part):
    """One metric of CloudWatch. As it stands it is one of the balancer's, for the version's target group."""

    namespace: CloudWatchName = Field(default="AWS/ApplicationELB", description="The metric's namespace.")
    metric: CloudWatchName = Field(description="The metric's name, such as RequestCount.")
    dimensions: dict[CloudWatchName, CloudWatchName] = Field(
        default={"TargetGroup": "{target_group}", "LoadBalancer": "{load_balancer}"},
        max_length=30,
        description="Its dimensions. {target_group}, {load_balancer}, {version} (family:revision), {revision}, "
        "{task_definition}, {cluster} and {service} are filled in for the version that is measured.",
    )
    statistic: Statistic = Field(default="Sum", description="Sum, Average, Minimum, Maximum, SampleCount or p99.")
    missing: float | None = Field(
        default=None,
        allow_inf_nan=False,
        description="The number where CloudWatch has none: 0 for errors, which it tells only when there are some. "
        "Needs `samples` in the check.",
    )

    @field_validator("dimensions")
    @classmethod
    def _know_placeholders(cls, dimensions: dict[str, str]) -> dict[str, str]:
        for value in dimensions.values():
            known_placeholders(value, PLACEHOLDERS)
        return dimensions


class CloudWatchCheck(Bounded):
    """A number from metrics of CloudWatch, over the measured time as a whole."""

    kind: Literal["cloudwatch"] = Field(description="Where the number comes from.")
    metrics: dict[MetricName, Metric] = Field(
        min_length=1, max_length=10, description="The metrics, each under a name of your own, such as errors."
    )
    expression: Annotated[str, Field(max_length=LONGEST)] = Field(
        default="",
        description="The number, by those names: errors / requests * 100. With one metric it is that metric.",
    )
    samples: MetricName | None = Field(
        default=None, description="The name of the metric that counts the samples, such as requests."
    )

    @property
    def formula(self) -> str:
        return self.expression or next(iter(self.metrics))

    @field_validator("expression")
    @classmethod
    def _be_arithmetic(cls, expression: str, info: ValidationInfo) -> str:
        for name in sorted(names_in(expression)) if expression else ():
            _known(name, info.data.get("metrics", {name: None}), "`metrics` has no")
        return expression

    @field_validator("samples")
    @classmethod
    def _count_by_a_metric(cls, samples: str | None, info: ValidationInfo) -> str | None:
        if samples is not None:
            _known(samples, info.data.get("metrics", {samples: None}), "`metrics` has no")
        return samples

    @model_validator(mode="after")
    def _be_one_number(self) -> Self:
        if len(self.metrics) > 1 and not self.expression:
            raise ValueError(f"needs `expression`: how {', '.join(self.metrics)} make one number")
        if self.samples is None and any(metric.missing is not None for metric in self.metrics.values()):
            raise ValueError("`missing` needs `samples`: else a version without any traffic would pass")
        if self.samples is None and self.least_samples > 1:
            raise ValueError("`least_samples` needs `samples`: the name of the metric that counts them")
        return self


class HttpCheck(Part):
    """Requests of Airdock's own. No answer counts as a bad one; redirects are not followed."""

    name: CheckName = Field(description="What is asked, in a word or two: greeting.")
    kind: Literal["http"] = Field(description="Where the number comes from.")
    url: WebAddress = Field(description="What is asked, such as the test listener's address.")
    test_listener: bool = Field(
        default=False,
        description="Whether `url` is the test listener's, which leads to the new version before production traffic "
        "does: then it is asked before the first step too. The service must have a testListenerRule.",
    )
    status: int = Field(default=200, ge=100, le=599, description="The status of a good answer.")
    contains: str = Field(default="", max_length=1000, description="A text that a good answer's body contains.")
    samples: int = Field(default=10, ge=1, le=1000, description="How often is asked.")
    most_failures: int = Field(default=0, ge=0, le=999, description="How many bad answers are still good enough.")


class SqlCheck(Bounded):
    """The number that a database tells: the first column of the first row. A second column counts the samples."""

    kind: Literal["sql"] = Field(description="Where the number comes from.")
    connection: ConnectionId = Field(description="The Airflow connection to the database; a user who only reads.")
    query: Query = Field(
        description="The query, with parameters as the database's driver writes them, such as %(version)s or "
        ":version. There are version (family:revision), revision, task_definition, cluster, service, since and until. "
        "It is no template."
    )
    baseline_query: Query | None = Field(
        default=None, description="The query for the old version; if left out the same, with the old version's values."
    )


class PrometheusCheck(Bounded):
    """The number that Prometheus tells: a query with a single result."""

    kind: Literal["prometheus"] = Field(description="Where the number comes from.")
    connection: ConnectionId = Field(description="The Airflow HTTP connection to Prometheus.")
    query: Query = Field(
        description='The query in PromQL. {version}, {revision} and the like are filled in, as in version="{version}"; '
        "{window} is the measured time, as in [{window}]."
    )
    samples_query: Query | None = Field(default=None, description="A query that counts the samples.")

    @field_validator("query", "samples_query")
    @classmethod
    def _know_placeholders(cls, query: str | None) -> str | None:
        known_placeholders(query or "", QUERY_PLACEHOLDERS)
        return query

    @model_validator(mode="after")
    def _count_samples(self) -> Self:
        if self.samples_query is None and self.least_samples > 1:
            raise ValueError("`least_samples` needs `samples_query`, which counts them")
        return self


def known_placeholders(text: str, known: tuple[str, ...]) -> None:
    """Raise ValueError at a word in braces that is filled with nothing."""
    for word in re.findall(r"\{([A-Za-z_]+)\}", text):
        _known(word, dict.fromkeys(known), "there is no placeholder")


def _known(word: str, known: dict[str, Any], complaint: str) -> None:
    if word not in known:
        near = get_close_matches(word, known, 1)
        raise ValueError(
            f"{complaint} {word!r}; " + (f"is {near[0]!r} meant?" if near else f"known: {', '.join(known)}")
        )
