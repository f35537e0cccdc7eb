"""What an operation would do, told from a survey's looks: objects, time, downtime and money."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings

from provisioning.engine import graph
from provisioning.engine.action import Change, Context
from provisioning.engine.graph import Goal, Node
from provisioning.engine.survey import Finding, Verdict, all_needs
from provisioning.fleet.architectures import NEWEST
from provisioning.models import OperationKind, Size, Survey, Tenancy
from provisioning.selectors.durations import expected_seconds
from provisioning.selectors.surveys import findings_of
from provisioning.spec import InstanceSpec, SizeSpec


class Effect(StrEnum):
    """What would happen to one object."""

    MAKE = "make"
    CHANGE = "change"
    REMOVE = "remove"
    KEEP = "keep"
    GONE = "gone"  # it is absent already
    CHECK = "check"  # only watched, or to be seen once what it follows is done
    UNCLEAR = "unclear"


SWITCHING = {OperationKind.SUSPEND, OperationKind.RESUME}
WORK = {Effect.MAKE, Effect.CHANGE, Effect.REMOVE}
IF_PRESENT = {
    Verdict.STANDS: Effect.KEEP,
    Verdict.MISSING: Effect.MAKE,
    Verdict.DIFFERS: Effect.CHANGE,
    Verdict.UNDER_WAY: Effect.CHECK,
    Verdict.FOLLOWS: Effect.CHECK,
    Verdict.UNCLEAR: Effect.UNCLEAR,
}


@dataclass(frozen=True)
class PlanLine:
    """One node. `resource` is empty for what only watches; `changes` are settings, where they are known."""

    title: str
    resource: str
    effect: Effect
    sentence: str
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What an operation would do. Money in US cents a month, list price of the infrastructure that we pay for.

    `lines` are those of the nodes `looked` at so far, of `total`, in the workflow's order; time, downtime and money
    are final once `is_done`. `downtime_seconds` is None where it does not come back by itself: a teardown or a
    suspension. What a suspended instance still costs is not reckoned: then `is_priced` is False.
    """

    survey: Survey | None
    lines: tuple[PlanLine, ...]
    looked: int
    total: int
    is_done: bool
    expected_seconds: float
    downtime_seconds: float | None
    cents_before: int
    cents_after: int
    is_priced: bool = True

    @property
    def made(self) -> list[PlanLine]:
        return self._with(Effect.MAKE)

    @property
    def changed(self) -> list[PlanLine]:
        return self._with(Effect.CHANGE)

    @property
    def removed(self) -> list[PlanLine]:
        return self._with(Effect.REMOVE)

    @property
    def is_for_good(self) -> bool:
        """Whether the instance never comes back."""
        return self.survey is not None and self.survey.kind == OperationKind.TEARDOWN

    @property
    def cents_difference(self) -> int:
        return self.cents_after - self.cents_before

    def _with(self, effect: Effect) -> list[PlanLine]:
        return [line for line in self.lines if line.effect is effect]


def plan_of(survey: Survey) -> Plan:
    """The plan as far as the survey has looked. Two queries, and its instance if that is not at hand."""
    nodes = graph.workflow_of(survey.kind).for_tenancy(survey.instance.tenancy)
    findings = {finding.step: finding for finding in findings_of(survey) if finding.is_final}
    effects = {node.name: _effect(node, nodes, findings) for node in nodes if node.name in findings}
    before, after = _cents(survey)
    return Plan(
        survey=survey,
        lines=tuple(_line(findings[name], effect) for name, effect in effects.items()),
        looked=len(effects),
        total=len(nodes),
        is_done=survey.status == Survey.Status.DONE,
        expected_seconds=_expected_seconds(survey.kind, nodes, effects),
        downtime_seconds=_downtime_seconds(survey.kind, nodes, effects),
        cents_before=before,
        cents_after=after,
        is_priced=survey.kind not in SWITCHING,
    )


