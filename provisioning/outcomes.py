"""The two ways in which the outside says no. Raised by clients and steps, understood by the engine.

Any other exception counts as passing: it is retried with backoff until the step's deadline.
"""

from datetime import timedelta


class NotYet(Exception):
    """The call cannot be answered yet (propagation, another change under way). Waited for, not counted as a failure."""

    def __init__(self, why: str, again: timedelta = timedelta(seconds=15)) -> None:
        super().__init__(why)
        self.why = why
        self.again = again


class Refused(Exception):
    """It will never work like this. `what_to_do` tells a person how to get on."""

    def __init__(self, why: str, what_to_do: str) -> None:
        super().__init__(f"{why} {what_to_do}")
        self.why = why
        self.what_to_do = what_to_do
