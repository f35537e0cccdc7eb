"""Who may reach the instance: a security policy of Cloud Armor at its load balancer, from the customer's allow list.

The load balancer's controller takes to the policy that the BackendConfig names (provisioning/steps/values.py). Some of
its versions let go of it when that names none any more, others leave it as it is: so it is taken off here, too.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from provisioning.clients.application import PASS_HEADER
from provisioning.clients.google import NotFound, api, execute, pages
from provisioning.engine.action import AsWanted, Change, Context, Differs, NotYet, Seen
from provisioning.fleet.details import ADDRESSES, MOST_ADDRESSES
from provisioning.fleet.features import ALLOW_LIST
from provisioning.steps import names
from provisioning.steps.compute import ComputeResource
from provisioning.steps.differences import differences
from provisioning.steps.google import changed
from provisioning.steps.parts import PartOfFeature
from provisioning.steps.reaching import make_probe_pass, probe_pass

PASS_PRIORITY, FIRST_PRIORITY, LAST_PRIORITY = 1000, 2000, 2**31 - 1
RANGES_A_RULE: Final = 10  # Google's own limit for a rule of addresses
ADDRESS_PRIORITIES: Final = range(FIRST_PRIORITY, FIRST_PRIORITY + -(-MOST_ADDRESSES // RANGES_A_RULE))
ALLOW, DENY = "allow", "deny(403)"
OURS = "the portal's pass"  # in place of the rule's expression, which has the secret in it

Rule = dict[str, Any]


class SecurityPolicy(ComputeResource):
    """Address allow list

    Let in are the addresses that the customer has named and, by a header, the portal's prober and Google's uptime
    check; nobody else is. The load balancer's own health checks do not pass here.
    """

    collection, argument, name = "securityPolicies", "securityPolicy", names.ALLOW_LIST

    def body(self, context: Context) -> dict[str, Any]:
        return {
            "type": "CLOUD_ARMOR",
            "description": f"Who may reach the Sourcegraph instance {context.spec.id}",
            "labels": context.spec.labels,
        }

    def create(self, context: Context) -> str:
        """Who is to be let in is let in before anybody is shut out."""
        if probe_pass(context.spec) is None:
            make_probe_pass(context.spec)
            return "generated the portal's pass"
        try:
            found = self._found(context)
        except NotFound:
            return self._insert(context)
        changes = super()._changes(context, found)
        if any(not change.path.startswith("labels") for change in changes):
            return super().create(context)  # which refuses what is fixed
        if changes:
            return changed(context, self.set_labels(context, found), changes, self._operation_in(context))
        return self._change_rule(context, found)

    def remove(self, context: Context) -> str:
        """The load balancer lets go of it first: it is in use as long as one has it."""
        self._found(context)
        for service in _services_with_policy(context):
            execute(_services().setSecurityPolicy(project=context.spec.id, backendService=service, body={}))
            return "asked the load balancer to let everybody in"
        return super().remove(context)

    def _insert_body(self, context: Context) -> dict[str, Any]:
        return {**super()._insert_body(context), "rules": list(_rules(context, {}).values())}

    def _changes(self, context: Context, found: dict[str, Any]) -> list[Change]:
        there = _rules_of(found)
        return [*super()._changes(context, found), *_changes_of_rules(_rules(context, there), there)]

    def _change_rule(self, context: Context, found: dict[str, Any]) -> str:
        """One rule is as wanted that was not: new ones first, those that are wanted no longer last."""
        there = _rules_of(found)
        wanted = _rules(context, there)
        changes = sorted(_changes_of_rules(wanted, there), key=lambda change: (not change.wanted, bool(change.found)))
        if not changes:
            return "found it as wanted"
        priority = int(changes[0].path.removeprefix("rules[").removesuffix("]"))
        place = {**self._place(context), self.argument: self.name}
        if priority not in there:
            request = self._resources().addRule(**place, body=wanted[priority])
        elif priority in wanted:
            request = self._resources().patchRule(**place, priority=priority, body=wanted[priority])
        else:
            request = self._resources().removeRule(**place, priority=priority)
        return changed(context, request, changes[:1], self._operation_in(context))


class AllowList(PartOfFeature, SecurityPolicy):
    """Address allow list"""

    part = ALLOW_LIST


class AllowListInForce(PartOfFeature, SecurityPolicy):
    """Allow list in force

    The load balancer has taken to it; where no feature asks for it any more, it is gone.
    """

    part = ALLOW_LIST

    def see(self, context: Context) -> Seen:
        if not context.spec.has_part(ALLOW_LIST):
            return super().see(context)
        service = next(_services_with_policy(context), None)
        return AsWanted({"backend_service": service}) if service else Differs("the load balancer does not ask it yet")

    def create(self, context: Context) -> str:  # noqa: ARG002 - its controller does it
        raise NotYet("the load balancer to take to the allow list")


def _rules(context: Context, there: Mapping[int, Rule]) -> dict[int, Rule]:
    """By priority, the order in which they are asked; without the pass while there is none."""
    placed = _placed(context.spec.details_of(ALLOW_LIST).get(ADDRESSES, ()), there)
    rules = [_rule(each, ALLOW, _ranges(some), "The customer's addresses") for each, some in placed.items()]
    rules.append(_rule(LAST_PRIORITY, DENY, _ranges(["*"]), "Nobody else"))
    if (value := probe_pass(context.spec)) is not None:
        expression = f"request.headers['{PASS_HEADER.lower()}'] == '{value}'"
        rules.append(_rule(PASS_PRIORITY, ALLOW, {"expr": {"expression": expression}}, "The portal and its checks"))
    return {rule["priority"]: rule for rule in rules}


def _placed(addresses: Iterable[str], there: Mapping[int, Rule]) -> dict[int, list[str]]:
    """Which addresses go into which rule. Those that are in one stay in it, so that nobody is shut out in between."""
    left, placed = list(dict.fromkeys(addresses)), dict[int, list[str]]()
    for priority in ADDRESS_PRIORITIES:
        placed[priority] = [each for each in _ranges_of(there.get(priority)) if each in left]
        left = [each for each in left if each not in placed[priority]]
    for priority in ADDRESS_PRIORITIES:
        room = RANGES_A_RULE - len(placed[priority])
        placed[priority] += left[:room]
        left = left[room:]
    return {priority: some for priority, some in placed.items() if some}


def _ranges_of(rule: Rule | None) -> list[str]:
    return list((rule or {}).get("match", {}).get("config", {}).get("srcIpRanges", ()))


def _ranges(addresses: Any) -> Rule:
    return {"versionedExpr": "SRC_IPS_V1", "config": {"srcIpRanges": list(addresses)}}


def _rule(priority: int, action: str, match: Rule, description: str) -> Rule:
    return {"priority": priority, "action": action, "preview": False, "match": match, "description": description}


def _rules_of(policy: Mapping[str, Any]) -> dict[int, Rule]:
    return {rule["priority"]: rule for rule in policy.get("rules", ())}


def _changes_of_rules(wanted: Mapping[int, Rule], there: Mapping[int, Rule]) -> list[Change]:
    """Rule by rule. What is said of them is written down and shown: so never the secret."""
    return [
        Change(f"rules[{priority}]", _said(wanted.get(priority)), _said(there.get(priority)))
        for priority in sorted({*wanted, *there})
        if priority not in wanted or priority not in there or differences(wanted[priority], there[priority])
    ]


def _said(rule: Rule | None) -> str | None:
    if rule is None:
        return None
    return f"{rule['action']} {', '.join(_ranges_of(rule)) or OURS}"


def _services_with_policy(context: Context) -> Iterator[str]:
    """The names of the load balancer's backend services that ask our policy. The project is the instance's alone."""
    listing = pages(_services(), _services().list(project=context.spec.id))
    for page in listing:
        for service in page.get("items", ()):
            if service.get("securityPolicy", "").endswith(f"/securityPolicies/{names.ALLOW_LIST}"):
                yield str(service["name"])


def _services() -> Any:
    return api("compute", "v1").backendServices()