def plan_for_new(*, size: Size, tenancy: str) -> Plan:
    """What it takes to provision: nothing stands, so that nothing is looked at. One query."""
    kind = OperationKind.PROVISION
    nodes = graph.workflow_of(kind).for_tenancy(tenancy)
    spec = _nameless(size, tenancy)
    seconds = expected_seconds(kind, [node.name for node in nodes], with_work=True)
    return Plan(
        survey=None,
        lines=tuple(_new_line(node, spec) for node in nodes),
        looked=len(nodes),
        total=len(nodes),
        is_done=True,
        expected_seconds=graph.longest_path({node.name: node.needs for node in nodes}, seconds)[1],
        downtime_seconds=0.0,
        cents_before=0,
        cents_after=0 if tenancy == Tenancy.BYOK else size.infrastructure_cents,
    )


def _new_line(node: Node, spec: InstanceSpec) -> PlanLine:
    """What has no name, whatever the instance will be called, only watches."""
    context = Context("", node.name, 0, spec, {})
    if node.action.resource(context):
        return PlanLine(node.action.title(), "", Effect.MAKE, "Not there yet.")
    return PlanLine(node.action.title(), "", Effect.CHECK, "Watched.")


def _nameless(size: Size, tenancy: str) -> InstanceSpec:
    """A spec of which only size and tenancy are known."""
    return InstanceSpec(
        id="",
        organization_id="",
        slug="",
        domain="",
        kind="",
        tenancy=tenancy,
        cluster_id=None,
        region="",
        app_version="",
        chart_version="",
        architecture=NEWEST,
        features=(),
        admin_email="",
        size=SizeSpec.of(size),
    )


def _effect(node: Node, nodes: tuple[Node, ...], findings: Mapping[str, Finding]) -> Effect:
    finding = findings[node.name]
    if finding.verdict is Verdict.UNCLEAR:
        return Effect.UNCLEAR
    if not finding.resource:
        return Effect.CHECK
    if node.goal is Goal.ABSENT:
        return Effect.GONE if finding.verdict is Verdict.MISSING else Effect.REMOVE
    if finding.verdict is Verdict.FOLLOWS and _is_built_on_nothing(node, nodes, findings):
        return Effect.MAKE
    return IF_PRESENT[finding.verdict]


def _is_built_on_nothing(node: Node, nodes: tuple[Node, ...], findings: Mapping[str, Finding]) -> bool:
    needed = (findings.get(need) for need in all_needs(nodes)[node.name])
    return any(finding and finding.verdict is Verdict.MISSING and finding.resource for finding in needed)


def _line(finding: Finding, effect: Effect) -> PlanLine:
    return PlanLine(finding.title, finding.resource, effect, finding.sentence, finding.changes)


def _with_work(nodes: tuple[Node, ...], effects: Mapping[str, Effect]) -> set[str]:
    """What has something to do, and the watchers that follow it."""
    deeds = {name for name, effect in effects.items() if effect in WORK}
    needs = all_needs(nodes)
    followers = {name for name, effect in effects.items() if effect is Effect.CHECK and deeds.intersection(needs[name])}
    return deeds | followers


def _expected_seconds(kind: str, nodes: tuple[Node, ...], effects: Mapping[str, Effect]) -> float:
    working = _with_work(nodes, effects)
    known = expected_seconds(kind, sorted(working), with_work=True)
    return graph.longest_path(
        {node.name: node.needs for node in nodes}, {n.name: known.get(n.name, 0.0) for n in nodes}
    )[1]


def _downtime_seconds(kind: str, nodes: tuple[Node, ...], effects: Mapping[str, Effect]) -> float | None:
    if kind in {OperationKind.TEARDOWN, OperationKind.SUSPEND}:
        return None
    if kind == OperationKind.TAKEOVER:
        return _expected_seconds(kind, nodes, effects)  # it is down as it is, and answers when all is done
    working = _with_work(nodes, effects)
    pace = float(settings.ENGINE_PACE)
    return pace * sum(node.interrupts.total_seconds() for node in nodes if node.name in working)


def _cents(survey: Survey) -> tuple[int, int]:
    """Nothing for what runs on somebody's own cluster, before there is anything, and after there is nothing left."""
    if survey.instance.tenancy == Tenancy.BYOK:
        return 0, 0
    names = [document.get("size", {}).get("name") for document in (survey.previous, survey.wanted)]
    known = dict(Size.objects.filter(pk__in=names).values_list("pk", "infrastructure_cents"))
    before, after = (known.get(name, 0) for name in names)
    return (
        0 if survey.kind == OperationKind.PROVISION else before,
        0 if survey.kind == OperationKind.TEARDOWN else after,
    )
