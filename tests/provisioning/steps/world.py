"""One instance's cloud, built step by step without an engine: what the workflow's table says, in its order."""

import time
from dataclasses import dataclass, field, replace
from typing import Any

from portal.core import ids
from provisioning.engine.action import Action, AsWanted, Context, Missing, NotYet, Seen, UnderWay
from provisioning.engine.graph import Goal, Node, order
from provisioning.spec import InstanceSpec, SizeSpec
from provisioning.workflows.provision import PROVISION

PATIENCE_SECONDS = 15
GLANCE_SECONDS = 0.02
SMALL = SizeSpec("xs", 50, "e2-highmem-4", 1, 100, "db-custom-1-4096", 20, False, 50, 30, "pd-balanced", 1, 100)


def spec_for_tests(**changes: Any) -> InstanceSpec:
    spec = InstanceSpec(
        id="src-0123456789abcdef0123",
        organization_id="org-0123456789abcdef0123",
        slug="acme",
        domain="acme.sourcegraph.localhost",
        kind="trial",
        tenancy="dedicated",
        cluster_id=None,
        region="us-central1",
        app_version="5.11.0",
        chart_version="5.11.0",
        architecture="1.1",
        features=(),
        admin_email="alice@acme.example",
        size=SMALL,
    )
    return replace(spec, **changes)


@dataclass
class World:
    """Steps are taken under one operation; `generation` rises when a person retries."""

    spec: InstanceSpec
    generation: int = 0
    operation: str = field(default_factory=ids.operation_id)
    outputs: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Any] = field(default_factory=dict)

    def context(self, step: str = "step") -> Context:
        return Context(self.operation, step, self.generation, self.spec, self.outputs, inputs=self.inputs)

    def build(self, *names: str) -> None:
        """These steps of provision stand, and all that they need."""
        for node in _closure(names, self.spec.tenancy):
            if node.name not in self.outputs:
                self.outputs[node.name] = dict(self.reach(node.action, node.name))

    def reach(self, action: Action, step: str = "step", goal: Goal = Goal.PRESENT) -> Any:
        """The action's goal is reached; answers its outputs. Refused and errors come through."""
        until = time.monotonic() + PATIENCE_SECONDS
        seen: Seen | NotYet = Missing()
        while time.monotonic() < until:
            try:
                seen = action.look(self.context(step))
                if goal is Goal.PRESENT and isinstance(seen, AsWanted):
                    return seen.outputs
                if goal is Goal.ABSENT and isinstance(seen, Missing):
                    return {}
                if not isinstance(seen, UnderWay):
                    deed = action.make if goal is Goal.PRESENT else action.drop
                    deed(self.context(step))
                    continue
            except NotYet as not_yet:
                seen = not_yet
            time.sleep(GLANCE_SECONDS)
        raise AssertionError(f"{action.title()} did not get there: {seen}")

    def drop(self, action: Action, step: str = "step") -> None:
        self.reach(action, step, Goal.ABSENT)


def _closure(names: tuple[str, ...], tenancy: str) -> list[Node]:
    nodes = {node.name: node for node in PROVISION.for_tenancy(tenancy)}
    wanted, open_ends = set[str](), list(names)
    while open_ends:
        name = open_ends.pop()
        if name not in wanted:
            wanted.add(name)
            open_ends += nodes[name].needs
    return order([nodes[name] for name in nodes if name in wanted])
