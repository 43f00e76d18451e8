"""What botocore would lose: fields of an answer that its model does not have are dropped when it is parsed.

Harmless where an answer is only read; not where it is changed and sent back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from airdock.plan.task_fields import LOST, Fields, unknown_fields


def fields_of(shape: Any) -> Fields:
    """The fields of a shape in botocore's model."""
    if shape.type_name == "list":
        return fields_of(shape.member)
    if shape.type_name == "structure":
        return {name: fields_of(member) for name, member in shape.members.items()}
    return {}


def tell_losses(client: Any, operation: str) -> None:
    """Let the answers of an operation name under LOST what is dropped from them; asking for it again is harmless."""
    event = f"before-parse.{client.meta.service_model.service_id.hyphenize()}.{operation}"
    client.meta.events.register(event, _compare, unique_id=f"{LOST} {operation}")


def botocore_version() -> str:
    from botocore import __version__

    return f"botocore {__version__}"


def _compare(
    operation_model: Any, response_dict: Mapping[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    """Hold the raw answer against the model, before it is parsed."""
    if response_dict["status_code"] < 300:
        known = _known(operation_model.service_model, operation_model.name)
        customized_response_dict[LOST] = sorted(set(unknown_fields(json.loads(response_dict["body"]), known)))


@lru_cache(maxsize=16)
def _known(service_model: Any, operation: str) -> Fields:
    return fields_of(service_model.operation_model(operation).output_shape)
