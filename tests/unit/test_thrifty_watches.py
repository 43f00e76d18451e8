"""What looks cost when an earlier one is known: calls for each job only where something may be new."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from airdock.aws.watch import deployment, watch_for
from airdock.aws.watch.deployment_details import DETAILS_AT_ONCE, DETAILS_SECONDS
from airdock.aws.watch.reading import Answers, read_all
from airdock.aws.watch.scan import ScannedImage
from airdock.errors import Fault, Refused
from tests.unit.test_deployment_watch import FakeCodeDeploy, a_target, an_info

BEGUN = datetime(2026, 3, 1, tzinfo=UTC)
IDS = [f"d-{number:09}" for number in range(25)]


def again(kind: str, client: Any, ids: list[str], known: Answers | None = None) -> tuple[Answers, int]:
    """A look after `known`: the answers, and what it cost."""
    return read_all(watch_for(kind), lambda service: client, ids, known or {})[:2]  # type: ignore[arg-type]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """AWS's clock, which a test turns."""
    clock = [BEGUN]
    monkeypatch.setattr(deployment, "clock_of", lambda answer: clock[0])
    return clock


def many(status: str = "InProgress") -> FakeCodeDeploy:
    return FakeCodeDeploy(*(an_info(each, status) for each in IDS), targets=dict.fromkeys(IDS, a_target(10)))


def test_deployments_of_which_nothing_is_new_cost_one_call(clock: list[datetime]) -> None:
    first, calls = again("deployment", many(), IDS)
    assert calls == 1 + 2 * 25
    second, calls = again("deployment", many(), IDS, first)
    assert calls == 1
    assert second == first


def test_details_get_old_and_are_read_a_few_at_a_time_the_stalest_first(clock: list[datetime]) -> None:
    known, _ = again("deployment", many(), IDS)
    moved = FakeCodeDeploy(*(an_info(each) for each in IDS), targets=dict.fromkeys(IDS, a_target(50)))
    for _ in range(25):
        clock[0] += timedelta(seconds=DETAILS_SECONDS)
        known, calls = again("deployment", moved, IDS, known)
        assert calls == 1 + DETAILS_AT_ONCE
    assert [facts["weights"]["green"] for facts in known.values()] == [50] * 25  # type: ignore[index]


def test_a_new_status_brings_the_details_of_all_that_have_it(clock: list[datetime]) -> None:
    known, _ = again("deployment", many(), IDS)
    ended = many("Succeeded")
    ended.targets = dict.fromkeys(IDS, a_target(100))
    found, calls = again("deployment", ended, IDS, known)
    assert calls == 1 + 25
    assert [facts["weights"]["green"] for facts in found.values()] == [100] * 25  # type: ignore[index]
    assert again("deployment", ended, IDS, found)[1] == 1


def test_traffic_that_has_moved_is_seen_without_a_call_for_each_deployment(clock: list[datetime]) -> None:
    known, _ = again("deployment", many(), IDS[:1])
    done = FakeCodeDeploy(an_info(IDS[0], instanceTerminationWaitTimeStarted=True), targets={IDS[0]: a_target(100)})
    found, calls = again("deployment", done, IDS[:1], known)
    assert (found[IDS[0]]["terminating"], calls) == (True, 2)  # type: ignore[index]
    assert again("deployment", done, IDS[:1], found)[1] == 1


def test_facts_that_an_older_version_stored_are_read_anew(clock: list[datetime]) -> None:
    known, _ = again("deployment", many(), IDS[:1])
    for missing in ("details_at", "targets"):
        del known[IDS[0]][missing]  # type: ignore[attr-defined]
    assert again("deployment", many(), IDS[:1], known)[1] == 3


class Throttling(FakeCodeDeploy):
    """Grants so many calls for details, then throttles."""

    grants = 0

    def batch_get_deployment_targets(self, deploymentId: str, targetIds: list[str]) -> dict[str, Any]:
        self.grants -= 1
        if self.grants < 0:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "Targets")
        return super().batch_get_deployment_targets(deploymentId, targetIds)


def test_throttled_details_hold_up_neither_the_states_of_others_nor_an_end_for_ever(clock: list[datetime]) -> None:
    known, _ = again("deployment", many(), IDS)
    infos = [an_info(each, "Succeeded" if each in IDS[:3] else "Ready") for each in IDS]
    busy = Throttling(*infos, targets=dict.fromkeys(IDS, a_target(100)))
    seen, throttled = [], []
    for _ in range(3):
        busy.grants = 1
        reading = read_all(watch_for("deployment"), lambda service: busy, IDS, known)  # type: ignore[arg-type]
        known = reading.answers
        throttled.append(reading.throttled)
        seen.append(sorted(facts["status"] for facts in known.values()))  # type: ignore[index]
    assert throttled == [True, True, False]
    assert seen[0] == ["InProgress"] * 2 + ["Ready"] * 22 + ["Succeeded"]
    assert seen[2] == ["Ready"] * 22 + ["Succeeded"] * 3
    assert [known[each]["weights"]["green"] for each in IDS[:3]] == [100] * 3  # type: ignore[index]


