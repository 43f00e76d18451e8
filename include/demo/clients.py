"""The local AWS as the demonstration sees it: boto3's clients, and the effect log."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import boto3
from botocore.config import Config

from demo.place import REGION, Place
from demo.rest import get_json
from demo.settings import LOCAL_CREDENTIALS


class LocalAws:
    """Clients and effects of the local AWS at one address."""

    def __init__(self, place: Place) -> None:
        self.address = place.aws
        self._session = boto3.Session(
            LOCAL_CREDENTIALS["AWS_ACCESS_KEY_ID"], LOCAL_CREDENTIALS["AWS_SECRET_ACCESS_KEY"], region_name=REGION
        )
        self.client = lru_cache(maxsize=None)(self._client)

    def runtime(self) -> str:
        """`docker` when tasks are containers, `process` when they are processes of this host."""
        return str(get_json(f"{self.address}/_local/health")["runtime"])

    def effects(self, service: str = "", operation: str = "") -> list[dict[str, Any]]:
        """What was done, oldest first; of one service or operation when asked."""
        wanted = {name: value for name, value in (("service", service), ("operation", operation)) if value}
        return list(get_json(f"{self.address}/_local/effects?{urlencode(wanted)}"))

    def _client(self, service: str) -> Any:
        config = Config(proxies={}, retries={"mode": "standard", "total_max_attempts": 3})
        return self._session.client(service, endpoint_url=self.address, config=config)
