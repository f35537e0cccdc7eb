"""What the progress page tells: which steps are at work, which come next, and what that means for a customer."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from portal.web.drawing import AT_WORK, GONE_BY, Drawing, draw
from portal.web.standing import Standing, standing_of_operation
from portal.web.wording import OperationWords, roughly, words_of
from provisioning.selectors import Progress, StepView

ICONS = {
    "pending": "circle-dashed",
    "running": "loader-circle",
    "waiting": "hourglass",
    "done": "circle-check",
    "failed": "circle-x",
    "skipped": "skip-forward",
    "undone": "undo-2",
}


@dataclass(frozen=True)
class Telling:
    """A step with what a person reads beside it."""

    step: StepView
    icon: str
    why: str

    @property
    def is_late(self) -> bool:
        return self.step.status in AT_WORK and self.step.elapsed_seconds > 1.5 * self.step.expected_seconds > 0


@dataclass(frozen=True)
class Story:
    progress: Progress

    @cached_property
    def words(self) -> OperationWords:
        return words_of(self.progress.operation.kind)

    @cached_property
    def standing(self) -> Standing:
        return standing_of_operation(self.progress.operation)

    @cached_property
    def drawing(self) -> Drawing:
        return draw(self.progress)

    @cached_property
    def failed(self) -> list[Telling]:
        return self._told(step for step in self.progress.steps if step.status == "failed")

    @cached_property
    def at_work(self) -> list[Telling]:
        return self._told(step for step in self.progress.steps if step.status in AT_WORK)

    @cached_property
    def to_come(self) -> list[Telling]:
        return self._told(step for step in self.progress.steps if step.status == "pending")

    @cached_property
    def gone_by(self) -> list[Telling]:
        return self._told(step for step in self.progress.steps if step.status in GONE_BY)

    @property
    def is_all_done(self) -> bool:
        return len(self.gone_by) == len(self.progress.steps)

    @property
    def remaining(self) -> str:
        """For example “about 9 min”; nothing before it has begun."""
        if not self.progress.operation.started_at:
            return ""
        return f"about {roughly(self.progress.remaining_seconds)}"

    @property
    def summary(self) -> str:
        """One sentence that changes only when a step does: it is read aloud."""
        count = f"{self.progress.done_count} of {len(self.progress.steps)} steps are done."
        now = ", ".join(telling.step.title for telling in self.at_work)
        return f"{count} Now: {now}." if now and self.progress.operation.is_live else count

    def _told(self, steps: Iterable[StepView]) -> list[Telling]:
        return [Telling(step, ICONS[step.status], self._why(step)) for step in steps]

    def _why(self, step: StepView) -> str:
        if step.status == "waiting" and step.waiting_for:
            return f"Waiting for {step.waiting_for}"
        if step.status == "pending" and self.progress.operation.is_live:
            return self._what_it_needs(step)
        return {"skipped": "Skipped by our team", "undone": "Taken back"}.get(step.status, "")

    def _what_it_needs(self, step: StepView) -> str:
        titles = {other.name: other.title for other in self.progress.steps if other.status not in GONE_BY}
        missing = [titles[need] for need in step.needs if need in titles]
        return f"After: {', '.join(missing)}" if missing else "About to start"


def tell(progress: Progress) -> Story:
    return Story(progress)
