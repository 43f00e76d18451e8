"""What a team writes to have its releases measured, and what it hears when that is wrong."""

from __future__ import annotations

from textwrap import indent
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from airdock.spec import Analysis, Problem, SpecError, parse
from airdock.spec.check import CloudWatchCheck
from airdock.spec.formula import names_in, value_of
from tests.builders import PIPELINE

METRICS: dict[str, Any] = {"errors": {"metric": "HTTPCode_Target_5XX_Count"}, "requests": {"metric": "RequestCount"}}
RATE = {"name": "rate", "kind": "cloudwatch", "metrics": METRICS, "expression": "errors / requests", "at_most": 1}
SQL = {"name": "orders", "kind": "sql", "connection": "shop", "query": "select 1", "at_least": 1}
PROM = {"name": "slow", "kind": "prometheus", "connection": "prom", "query": "up", "at_least": 1}
HTTP = {"name": "greeting", "kind": "http", "url": "http://greeter/"}


ROLLOUT = PIPELINE[PIPELINE.index("      strategy:") :]
ECS = "      strategy: ecs\n      traffic: {type: canary, percent: 10}\n"


def written(analysis: Any, rollout: str = ECS) -> str:
    return PIPELINE.replace(ROLLOUT, rollout) + indent(yaml.safe_dump({"analysis": analysis}), "    ")


def read(*checks: dict[str, Any]) -> Analysis:
    found = parse(written({"checks": list(checks)})).environments["production"].analysis
    assert found is not None
    return found


def the_problem(analysis: Any, rollout: str = ECS) -> Problem:
    with pytest.raises(SpecError) as refused:
        parse(written(analysis, rollout), "greeter.yaml")
    [problem] = refused.value.problems
    return problem


def test_analysis_takes_careful_defaults() -> None:
    analysis = read(RATE, SQL, PROM, HTTP)
    assert (analysis.when_inconclusive, analysis.inconclusive_waits, analysis.wait_seconds) == ("roll_back", 1, 60)
    rate = analysis.checks[0]
    assert isinstance(rate, CloudWatchCheck)
    requests = rate.metrics["requests"]
    assert (requests.namespace, requests.statistic) == ("AWS/ApplicationELB", "Sum")
    assert requests.dimensions == {"TargetGroup": "{target_group}", "LoadBalancer": "{load_balancer}"}


def test_single_metric_needs_no_expression() -> None:
    check = read({**RATE, "metrics": {"errors": METRICS["errors"]}, "expression": ""}).checks[0]
    assert isinstance(check, CloudWatchCheck)
    assert check.formula == "errors"


def test_empty_analysis_hears_what_to_write() -> None:
    problem = the_problem({})
    assert (problem.path, problem.message) == ("environments.production.analysis.checks", "this is missing")
    assert "kind: cloudwatch" in problem.remedy
    assert "at_most" in problem.remedy


def test_the_remedy_for_an_empty_analysis_can_be_written_as_it_stands() -> None:
    remedy = the_problem({}).remedy
    example = yaml.safe_load(remedy[remedy.index("{") : remedy.rindex("}") + 1])
    assert read(example).checks[0].name == "slowness"


ZERO = {"errors": {**METRICS["errors"], "missing": 0}, "requests": METRICS["requests"]}
WRONG_PLACE = {"errors": {"metric": "Errors", "dimensions": {"TargetGroup": "{targetgroup}"}}}


