"""What a stage must show, or else its rollout is paused."""

from dataclasses import dataclass
from typing import Protocol


class HasLimits(Protocol):
    """A stage, as far as its gate is concerned."""

    @property
    def most_failed_percent(self) -> int: ...
    @property
    def least_healthy_percent(self) -> int: ...
    @property
    def most_burn(self) -> float: ...


@dataclass(frozen=True)
class Showing:
    """How those of a stage do that have had their turn.

    `failed` is out of `turns`, `unhealthy` out of `done`; `burn` is a multiple of what the objective allows.
    """

    turns: int = 0
    failed: int = 0
    done: int = 0
    unhealthy: int = 0
    burn: float = 0.0


def broken(limits: HasLimits, showing: Showing) -> str:
    """The sentence of the first limit that is passed, or "". Small numbers count in full: one of two is 50 percent."""
    if 100 * showing.failed > limits.most_failed_percent * showing.turns:
        share = round(100 * showing.failed / showing.turns)
        return (
            f"{showing.failed} of {showing.turns} have failed ({share} %); at most {limits.most_failed_percent} % may."
        )
    if 100 * (showing.done - showing.unhealthy) < limits.least_healthy_percent * showing.done:
        return (
            f"{showing.unhealthy} of {showing.done} that are done do not answer; "
            f"at least {limits.least_healthy_percent} % must."
        )
    if showing.burn > limits.most_burn:
        return (
            f"Since their turn they have burnt {showing.burn:.1f} times the error budget of that time; "
            f"at most {limits.most_burn:g} times is allowed."
        )
    return ""
