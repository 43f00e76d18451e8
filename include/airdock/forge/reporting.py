"""Telling a forge how far a commit is: its status, and the deployment where the forge has deployments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airdock.errors import Fault, Refused
from airdock.forge.api import Api
from airdock.plan import forge_deployment
from airdock.plan.forge_status import Forge, Progress, Request, objection, status


def tell(api: Api, progress: Progress, begun: bool) -> list[str]:
    """Tell the forge, each part twice at most; what it objected to, in sentences, nothing where all went well.

    `begun`: the delivery came to this environment; where it did not, there is no deployment to speak of.
    """
    parts: list[Callable[[Api, Progress], None]] = [_set_status]
    if begun and api.address.forge in forge_deployment.OFFERED:
        parts.append(_set_deployment)
    objections = []
    for part in parts:
        try:
            _twice(part, api, progress)
        except Refused as error:
            objections.append(error.sentence)
        except Fault as error:
            # Nothing else is tried at a forge that is out of reach: the delivery waits for this.
            return [*objections, error.sentence]
    return objections


def _twice(part: Callable[[Api, Progress], None], api: Api, progress: Progress) -> None:
    """A part is repeated as a whole: it looks again for what a lost answer may have created."""
    try:
        part(api, progress)
    except Fault:
        part(api, progress)


def _set_status(api: Api, progress: Progress) -> None:
    _asked(api, status(api.address.forge, progress))


def _set_deployment(api: Api, progress: Progress) -> None:
    forge = api.address.forge
    known = forge_deployment.found(forge, _asked(api, forge_deployment.lookup(forge, progress)), progress)
    created = known is None
    if created:
        known = forge_deployment.number(_asked(api, forge_deployment.creation(forge, progress)))
    # GitLab's deployment has been created with its status, or is running already.
    said = forge is Forge.GITLAB and (created or progress.outcome is None)
    if known is not None and not said:
        _asked(api, forge_deployment.change(forge, known, progress))


def _asked(api: Api, request: Request) -> Any:
    answer = api.ask(request)
    if told := objection(api.address.forge, answer.status, answer.told):
        raise Refused(api.hidden(f"{request.method} {request.path.partition('?')[0]}: {told}"))
    return answer.told