def test_an_ended_deployment_of_which_nothing_is_known_is_throttled_as_a_whole() -> None:
    busy = Throttling(an_info(IDS[0], "Succeeded"), targets={IDS[0]: a_target(100)})
    found, _ = again("deployment", busy, IDS[:1])
    assert isinstance(found[IDS[0]], Fault)


class FakeEcs:
    """Answers what a look at service deployments asks, for any id."""

    def describe_service_deployments(self, serviceDeploymentArns: list[str]) -> dict[str, Any]:
        return {"serviceDeployments": [self._rollout(arn) for arn in serviceDeploymentArns]}

    def _rollout(self, arn: str) -> dict[str, Any]:
        return {
            "serviceDeploymentArn": arn,
            "serviceArn": f"service/{arn}",
            "clusterArn": "cluster/demo",
            "status": "IN_PROGRESS",
            "targetServiceRevision": {"arn": f"revision/{arn}/2"},
            "sourceServiceRevisions": [{"arn": f"revision/{arn}/1"}],
        }

    def describe_service_revisions(self, serviceRevisionArns: list[str]) -> dict[str, Any]:
        told = [{"serviceRevisionArn": arn, "taskDefinition": f"definition/{arn}"} for arn in serviceRevisionArns]
        return {"serviceRevisions": told}

    def describe_services(self, cluster: str, services: list[str]) -> dict[str, Any]:
        told = [
            {"taskDefinition": f"definition/revision/{arn.partition('/')[2]}/2", "failedTasks": 2} for arn in services
        ]
        return {
            "services": [{"serviceArn": arn, "deployments": [each]} for arn, each in zip(services, told, strict=True)]
        }


def test_revisions_are_read_once_and_failed_starts_now_and_then() -> None:
    ids = [f"rollout-{number:02}" for number in range(20)]
    first, calls = again("service_deployment", FakeEcs(), ids)
    assert calls == 1 + 2 + 2
    second, calls = again("service_deployment", FakeEcs(), ids, first)
    assert (second, calls) == (first, 1)
    stale = {key: {**facts, "counted_at": BEGUN.isoformat()} for key, facts in first.items()}  # type: ignore[dict-item]
    third, calls = again("service_deployment", FakeEcs(), ids, stale)
    assert calls == 1 + 2
    assert {facts["failed_starts"] for facts in third.values()} == {2}  # type: ignore[index]


class FakeEcr:
    """A registry in which some images are scanned still; DescribeImages refuses a call that names an unknown one."""

    def __init__(self, **statuses: str) -> None:
        self.statuses = {digest(name): status for name, status in statuses.items()}

    def describe_images(self, repositoryName: str, imageIds: list[dict[str, str]]) -> dict[str, Any]:
        asked = [each["imageDigest"] for each in imageIds]
        if not set(asked) <= set(self.statuses):
            raise ClientError({"Error": {"Code": "ImageNotFoundException", "Message": "no"}}, "DescribeImages")
        told = [{"imageDigest": each, "imageScanStatus": {"status": self.statuses[each]}} for each in asked]
        return {"imageDetails": told}

    def describe_image_scan_findings(self, repositoryName: str, imageId: dict[str, str], **_: Any) -> dict[str, Any]:
        status = self.statuses.get(imageId["imageDigest"])
        if status is None:
            raise ClientError({"Error": {"Code": "ImageNotFoundException", "Message": "no"}}, "DescribeImageScan")
        return {"imageScanStatus": {"status": status}, "imageScanFindings": {"findingSeverityCounts": {"LOW": 1}}}


def digest(name: str) -> str:
    return f"sha256:{name * 64}"


def images(names: str, repository: str = "greeter") -> list[str]:
    return [ScannedImage(repository, digest(name)).to_id() for name in names]


def test_images_of_one_repository_that_are_being_scanned_cost_one_call() -> None:
    found, calls = again("scan", FakeEcr(a="IN_PROGRESS", b="PENDING", c="COMPLETE"), images("abc"))
    assert calls == 1 + 1
    assert [facts["status"] for facts in found.values()] == ["IN_PROGRESS", "PENDING", "COMPLETE"]  # type: ignore[index]
    assert found[images("c")[0]]["counts"] == {"LOW": 1}  # type: ignore[index]


def test_one_image_of_a_repository_costs_the_call_that_tells_all() -> None:
    ids = [*images("a"), *images("a", "other")]
    assert again("scan", FakeEcr(a="IN_PROGRESS"), ids)[1] == 2


def test_an_image_that_is_gone_ends_its_own_wait() -> None:
    found, _ = again("scan", FakeEcr(a="IN_PROGRESS", b="COMPLETE"), images("abz"))
    assert [type(each) for each in found.values()] == [dict, dict, Refused]
