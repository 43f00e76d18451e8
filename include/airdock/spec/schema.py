"""The JSON Schema of pipeline files, for editors: `python -m airdock.spec.schema > docs/pipeline.schema.json`."""

from __future__ import annotations

import json
import sys
from typing import Any

from airdock.spec.pipeline import Pipeline


def schema() -> dict[str, Any]:
    """The schema as JSON Schema 2020-12."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Airdock pipeline"}
    return {**head, **{key: value for key, value in Pipeline.model_json_schema().items() if key != "title"}}


def text() -> str:
    """The schema as it lies in docs/."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
