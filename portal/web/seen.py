"""What was seen of an instance from outside while something was done to it: the measure of “invisible”."""

from dataclasses import dataclass

from portal.web.wording import roughly
from provisioning.models import Operation, OperationKind

# Nobody works with it then.
UNWATCHED = {
    OperationKind.PROVISION,
    OperationKind.REHEARSE,
    OperationKind.SUSPEND,
    OperationKind.RESUME,
    OperationKind.TEARDOWN,
}


@dataclass(frozen=True)
class Seen:
    """How often it was looked at, how many of those looks failed, and how long it did not answer."""

    looks: int
    failed: int
    downtime_seconds: float
    is_live: bool

    @property
    def sentence(self) -> str:
        so_far = " so far" if self.is_live else ""
        if not self.failed:
            return f"No downtime was seen from outside{so_far}, in {_looks(self.looks)}."
        down = roughly(self.downtime_seconds)
        return f"As seen from outside it was down for {down}{so_far}: {self.failed} of {_looks(self.looks)} failed."

    @property
    def short(self) -> str:
        """For the line beside a status."""
        return f"down for {roughly(self.downtime_seconds)}" if self.failed else "no downtime"

    @property
    def downtime(self) -> str:
        """For a column of a table."""
        return roughly(self.downtime_seconds) if self.failed else "No downtime was seen"

    @property
    def counts(self) -> str:
        """What the column stands on."""
        return f"{self.failed} of {_looks(self.looks)} failed" if self.failed else f"in {_looks(self.looks)}"


def seen_of(operation: Operation) -> Seen | None:
    """What the operation's own tally says; None when nobody looked, or nobody could have worked with it."""
    if not operation.probes or operation.kind in UNWATCHED:
        return None
    return Seen(operation.probes, operation.failed_probes, operation.downtime_seconds, operation.is_live)


def _looks(number: int) -> str:
    return f"{number:,} look{'' if number == 1 else 's'}"
