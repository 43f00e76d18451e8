"""Why an event did not arrive."""


class CannotDeliverError(Exception):
    """A target did not take an event; `final` when trying again cannot help."""

    def __init__(self, reason: str, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final
