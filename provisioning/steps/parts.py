"""Things that some architectures or features have and others have not, under one line of a workflow's table."""

from enum import Enum
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


class Removes(Enum):
    """When a line may remove what no feature asks for any more."""

    ALWAYS = "always"
    GOING_BACK = "going back"  # it stands before the line of what refers to it: to be made before, removed after that
    GOING_FORWARD = "going forward"  # it stands after that line


class PartOfFeature(GoogleAction):
    """Mixed in before an action: where no feature asks for the part, it is as wanted when there is none.

    What another line's thing refers to has a line on both sides of that: each removes only when it comes second.
    Going back, an operation that has built the thing removes it like any other; one that `reverts` goes by the
    features of before.
    """

    part: ClassVar[str]

    def __init__(self, *, reverts: bool = False, removes: Removes = Removes.ALWAYS) -> None:
        self._reverts = reverts
        self._removes = removes

    def look(self, context: Context) -> Seen:
        if self._is_as_ever(context):
            return super().look(context)
        if self._is_left_to_another(context):
            return AsWanted()
        seen = super().look(context)
        if isinstance(seen, Missing):
            return AsWanted()
        return seen if isinstance(seen, UnderWay) else Differs("it is there, and no feature asks for it")

    def make(self, context: Context) -> str:
        return super().make(context) if self._is_as_ever(context) else self.drop(context)

    def _is_as_ever(self, context: Context) -> bool:
        goes_back = context.is_going_back and not self._reverts
        return goes_back or context.spec.has_part(self.part)

    def _is_left_to_another(self, context: Context) -> bool:
        when = Removes.GOING_BACK if context.is_going_back else Removes.GOING_FORWARD
        return self._removes not in {Removes.ALWAYS, when}


def _of_another(spec: InstanceSpec) -> str:
    return f"it is there, and architecture {spec.architecture} has none"
