"""What schemathesis makes of the hooks' description: whatever is sent, the answer is one that is described."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from airdock.web.hooks.providers import PROVIDERS
from tests.hooks.conftest import Door
from tests.hooks.sender import signed

DESCRIPTION = yaml.safe_load((Path(__file__).parent / "openapi.yaml").read_text())
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
BRIEFLY = settings(
    max_examples=20,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@cache
def operation(provider: str) -> Any:
    return schemathesis.openapi.from_dict(DESCRIPTION)[f"/{provider}"]["post"]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["as_described", "otherwise"])
def test_signed_message_is_answered_as_described(door: Door, provider: str, mode: GenerationMode) -> None:
    @BRIEFLY
    @given(case=operation(provider).as_strategy(generation_mode=mode), delivery=st.uuids())
    def check(case: Case, delivery: Any) -> None:
        body = case.body if isinstance(case.body, bytes) else json.dumps(case.body).encode()
        _, _, headers = signed(f"{provider}_push", body, str(delivery))
        case.validate_response(door.client.post(f"/{provider}", content=body, headers=headers), checks=CHECKS)

    check()
    # Some of what is made as described is accepted, so that what lies behind the signature has been tried.
    assert mode is GenerationMode.NEGATIVE or door.stored()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_unsigned_message_is_401_whatever_it_says(door: Door, provider: str) -> None:
    @BRIEFLY
    @given(case=operation(provider).as_strategy())
    def check(case: Case) -> None:
        answer = door.client.post(f"/{provider}", content=json.dumps(case.body).encode())
        assert answer.status_code == 401
        case.validate_response(answer, checks=CHECKS)

    check()
    assert door.stored() == []
