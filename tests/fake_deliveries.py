"""Made-up deliveries, releases, measures and questions, as the board's contract has them, for `tests.fake_board`."""

from __future__ import annotations

import random
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from airdock.board.stopping import TRAFFIC

SUBJECT = "Retry card payments when the acquirer times out"
COMMIT = "9f3c1d7e5b2a48c6d0e1f2a3b4c5d6e7f8091a2b"
ROUNDS = (("continue", 1, 0.4), ("continue", 10, 0.6), ("continue", 25, 0.5))
BACK = "the analysis of step 3, at 10 % of the traffic, was bad: errors were 8.4 % of 1,210 requests, at most 1 %"
SHARES = (1, 10, 25, 50, 100)
LINE = [f"{name}: success" for name in ("clone_source", "build", "wait_for_scan", "hold", "preflight", "register")]
RELEASE_STAGES = (("clone_source", 2), ("build", 94), ("wait_for_scan", 21))
PLACE_STAGES = (
    ("hold", 1),
    ("preflight", 4),
    ("register", 1),
    ("deploy", 180),
    ("verify", 11),
    ("roll_back", 30),
    ("verdict", 2),
)
CHANGES = [
    "~ app.image  sha256:4be1d2aa90c1 -> sha256:77d0f3b5c2e9",
    "+ app.environment.RETRY_LIMIT = 3",
    "- app.environment.LEGACY_ACQUIRER = on",
    "~ memory  1024 -> 2048",
]
FINDINGS = [
    {"name": "CVE-2026-1234", "severity": "MEDIUM", "package": "openssl 3.0.11", "fix": "3.0.15"},
    {"name": "CVE-2026-0871", "severity": "LOW", "package": "libxml2 2.9.14", "fix": ""},
]
BROUGHT = [
    {"sha": "51c0a9e2" * 5, "subject": "Raise the connection pool to 40", "author": "Ada Moreau"},
    {"sha": "7be0d4f1" * 5, "subject": "Name the acquirer in the log of a payment", "author": "Priya Natarajan"},
]
"""Commits that were never released alone."""
EVIDENCE = [
    f"commit    {COMMIT}",
    f"subject   {SUBJECT}",
    "author    Jonas Weber <jonas@example.com>, 2026-11-23T13:58:00+00:00",
    "brings    2 since what is live",
    f"          {COMMIT[:7]} {SUBJECT}, by Jonas Weber",
    "          51c0a9e Raise the connection pool to 40, by Ada Moreau",
    "image     sha256:77d0f3b5c2e9a1b4",
    "replaces  sha256:4be1d2aa90c1 (payments:38)",
    "touches   payments in the cluster shop, 6 tasks, 4 lines of its task definition",
    "scan      complete: 1 medium, 1 low",
    "          new since what is live: CVE-2026-0871 (low)",
    "tests     the build succeeded; CodeBuild's reports of its tests are not read",
    "preflight 14 checks passed",
    "",
    *CHANGES,
]
At = Callable[[float], str]
"""ISO 8601, so many minutes ago."""


def delivery(at: At, dag_id: str, run_id: str, green: int, frozen: Any = None) -> dict[str, Any]:
    """`push__running` is in the middle of its traffic, at `green` percent; `push__failed` was taken back; `push__held`
    waits for the line, which is stopped as `frozen` says."""
    failed, held = run_id == "push__failed", run_id == "push__held"
    running = held or run_id in ("push__running", "manual__started")
    states = ("staging", "live", 6.0), ("production", "rolled_back" if failed else None if running else "live", 4.0)
    stages = [_stage(at, name, None, "success", 9 - number, took) for number, (name, took) in enumerate(RELEASE_STAGES)]
    for place, outcome, begun in states:
        stages += _stages(at, place, outcome, begun, "hold" if held else "deploy")
    return {
        "application": dag_id.partition("_")[2],
        "dag_id": dag_id,
        "run_id": run_id,
        "state": "running" if running else "failed" if failed else "success",
        "started_at": at(9),
        "ended_at": None if running else at(0.4),
        "commit": COMMIT,
        "subject": SUBJECT,
        "author": "Jonas Weber",
        "trigger": "pushed by jonas",
        "note": None,
        "environments": [_place(at, dag_id.partition("_")[2], *state, 0 if held else green) for state in states],
        "stages": stages,
        "scan": {"status": "COMPLETE", "counts": {"MEDIUM": 1, "LOW": 1}, "findings": FINDINGS, "sentence": ""},
        "difference": CHANGES,
        "links": [{"label": "Airflow: this run", "url": f"/dags/{dag_id}/runs/{run_id}"}, _console("AWS: build")],
        "held": frozen if held else None,
        "actions": [] if failed else _actions(dag_id, run_id, running),
    }