@pytest.mark.parametrize(
    ("check", "place", "told"),
    [
        ({**RATE, "kind": "cloudwach"}, "kind", "must be one of cloudwatch, http, sql, prometheus"),
        ({**RATE, "at_most": None}, "", "has no bound: write one of at_most, at_least"),
        ({**RATE, "at_most": float("nan")}, "at_most", "finite"),
        ({**RATE, "expression": "error / requests"}, "expression", "is 'errors' meant?"),
        ({**RATE, "expression": "max(errors)"}, "expression", "'max(errors)' is no arithmetic"),
        ({**RATE, "expression": ""}, "", "needs `expression`: how errors, requests make one number"),
        ({**RATE, "samples": "request"}, "samples", "is 'requests' meant?"),
        ({**RATE, "metrics": ZERO}, "", "a version without any traffic would pass"),
        ({**RATE, "least_samples": 5}, "", "`least_samples` needs `samples`"),
        ({**RATE, "tolerated": 5}, "", "`tolerated` needs `at_most_times_baseline`"),
        ({**RATE, "metrics": WRONG_PLACE}, "metrics.errors.dimensions", "is 'target_group' meant?"),
        ({**RATE, "metrics": {"errors": {"metric": "E", "statistic": "P99"}}}, "metrics.errors.statistic", "p99"),
        ({**PROM, "query": 'up{v="{verison}"}'}, "query", "is 'version' meant?"),
        ({**PROM, "least_samples": 5}, "", "`least_samples` needs `samples_query`"),
        ({**SQL, "query": " "}, "query", "must be a query"),
        ({**HTTP, "url": "ftp://greeter"}, "url", "must be an http(s) address"),
    ],
)
def test_wrong_check_is_refused_where_it_stands(check: Any, place: str, told: str) -> None:
    alone = {key: value for key, value in check.items() if value is not None}
    if "metrics" in place:
        alone["expression"] = "errors"
    problem = the_problem({"checks": [alone]})
    assert problem.path == ".".join(filter(None, ("environments.production.analysis.checks.0", place)))
    assert told in problem.message


def test_two_checks_of_one_name_are_refused() -> None:
    assert "has the name 'orders' twice" in the_problem({"checks": [SQL, {**SQL, "query": "select 2"}]}).message


def test_analysis_of_a_single_step_is_refused() -> None:
    problem = the_problem({"checks": [SQL]}, "      strategy: ecs\n")
    assert problem.path == "environments.production.analysis"
    assert problem.message.startswith("needs traffic of the type canary or linear")


def test_a_single_step_takes_checks_of_the_test_listener_alone() -> None:
    check = {**HTTP, "test_listener": True}
    analysis = parse(written({"checks": [check]}, "      strategy: ecs\n")).environments["production"].analysis
    assert analysis is not None
    assert analysis.before_traffic == analysis.checks
    for other in (HTTP, SQL):
        problem = the_problem({"checks": [check, {**other, "name": "other"}]}, "      strategy: ecs\n")
        assert "only checks of the kind http with `test_listener: true`" in problem.message


def test_waits_longer_than_ecs_waits_are_refused() -> None:
    problem = the_problem({"checks": [SQL], "inconclusive_waits": 51})
    assert problem.message.startswith("51 waits of 60 seconds are too long: ECS waits an hour")


def test_queries_with_braces_of_their_own_are_taken() -> None:
    read({**PROM, "query": 'sum(rate(e{version="{version}",code=~"5.{2}"}[{window}]))'})


@given(*[st.floats(-1e6, 1e6)] * 3)
def test_formula_counts_as_python_does(a: float, b: float, c: float) -> None:
    values = {"a": a, "b": b, "c": c}
    assert value_of("a + b * 100 - (c + 1.5)", values) == a + b * 100 - (c + 1.5)
    assert value_of("a / b", values) == (a / b if b else None)


def test_formula_with_an_unknown_value_has_none() -> None:
    assert value_of("a / b * 100", {"a": None, "b": 2}) is None
    assert value_of("a", {}) is None


@pytest.mark.parametrize("formula", ["a ** b", "-a", "a.b", "a[0]", "a if b else c", "'a'", "True", "a;b", "", "a <"])
def test_formula_is_arithmetic_and_nothing_else(formula: str) -> None:
    with pytest.raises(ValueError, match="is no arithmetic"):
        names_in(formula)


@given(st.text("ab(+-*/ )1.e_", max_size=200))
def test_whatever_formula_is_let_through_can_be_counted(formula: str) -> None:
    try:
        names = names_in(formula)
    except ValueError:
        return
    assert isinstance(value_of(formula, dict.fromkeys(names, 1.0)), float | None)
