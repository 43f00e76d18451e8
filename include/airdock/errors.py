"""What can go wrong, by what helps: a Refused answer stays, a Fault may pass."""

from __future__ import annotations


class AirdockError(Exception):
    """Something a deployer must hear of; `sentence` is made for them."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class Refused(AirdockError):
    """An answer: the same question gets it again. Never retried."""


class Fault(AirdockError):
    """Nobody's decision: throttling, a network, a server. Another try may help."""
