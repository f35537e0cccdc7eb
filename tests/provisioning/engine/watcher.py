"""Reads the rows of one instance and says what must be true of them, of the outside, and of how they came about."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from portal.core import clock
from portal.core.models import AuditEvent
from provisioning.models import Instance, Operation, Step, StepAttempt
from tests.provisioning.engine import legal
from tests.provisioning.engine.legal import ACTIVE, ENDED, HALTED, Transition
from tests.provisioning.engine.stage import BUILD, BUILT, CHANGE, CHANGED, DESTROY, Scene

SETTLED = frozenset({"done", "skipped"})
SETTLED_BACK = frozenset({"undone", "skipped"})


@dataclass
class Model:
    """What is known of an operation beside its rows."""

    before: dict[str, str] = field(default_factory=dict)  # what stood as it began
    version: str = ""  # of the instance, as it began
    waved_through: set[str] = field(default_factory=set)  # steps that a person skipped


def is_held(step: Step) -> bool:
    return step.lease_until is not None and step.lease_until > clock.now()


class Watcher:
    """`audit` counts the events that there must be; `models` is what is known of operations beside their rows."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.outside = scene, scene.outside
        self.models: dict[str, Model] = {}
        self.audit: Counter[tuple[str, str]] = Counter()
        self.seen = max((transition.number for transition in legal.logged(0)), default=0)
        self.read()

    # -- what is read

    def read(self) -> None:
        self.instance = Instance.objects.select_related("release").get(pk=self.scene.instance_id)
        self.operations = list(Operation.objects.filter(instance=self.instance).order_by("-created_at"))
        self.steps = list(Step.objects.filter(operation__instance=self.instance).order_by("pk"))

    def rows(self) -> list[Any]:
        """All that a refused request or a late worker must leave as it is."""
        mine = {"operation__instance": self.scene.instance_id}
        return [
            *Instance.objects.filter(pk=self.scene.instance_id).values_list(),
            *Operation.objects.filter(instance=self.scene.instance_id).order_by("pk").values_list(),
            *Step.objects.filter(**mine).order_by("pk").values_list(),
            StepAttempt.objects.filter(step__operation__instance=self.scene.instance_id).count(),
            AuditEvent.objects.count(),
        ]

    def with_status(self, *statuses: str) -> list[Operation]:
        return [operation for operation in self.operations if operation.status in statuses]

    def steps_of(self, operation: Operation) -> list[Step]:
        return [step for step in self.steps if step.operation_id == operation.pk]

    # -- what must hold

    def check(self) -> None:
        """All that may be true of the rows and the outside, after each rule and each claim."""
        self.read()
        self.follow(legal.logged(self.seen))
        assert not self.outside.doubles
        assert len(self.with_status(*ACTIVE)) <= 1
        assert len(self.with_status("queued")) <= 1
        for operation in self.operations:
            self.check_operation(operation, self.steps_of(operation))
        if self.instance.status == "deleted":
            self.check_deleted()
        self.check_audit()
        self.scene.traveller.shift(timedelta(milliseconds=1))

    def check_operation(self, operation: Operation, steps: list[Step]) -> None:
        settled = {s.name for s in steps if s.direction == "forward" and s.status in SETTLED}
        for step in steps:
            going_on = step.direction == "forward" and operation.status not in {"undoing", "stuck"}
            if going_on and (step.due_at or step.status == "done"):
                assert settled.issuperset(step.needs), f"{step} is {step.status} before what it needs"
            if step.status == "running":
                assert all((step.lease_until, step.lease_owner, step.due_at)), f"nobody holds {step}, yet it runs"
        back = {s.name: s for s in steps if s.direction == "back"}
        for step in back.values():
            held = [s for s in steps if step.name in s.needs and (s.name not in back or s.status not in SETTLED_BACK)]
            if step.due_at or step.status == "undone":
                assert not held, f"{step} goes back before {held}"
        self.check_way_out(operation, steps)

    def check_way_out(self, operation: Operation, steps: list[Step]) -> None:
        due = [step for step in steps if step.due_at]
        leftovers = [step for step in due if step.due_at != step.lease_until]
        if operation.status in ENDED:
            assert not due, f"{operation} is {operation.status}, and {due} are due"
            assert not any(map(is_held, steps)), f"{operation} is {operation.status}, and a lease outlives it"
        elif operation.status in HALTED:
            assert not leftovers, f"{operation} is {operation.status}, and {leftovers} are due"
            assert any(step.status == "failed" for step in steps), "nothing to retry or skip"
            assert operation.error
        elif operation.status in ACTIVE:
            assert due, f"{operation} is {operation.status}, and nothing is due"
            others = [s for s in self.steps if s.operation_id != operation.pk and is_held(s)]
            assert not others, f"{operation} is {operation.status} while workers hold {others} of another"
        else:
            held = [step for step in self.steps if step.due_at and step.operation_id != operation.pk]
            assert operation.waiting_for or held, f"{operation} is queued behind nothing"

    def check_deleted(self) -> None:
        last = next(op for op in self.operations if op.kind == DESTROY and op.status == "succeeded")
        if "site" not in self.models[last.pk].waved_through:
            assert not self.outside.standing(), f"deleted, and there is {self.outside.standing()}"

    def check_audit(self) -> None:
        ids = [self.instance.pk, *(operation.pk for operation in self.operations)]
        events = Counter(AuditEvent.objects.filter(object_id__in=ids).values_list("object_id", "action"))
        events = Counter({event: n for event, n in events.items() if event[1].startswith("operation.")})
        assert events == +self.audit, f"too many: {events - self.audit}; missing: {self.audit - events}"

    # -- what the model learns from the log

    def follow(self, transitions: list[Transition]) -> None:
        for transition in transitions:
            assert transition.is_legal, f"{transition} is not legal"
            self.seen = transition.number
            if transition.what == "operation":
                self.follow_operation(transition)

    def follow_operation(self, transition: Transition) -> None:
        operation = next(op for op in self.operations if op.pk == transition.id)
        model = self.models.setdefault(operation.pk, Model())
        if transition.before == "queued":
            model.before, model.version = self.outside.standing(), self.instance.release.app_version
        if transition.after in ENDED | HALTED and transition.before != "queued":
            self.audit[operation.pk, f"operation.{transition.after}"] += 1
        if transition.after == "succeeded":
            self.check_succeeded(operation, model)
        if transition.after == "undone":
            self.check_undone(operation, model)

    def check_succeeded(self, operation: Operation, model: Model) -> None:
        there, version = self.outside.standing(), operation.wanted["app_version"]
        if operation.kind == DESTROY:
            assert self.instance.status == "deleted"
        else:
            expected = BUILT if operation.kind == BUILD else CHANGED
            wrong = {name for name in expected - model.waved_through if there.get(name) != version}
            assert not wrong, f"{operation} has succeeded, and {wrong} are not at {version}: {there}"
        if operation.kind == CHANGE and "unbridge" not in model.waved_through:
            assert "bridge" not in there
        if operation.kind == BUILD:
            assert self.instance.status == "running"

    def check_undone(self, operation: Operation, model: Model) -> None:
        """What was begun is as the instance's row said when the operation began; the rest as it stood."""
        there, version = self.outside.standing(), model.version
        undone = {step.name for step in self.steps_of(operation) if step.status == "undone"}
        if operation.kind == BUILD:
            assert not undone & there.keys(), f"undone, and there is {there}"
        if operation.kind == CHANGE:
            as_it_was = {name: version if name in undone else model.before.get(name) for name in CHANGED}
            as_it_was |= {"bridge": None if "bridge" in undone else model.before.get("bridge")}
            wrong = {n: v for n, v in as_it_was.items() if n not in model.waved_through and there.get(n) != v}
            assert not wrong, f"undone, and it should be {wrong}, but is {there}"
