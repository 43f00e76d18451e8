"""What an ended build means: the failing test by name, and the image by digest."""

from __future__ import annotations

import pytest
from botocore.session import Session

from airdock.errors import Refused
from airdock.plan import build_result
from airdock.plan.adoption import State
from airdock.plan.build_result import BuildStatus, build_state, image_of, judge_build
from airdock.plan.failing_checks import failing_checks
from tests.builders import DIGEST, IMAGE, a_build, a_phase


def test_failed_build_names_its_failing_test() -> None:
    log = [
        "....F",
        "E       AssertionError: assert 'hi' == 'hello'",
        "\x1b[31mFAILED\x1b[0m tests/test_greeter.py::test_greets[en-hi] - AssertionError: assert 'hi' == 'hello'",
        "1 failed, 4 passed in 0.05s",
        "[Container] 2026/01/01 00:00:00 Command did not exit successfully python3 -m pytest -q exit status 1",
    ]
    phases = [
        a_phase("PRE_BUILD", "SUCCEEDED"),
        a_phase("BUILD", message="Error while executing command"),
        a_phase("POST_BUILD"),
    ]
    result = judge_build(a_build(phases=phases), log)
    assert result.state is State.FAILED
    assert result.sentence == (
        "the build greeter:1 failed in BUILD: "
        "tests/test_greeter.py::test_greets[en-hi]: AssertionError: assert 'hi' == 'hello'"
    )


def test_failed_build_without_a_test_tells_the_phase_and_its_words() -> None:
    result = judge_build(a_build(phases=[a_phase("DOWNLOAD_SOURCE", message="authentication required")]), ["nothing"])
    assert result.sentence == "the build greeter:1 failed in DOWNLOAD_SOURCE: authentication required"


def test_many_failing_tests_are_counted() -> None:
    log = [f"FAILED tests/test_a.py::test_{n}" for n in range(5)]
    result = judge_build(a_build(phases=[a_phase("BUILD")]), log)
    assert result.sentence.endswith("test_0; tests/test_a.py::test_1; tests/test_a.py::test_2 and 2 more")
    assert len(result.tests) == 5


@pytest.mark.parametrize(
    ("status", "state", "told"),
    [
        ("SUCCEEDED", State.SUCCEEDED, "succeeded"),
        ("IN_PROGRESS", State.RUNNING, "has not ended"),
        ("FAULT", State.FAULTED, "a fault of CodeBuild's own in PROVISIONING: no capacity"),
        ("TIMED_OUT", State.FAILED, "took longer than it may in PROVISIONING"),
        ("STOPPED", State.FAILED, "was stopped"),
        ("SOMETHING_NEW", State.FAILED, "failed"),
    ],
)
def test_build_status_in_words(status: str, state: State, told: str) -> None:
    result = judge_build(a_build(status, phases=[a_phase("PROVISIONING", message="no capacity")]))
    assert result.state is state
    assert told in result.sentence


@pytest.mark.parametrize(
    ("log", "named"),
    [
        (["FAILED tests/test_a.py::Suite::test_b"], "tests/test_a.py::Suite::test_b"),
        (["ERROR tests/test_a.py - ImportError: no module"], "tests/test_a.py: ImportError: no module"),
        (["FAIL: test_b (tests.test_a.Suite.test_b)"], "tests.test_a.Suite.test_b"),
        (["FAIL: test_b (tests.test_a.Suite)"], "tests.test_a.Suite.test_b"),
        (["greeter.py:3:1: F401 `os` imported but unused"], "greeter.py:3:1: F401 `os` imported but unused"),
        (
            ["F401 [*] `os` imported but unused", " --> greeter.py:3:8", "  |"],
            "greeter.py:3:8: F401 [*] `os` imported but unused",
        ),
        (
            ["greeter.py:7: error: Incompatible types in assignment  [assignment]"],
            "greeter.py:7: Incompatible types in assignment  [assignment]",
        ),
    ],
)
def test_failing_check_is_named_as_its_tool_does(log: list[str], named: str) -> None:
    assert failing_checks(log) == (named,)


def test_failing_checks_are_found_in_no_other_lines() -> None:
    log = [
        "tests/test_a.py:12: AssertionError",
        "FAILED (failures=1)",
        "ERROR: could not pull",
        "greeter.py:3: in main",
    ]
    assert failing_checks(log) == ()


def test_image_is_what_the_build_exports() -> None:
    assert image_of({"IMAGE_DIGEST": f" {DIGEST}\n"}, {}, "IMAGE_DIGEST").digest == DIGEST
    told = image_of({"IMAGE": IMAGE}, {"ImageURI": "other"}, "IMAGE")
    assert (told.digest, told.uri) == (DIGEST, IMAGE)


def test_image_is_read_from_image_detail_without_an_export() -> None:
    apart = image_of({}, {"ImageURI": "registry/greeter:v1", "ImageDigest": DIGEST}, "IMAGE_DIGEST")
    assert (apart.digest, apart.uri) == (DIGEST, f"registry/greeter:v1@{DIGEST}")
    assert image_of({}, {"ImageURI": IMAGE}, "IMAGE_DIGEST").digest == DIGEST


@pytest.mark.parametrize(
    ("exported", "detail", "told"),
    [
        ({}, {}, "exports no variable IMAGE_DIGEST"),
        ({"DIGEST": DIGEST}, {}, "(but DIGEST)"),
        ({"IMAGE_DIGEST": "greeter:latest"}, {}, "names no digest"),
        ({"IMAGE_DIGEST": ""}, {"ImageURI": "greeter:latest"}, "names no digest"),
        ({"IMAGE_DIGEST": "sha256:abc"}, {}, "names no digest"),
    ],
)
def test_image_without_a_digest_is_refused(exported: dict[str, str], detail: dict[str, str], told: str) -> None:
    with pytest.raises(Refused) as refused:
        image_of(exported, detail, "IMAGE_DIGEST")
    assert told in refused.value.sentence


def test_every_build_status_of_aws_is_claimed() -> None:
    told = set(Session().get_service_model("codebuild").shape_for("StatusType").enum)
    assert told == set(BuildStatus) == set(build_result.STATES)
    assert build_state("SOMETHING_NEW") is State.FAILED
