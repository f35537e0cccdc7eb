"""Things that some architectures have and others have not, under one line of a workflow's table."""

from typing import ClassVar

from provisioning.engine.action import AsWanted, Context, Differs, Missing, Seen, UnderWay
from provisioning.fleet.architectures import architecture_of
from provisioning.spec import InstanceSpec
from provisioning.steps.google import GoogleAction


class Part(GoogleAction):
    """Mixed in before an action: where the architecture has no such thing, it is as wanted when there is none.

    `part` names the architecture's field. What `stays` is never removed by a change, since Google does not give it
    back; the rest goes with the architecture. Going back, an operation that has built the thing removes it like any
    other; one that `reverts` goes by the architecture of before.
    """

    part: ClassVar[str]
    stays: ClassVar[bool] = False

    def __init__(self, *, reverts: bool = False) -> None:
        self._reverts = reverts

    def look(self, context: Context) -> Seen:
        if self._is_as_ever(context):
            return super().look(context)
        if self.stays:
            return AsWanted()
        seen = super().look(context)
        if isinstance(seen, Missing):
            return AsWanted()
        return seen if isinstance(seen, UnderWay) else Differs(_of_another(context.spec))

    def make(self, context: Context) -> str:
        return super().make(context) if self._is_as_ever(context) else self.drop(context)

    def resource(self, context: Context) -> str:
        """Empty for what is left alone: nothing is to be seen there."""
        is_left_alone = self.stays and not self._is_as_ever(context)
        return "" if is_left_alone else super().resource(context)

    def _is_as_ever(self, context: Context) -> bool:
        """Whether this is the action itself, as if every architecture had it."""
        goes_back = context.is_going_back and not self._reverts
        return goes_back or bool(getattr(architecture_of(context.spec.architecture), self.part))


def _of_another(spec: InstanceSpec) -> str:
    return f"it is there, and architecture {spec.architecture} has none"