def _place(at: At, application: str, name: str, outcome: str | None, begun: float, green: int) -> dict[str, Any]:
    last = 10 if outcome == "rolled_back" else 100 if outcome else green
    shares = [share for share in (0, *SHARES) if share < last] + [last] if last else []
    weights = [_weights(at(begun - 0.5 * number), share) for number, share in enumerate(shares)]
    rounds = [_round(at(begun - 0.5 * number), *each) for number, each in enumerate(ROUNDS[: max(0, len(shares) - 1)])]
    whole = f"{application} {COMMIT[:7]} to {name}"
    found: dict[str, Any] = {"name": name, "outcome": outcome, "sentence": "", "details": []}
    found["planned"] = [] if outcome else [float(share) for share in SHARES if share > green]
    if outcome == "live":
        found |= {"sentence": f"{whole} is live. {name.title()} runs {application}:39.", "details": LINE}
    if outcome == "rolled_back":
        weights.append(_weights(at(begun - 2), 0))
        measures = ["errors: 8.4 % of 1,210 requests, at most 1 %"]
        said = "errors were 8.4 % of 1,210 requests, at most 1 %"
        rounds.append(
            {"at": at(begun - 2), "step": 10, "decision": "roll_back", "sentence": said, "measures": measures}
        )
        found |= {
            "sentence": f"{whole} was rolled back: {BACK}. Production runs {application}:38.",
            "details": [*LINE[:6], f"deploy: failed ({BACK})", "verify: upstream_failed", "roll_back: success"],
        }
    return {**found, "weights": weights, "analysis": rounds}


def _weights(at: str, green: float) -> dict[str, Any]:
    return {"at": at, "blue": 100 - green, "green": green}


def _round(at: str, decision: str, step: int, errors: float) -> dict[str, Any]:
    measures = [f"errors: {errors} % of 1,204 requests, at most 1 %", "p95 latency: 182 ms, the old version 179 ms"]
    return {"at": at, "step": step, "decision": decision, "sentence": "No check failed.", "measures": measures}


def _stages(at: At, place: str, outcome: str | None, begun: float, now: str) -> list[dict[str, Any]]:
    """`now`: the task at work, where there is no outcome yet."""
    made, names = [], [name for name, _ in PLACE_STAGES]
    for number, (name, took) in enumerate(PLACE_STAGES):
        state = {"roll_back": "skipped"}.get(name, "success")
        if outcome is None and number >= names.index(now):
            state = {"deploy": "deferred", "hold": "held"}[now] if name == now else ""
        if outcome == "rolled_back" and name in ("deploy", "verify", "roll_back", "verdict"):
            state = {"verify": "upstream_failed", "roll_back": "success"}.get(name, "failed")
        made.append(_stage(at, name, place, state, begun + 0.8 - number * 0.2, took))
    return made


def _stage(at: At, name: str, place: str | None, state: str, begun: float, seconds: float) -> dict[str, Any]:
    idle, busy = state in ("", "skipped", "upstream_failed"), state in ("deferred", "held")
    times = {"started_at": None if idle else at(begun), "ended_at": None if idle or busy else at(begun - seconds / 60)}
    reason = BACK if state == "failed" and name == "deploy" else None
    task = f"{place}.{name}" if place else name
    told = {"task_id": task, "label": name.replace("_", " "), "environment": place, "state": state or None, **times}
    url = f"/dags/deliver_payments/runs/push__failed/tasks/{task}"
    return {**told, "seconds": None if idle or busy else seconds, "try_number": 1, "reason": reason, "url": url}


def _actions(dag_id: str, run_id: str, running: bool) -> list[dict[str, Any]]:
    if running:
        task = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/production.deploy"
        word = {"method": "POST", "path": f"{task}/xcomEntries", "body": {"key": "stopped", "value": "dana stopped it"}}
        mark = {"method": "PATCH", "path": task, "body": {"new_state": "failed"}}
        says = TRAFFIC.format(environment="production")
        return [{"name": "stop", "label": "Stop", "says": says, "waits": False, "requests": [word, mark]}]
    deploy = dag_id.replace("deliver_", "deploy_")
    says = "4be1d2a (Show prices with tax), the last good release before this one, goes into production again."
    back = {"name": "roll_back", "label": "Roll back production", "says": says, "waits": False}
    conf = {"release": "20261122T090000Z-4be1d2aa", "environment": "production", "from_environment": None}
    body = {"logical_date": None, "conf": {**conf, "instead_of": f"20261123T140000Z-{COMMIT[:8]}"}}
    return [{**back, "requests": [{"method": "POST", "path": f"/api/v2/dags/{deploy}/dagRuns", "body": body}]}]


