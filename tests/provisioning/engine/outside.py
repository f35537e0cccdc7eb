"""An outside world that misbehaves, for workers that can be stopped at its border: between a look and a deed.

Things stand at a version, come and go slowly, fail, refuse, or act and lose the answer. Whoever makes what stands
already, or is on its way, has done it twice: that is noted in `doubles` and must never happen.
"""

from dataclasses import dataclass, field
from enum import Enum

from greenlet import GreenletExit, getcurrent, greenlet  # type: ignore[import-untyped] # it ships no types

from provisioning.engine import leases, worker
from provisioning.engine.action import (
    Action,
    AsWanted,
    Context,
    Differs,
    Missing,
    NotYet,
    Refused,
    Seen,
    UnderWay,
    seconds,
)

LOOKS_WHILE_UNDER_WAY = 2


class Fate(Enum):
    """What happens to one call."""

    WELL = "nothing special"
    WAIT = "the cloud is at something else"
    FAIL = "the connection breaks before anything happens"
    NOT_YET = "it cannot be answered yet"
    REFUSE = "it is refused for good"
    LOSE = "it acts, and the answer is lost"
    SLOW = "it begins, and is done some looks later"


OF_LOOKS = frozenset({Fate.WAIT, Fate.NOT_YET})


class Worker(greenlet):  # type: ignore[misc] # see the import
    """A worker process with one claim. It can be paused at the border, go on later, or die there."""

    def __init__(self, name: str, claim: leases.Claim) -> None:
        super().__init__()
        self.name = name
        self.claim = claim
        self.borders_left: int | None = None
        self.deeds = 0

    def run(self) -> None:
        worker.advance(self.claim)

    def go(self, borders: int | None = None) -> "Worker":
        """It has come to its end, or past so many borders and stands at the next."""
        self.borders_left = borders
        self.switch()
        return self

    def die(self) -> None:
        """It is no more, and has told nobody."""
        if self.is_paused:
            self.throw()

    @property
    def is_paused(self) -> bool:
        return bool(self)  # a greenlet is true once it has begun and until it has ended

    def at_border(self) -> None:
        if self.borders_left == 0:
            self.parent.switch()
        elif self.borders_left is not None:
            self.borders_left -= 1


def at_border() -> None:
    current = getcurrent()
    if isinstance(current, Worker):
        current.at_border()


@dataclass
class Outside:
    """`there` maps what stands to its version; `coming` what is being made (or, None, removed) to the looks left."""

    there: dict[str, str] = field(default_factory=dict)
    coming: dict[str, tuple[str | None, int]] = field(default_factory=dict)
    fates: dict[str, list[Fate]] = field(default_factory=lambda: {"look": [], "deed": []})
    doubles: list[str] = field(default_factory=list)
    next_end_is_fatal: bool = False

    def forget(self) -> None:
        """Nothing is there, and nothing is fated."""
        self.there, self.coming, self.fates, self.doubles = {}, {}, {"look": [], "deed": []}, []
        self.next_end_is_fatal = False

    def standing(self) -> dict[str, str]:
        """What stands once all that is under way has come to its end."""
        ends = self.there | {name: version for name, (version, _) in self.coming.items()}
        return {name: version for name, version in ends.items() if version is not None}

    def fate(self, call: str) -> Fate | None:
        """What the next call of this sort meets with: a look or a deed."""
        return self.fates[call].pop(0) if self.fates[call] else None

    def begin(self, name: str, version: str | None, looks: int) -> None:
        """It changes to this version (None: it goes), at once or after so many looks."""
        if name in self.coming or (version is not None and self.there.get(name) == version):
            self.doubles.append(f"{name} is brought to {version} a second time: {self.there}, {self.coming}")
        self.coming[name] = (version, looks)
        self.pass_by(name, looked=False)

    def pass_by(self, name: str, *, looked: bool = True) -> bool:
        """Whether it is still under way, a look later."""
        if name not in self.coming:
            return False
        version, looks = self.coming[name]
        looks -= looked
        self.coming[name] = (version, looks)
        if looks > 0:
            return True
        del self.coming[name]
        self.there.pop(name, None)
        if version is not None:
            self.there[name] = version
        return False

    def die_if_fated(self) -> None:
        """Called as a transaction ends an operation: its worker may die before it commits."""
        if self.next_end_is_fatal and isinstance(getcurrent(), Worker):
            self.next_end_is_fatal = False
            raise GreenletExit


def suffer(fate: Fate | None) -> UnderWay | None:
    match fate:
        case Fate.WAIT:
            return UnderWay("the cloud", seconds(15))
        case Fate.FAIL:
            raise ConnectionResetError("the connection broke")
        case Fate.NOT_YET:
            raise NotYet("the API to be enabled", seconds(5))
        case Fate.REFUSE:
            raise Refused("The quota is used up.", "Ask for more.")
    return None


@dataclass
class Thing(Action):
    """A thing at the version of the spec"""

    outside: Outside
    name: str

    def look(self, context: Context) -> Seen:
        at_border()
        seen = suffer(self.outside.fate("look")) or self._seen(context)
        at_border()
        return seen

    def _seen(self, context: Context) -> Seen:
        if self.outside.pass_by(self.name):
            return UnderWay("it to come or go", seconds(15))
        version = self.outside.there.get(self.name)
        if version is None:
            return Missing("nothing there")
        wanted = context.spec.app_version
        return AsWanted({"version": version}) if version == wanted else Differs(f"It is {version}, not {wanted}.")

    def make(self, context: Context) -> str:
        return self._do("make", context.spec.app_version)

    def drop(self, context: Context) -> str:
        return self._do("drop", None)

    def _do(self, call: str, version: str | None) -> str:
        fate = self.outside.fate("deed")
        suffer(fate)
        self._act(version, LOOKS_WHILE_UNDER_WAY if fate is Fate.SLOW else 0)
        current = getcurrent()
        if isinstance(current, Worker):
            current.deeds += 1
        if fate is Fate.LOSE:
            raise TimeoutError("no answer came")
        at_border()
        return f"{call} {self.name}"

    def _act(self, version: str | None, looks: int) -> None:
        self.outside.begin(self.name, version, looks)


class Chart(Thing):
    """A thing whose workers are others than those that take it away"""

    queue = "helm"


@dataclass
class Check(Thing):
    """Both sides stand at the version of the spec"""

    sides: tuple[str, ...] = ()

    def _seen(self, context: Context) -> Seen:
        stand = all(self.outside.there.get(side) == context.spec.app_version for side in self.sides)
        return AsWanted() if stand else UnderWay("both sides", seconds(15))


@dataclass
class Site(Thing):
    """Everything goes with the site"""

    def _seen(self, context: Context) -> Seen:
        under_way = [self.outside.pass_by(name) for name in list(self.outside.coming)]
        if any(under_way):
            return UnderWay("it to come or go", seconds(15))
        return AsWanted() if self.outside.there else Missing("the site is gone")

    def _act(self, version: str | None, looks: int) -> None:
        for name in list(self.outside.there):
            self.outside.begin(name, version, looks)
