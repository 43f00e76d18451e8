"""A process in which stored triggers wait, as in a triggerer: arguments in on one line, an outcome a line out."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from airdock.aws.triggers import JobTrigger


async def wait(number: int, arguments: dict[str, Any]) -> None:
    async for event in JobTrigger(**arguments).run():
        print(json.dumps([number, event.payload["status"], (event.payload["facts"] or {}).get("id")]), flush=True)


async def main() -> None:
    triggers: list[dict[str, Any]] = json.loads(sys.stdin.readline())
    await asyncio.gather(*(wait(number, arguments) for number, arguments in enumerate(triggers)))


if __name__ == "__main__":
    asyncio.run(main())
