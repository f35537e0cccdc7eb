"""Trouble on demand: rules that make chosen calls fail, and a journal of every call."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

from devcloud import clock

EffectKind = Literal["status", "timeout", "reset", "act_then_drop", "fail_operation"]

_KINDS = get_args(EffectKind)
_JOURNAL_LENGTH = 5_000
_FIELDS = {
    "id", "service", "method", "nth", "from", "count", "effect", "status", "reason", "message", "seconds", "code",
}  # fmt: skip


@dataclass(frozen=True)
class Effect:
    """What happens to a call. `status`: it is refused with this status, reason and message, without being performed.
    `timeout`: it is performed and its answer held back for `seconds`. `reset`: the connection is reset instead.
    `act_then_drop`: it is performed, then the connection is reset. `fail_operation`: the long-running operation that it
    starts ends with an error of this code and message.
    """

    kind: EffectKind
    status: int = 503
    reason: str = "backendError"
    message: str = "Injected by a fault rule."
    seconds: float = 60.0
    code: str = "INTERNAL_ERROR"


@dataclass(frozen=True)
class Rule:
    """`service` and `method` may hold `*`. It touches `count` matching calls (None: all) from number `first` on."""

    id: str
    service: str
    method: str
    first: int
    count: int | None
    effect: Effect

    def matches(self, service: str, method: str) -> bool:
        return fnmatchcase(service, self.service) and fnmatchcase(method, self.method)

    def touches(self, number: int) -> bool:
        return number >= self.first and (self.count is None or number < self.first + self.count)


@dataclass(frozen=True)
class Call:
    """One call under way; `effect` is what shall happen to it."""

    service: str
    method: str
    path: str
    effect: Effect | None


class Faults:
    """The rules and the journal of one devcloud. They live in memory: a restart forgets them."""

    def __init__(self) -> None:
        self._rules: dict[str, Rule] = {}
        self._matches: dict[str, int] = {}
        self._journal: deque[dict[str, Any]] = deque(maxlen=_JOURNAL_LENGTH)
        self._numbers = 0

    def add(self, form: Mapping[str, Any]) -> Rule:
        """The rule holds, and counts its calls from here. Raises ValueError with a sentence for a bad form."""
        rule = _read(form, default_id=f"fault-{len(self._matches) + 1}")
        self._rules[rule.id] = rule
        self._matches[rule.id] = 0
        return rule

    def remove(self, rule_id: str) -> bool:
        """The rule is gone; says whether there was one."""
        return self._rules.pop(rule_id, None) is not None

    def clear(self) -> None:
        """No rules, and an empty journal; its numbers go on."""
        self._rules.clear()
        self._journal.clear()

    def describe(self) -> list[dict[str, Any]]:
        """The rules as JSON, each with how many calls have matched it."""
        return [_written(rule, self._matches[rule.id]) for rule in self._rules.values()]

    def begin(self, service: str, method: str, path: str) -> Call:
        """The call is counted; the first rule that touches it decides its effect. `method` is the discovery id, such as
        compute.networks.insert, or such as "kubernetes PATCH deployments".
        """
        effect: Effect | None = None
        for rule in self._rules.values():
            if rule.matches(service, method):
                self._matches[rule.id] += 1
                effect = effect or (rule.effect if rule.touches(self._matches[rule.id]) else None)
        return Call(service, method, path, effect)

    def end(self, call: Call, status: int) -> None:
        """The call is in the journal, with the status that was answered, or 0 where the connection was dropped."""
        self._numbers += 1
        self._journal.append(
            {
                "n": self._numbers,
                "service": call.service,
                "method": call.method,
                "path": call.path,
                "status": status,
                "at": clock.rfc3339(clock.now()),
            }
        )

    def calls(self, since: int = 0) -> list[dict[str, Any]]:
        """Those of the last few thousand calls whose number is above `since`, oldest first."""
        return [entry for entry in self._journal if entry["n"] > since]


def _read(form: Mapping[str, Any], default_id: str) -> Rule:
    if unknown := set(form) - _FIELDS:
        raise ValueError(f"A fault rule has no {', '.join(sorted(unknown))}; it has {', '.join(sorted(_FIELDS))}.")
    if form.get("effect") not in _KINDS:
        raise ValueError(f"effect must be one of {', '.join(_KINDS)}.")
    nth = form.get("nth")
    return Rule(
        id=str(form.get("id", default_id)),
        service=str(form.get("service", "*")),
        method=str(form.get("method", "*")),
        first=_number(form, "from", 1) if nth is None else _number(form, "nth", 1),
        count=(_number(form, "count", 1) if "count" in form else None) if nth is None else 1,
        effect=_effect(form),
    )


def _effect(form: Mapping[str, Any]) -> Effect:
    texts = {name: str(form[name]) for name in ("reason", "message", "code") if name in form}
    seconds = form.get("seconds", Effect.seconds)
    if not isinstance(seconds, int | float):
        raise ValueError("seconds must be a number.")  # noqa: TRY004 - one kind of error for a bad form
    return Effect(kind=form["effect"], status=_number(form, "status", Effect.status), seconds=float(seconds), **texts)


def _number(form: Mapping[str, Any], name: str, default: int) -> int:
    value = form.get(name, default)
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a whole number from 1.")
    return value


def _written(rule: Rule, matches: int) -> dict[str, Any]:
    effect = rule.effect
    return {
        "id": rule.id,
        "service": rule.service,
        "method": rule.method,
        "from": rule.first,
        "count": rule.count,
        "effect": effect.kind,
        "status": effect.status,
        "reason": effect.reason,
        "message": effect.message,
        "seconds": effect.seconds,
        "code": effect.code,
        "matches": matches,
    }