def _console(label: str) -> dict[str, str]:
    return {"label": label, "url": "https://eu-west-1.console.aws.amazon.com/codesuite/codebuild/projects"}


def releases(at: At, name: str, commits: list[dict[str, str]]) -> dict[str, Any]:
    return {"application": name, "releases": [_release(at, name, n, commit) for n, commit in enumerate(commits)]}


def _release(at: At, name: str, number: int, commit: dict[str, str]) -> dict[str, Any]:
    told = {
        "release": f"sha256:{sha256(commit['commit'].encode()).hexdigest()}",
        **commit,
        "committed_at": at(60 + 700 * number),
    }
    failed = number == 2
    places = [_whereabouts(at, name, "staging", number, "live", number == 0)]
    if number:
        places.append(_whereabouts(at, name, "production", number, "rolled_back" if failed else "live", number == 1))
    times = {
        "built_seconds": 90.0 + number * 3,
        "lead_seconds": None if failed or not number else 1500.0 + 400 * number,
    }
    return {**told, "digest": told["release"], "environments": places, **times}


def _whereabouts(at: At, name: str, place: str, number: int, outcome: str, live: bool) -> dict[str, Any]:
    run = {"dag_id": f"deliver_{name}", "run_id": "push__failed" if outcome != "live" else f"push__{number}"}
    told = {"name": place, "outcome": outcome, "at": at(30 + 700 * number), "live": live, "verified": outcome == "live"}
    told |= {"was_live": outcome == "live"}
    return {**told, **run, "sentence": BACK if outcome != "live" else "It is live and verified."}


def compare(old: dict[str, Any], new: dict[str, Any], between: list[dict[str, Any]]) -> dict[str, Any]:
    what = ("release", "commit", "subject", "author", "committed_at", "digest")
    old, new, *between = ({name: each[name] for name in what} for each in (old, new, *between))
    files = [{"path": "taskdef.json", "diff": CHANGES}]
    findings = {"new": FINDINGS[1:], "gone": FINDINGS[:1]}
    told = {"from": old, "to": new, "commits": between, "files": files, "findings": findings}
    return {**told, "brought": [*map(_brought, between), *BROUGHT], "brought_unknown": ""}


def _brought(release: dict[str, Any]) -> dict[str, str]:
    return {"sha": release["commit"], "subject": release["subject"], "author": release["author"]}


def measures(at: At, names: list[str], days: int, one: str) -> dict[str, Any]:
    all_of_them = [_measured(at, name, number, days) for number, name in enumerate(names) if one in ("", name)]
    return {"days": days, "applications": all_of_them, "all": _figures(3.4, 2712, 0.083, 840, 102, 9)}


def _figures(
    rate: float, lead: float, failing: float, restore: float | None, count: int, failures: int
) -> dict[str, Any]:
    told = {"deployments_per_day": rate, "lead_seconds_median": lead, "change_failure_rate": failing}
    return {**told, "restore_seconds_median": restore, "deployments": count, "failures": failures}


def _measured(at: At, name: str, number: int, days: int) -> dict[str, Any]:
    chance, runs = random.Random(name), []
    for turn in range(24):
        outcome = "rolled_back" if chance.random() < 0.1 else "live"
        run = {"dag_id": f"deliver_{name}", "run_id": f"push__{turn:012x}", "outcome": outcome}
        lead = chance.lognormvariate(7.6, 0.5)
        went = {"at": at(turn * days * 55 + chance.random() * 500), "lead_seconds": lead if outcome == "live" else None}
        runs.append({**run, **went})
    stages = ("build", "wait for scan", "staging: deploy", "production: deploy", "production: verify")
    took = [{"label": each, "seconds": [chance.lognormvariate(4.2, 0.25) for _ in range(30)]} for each in stages]
    figures = _figures(22 / days, 1900 + 70 * number, 0.08, 900, 24, 2)
    return {"name": name, **figures, "runs": runs, "stages": took}


def question(at: At, dag_id: str, may: bool) -> dict[str, Any]:
    told = {"dag_id": dag_id, "run_id": "push__running", "task_id": "production.approve", "map_index": -1}
    release = {
        "application": dag_id.partition("_")[2],
        "environment": "production",
        "commit": COMMIT,
        "subject": SUBJECT,
    }
    told |= {**release, "author": "Jonas Weber", "asked_at": at(12), "until": at(-1400), "evidence": EVIDENCE}
    told |= {"needed": 1 if may else 2, "approved_by": [] if may else ["dana"]}
    return {
        **told,
        "may_answer": may,
        "why_not": ""
        if may
        else "You made or pushed a commit of it, or have answered already: somebody else has to approve it.",
    }
