"""What a customer is told of a plan: the objects and the time. What it costs us, and errors in full, stay with us."""

from dataclasses import dataclass

from portal.web.wording import roughly
from provisioning.selectors import Effect, Plan, PlanLine


@dataclass(frozen=True)
class PlanStory:
    """A plan as its page shows it. `takes` is empty when there is nothing to do."""

    plan: Plan
    made: tuple[PlanLine, ...]
    removed: tuple[PlanLine, ...]
    gone: tuple[PlanLine, ...]
    unclear: tuple[PlanLine, ...]

    @property
    def takes(self) -> str:
        return f"about {roughly(self.plan.expected_seconds)}" if self.plan.expected_seconds else ""

    @property
    def share(self) -> float:
        return self.plan.looked / self.plan.total if self.plan.total else 1.0


def story_of(plan: Plan) -> PlanStory:
    def having(effect: Effect) -> tuple[PlanLine, ...]:
        return tuple(line for line in plan.lines if line.effect is effect)

    effects = (Effect.MAKE, Effect.REMOVE, Effect.GONE, Effect.UNCLEAR)
    return PlanStory(plan, *(having(effect) for effect in effects))
