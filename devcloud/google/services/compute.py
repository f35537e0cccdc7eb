"""Compute Engine: one table of kinds, and the verbs that all of them share."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from devcloud.clock import rfc3339
from devcloud.google import errors, operations, resources
from devcloud.google.call import Call, Handler, Json, implements
from devcloud.google.operation_forms import link, write
from devcloud.google.operations import Work
from devcloud.google.regions import REGIONS, zones

REQUESTS = "compute.requests"

Complete = Callable[[Call, str, Json], Json]


@dataclass(frozen=True)
class Kind:
    """A kind of compute resource. `place` is global, regions or zones; `duration` and its delete. twin name how long
    making and deleting take. `complete` checks a new body and returns it with what Google fills in.
    """

    collection: str
    noun: str
    place: str
    duration: str
    deleting: str
    complete: Complete | None = None
    check_deletable: Callable[[Call, str], None] | None = None
    deleted: str = "gone"
    verbs: tuple[str, ...] = ("insert", "get", "list", "delete")
    patchable: frozenset[str] = frozenset()

    @property
    def store(self) -> str:
        return f"compute.{self.collection}"

    @property
    def json_kind(self) -> str:
        return f"compute#{self.noun}"


def provide(kind: Kind) -> None:
    """The methods of this kind are answered."""
    verbs: dict[str, Callable[[Call, Kind], Json]] = {
        "insert": _insert,
        "get": _get,
        "list": _list,
        "aggregatedList": _aggregated_list,
        "patch": _patch,
        "setLabels": _set_labels,
        "delete": _delete,
    }
    for verb in kind.verbs:
        implements(f"compute.{kind.collection}.{verb}")(_bound(verbs[verb], kind))


def _bound(function: Callable[[Call, Kind], Json], kind: Kind) -> Handler:
    return lambda call: function(call, kind)


def prefix(call: Call, place: str) -> str:
    """The start of full names in the call's project and place."""
    if place == "global":
        return f"projects/{call.project}/global"
    return f"projects/{call.project}/{place}/{call[place.removesuffix('s')]}"


def relative(reference: str) -> str:
    """A resource's full name, from a URL or a partial one: projects/p/global/networks/n."""
    return "projects/" + reference.rpartition("projects/")[2] if "projects/" in reference else reference


def operate(call: Call, kind: str, target: str, seconds: float, outcome: tuple[str, Json]) -> Json:
    """The compute operation is under way; a request id makes the same request the same operation."""
    place = "/".join(target.split("/")[2:4]) if target.split("/")[2] != "global" else "global"
    failure = ("gone", outcome[1]) if kind == "insert" else None
    work = Work(
        name=f"projects/{call.project}/{place}/operations/{operations.new_name()}",
        kind=kind,
        target=target,
        seconds=seconds,
        outcome=outcome,
        failure=failure,
        details={"request_id": call.get("requestId", "")},
    )
    record = operations.start(call, work)
    if request_id := call.get("requestId"):
        call.cloud.store.put(REQUESTS, f"{call.project} {request_id}", {"operation": record["name"]})
    return write(call, record)


def repeated(call: Call) -> Json | None:
    """The operation that an earlier call with the same request id has started."""
    request_id = call.get("requestId")
    if request_id is None:
        return None
    if not _is_request_id(request_id):
        raise errors.invalid(f"Invalid value for field 'requestId': '{request_id}'. Must be a valid UUID.", "requestId")
    earlier = call.cloud.store.get(REQUESTS, f"{call.project} {request_id}")
    record = operations.find(call.cloud, "compute", earlier["operation"]) if earlier else None
    return write(call, record) if record else None


def _is_request_id(text: str) -> bool:
    try:
        return UUID(text).int != 0
    except ValueError:
        return False


def _name(call: Call, kind: Kind) -> str:
    parameter = next(name for name in (kind.noun, "resourceId", "address", "resource") if name in call.parameters)
    return f"{prefix(call, kind.place)}/{_segment(kind)}/{call[parameter]}"


def _segment(kind: Kind) -> str:
    """GlobalAddresses are addresses in a global place."""
    return "addresses" if kind.collection == "globalAddresses" else kind.collection


def _insert(call: Call, kind: Kind) -> Json:
    if earlier := repeated(call):
        return earlier
    check_place(call)
    name = f"{prefix(call, kind.place)}/{_segment(kind)}/{call.body['name']}"
    if call.cloud.store.get(kind.store, name):
        raise errors.taken(name)
    body = {
        **_with_network(call, call.body),
        "kind": kind.json_kind,
        "id": resources.new_id(),
        "creationTimestamp": rfc3339(call.at),
        "selfLink": link(call, name),
    }
    if "setLabels" in kind.verbs:
        body |= {"labels": {}, "labelFingerprint": resources.etag()}  # an insert takes none
    if kind.place != "global":
        place = call[kind.place.removesuffix("s")]
        body[kind.place.removesuffix("s")] = link(call, f"projects/{call.project}/{kind.place}/{place}")
    if kind.complete:
        body = kind.complete(call, name, body)
    seconds = call.cloud.profile.seconds(kind.duration)
    resources.add(call, kind.store, name, body, seconds=seconds, invisible=True)
    return operate(call, "insert", name, seconds, operations.changed(kind.store, name))


def _get(call: Call, kind: Kind) -> Json:
    return resources.need(call, kind.store, _name(call, kind))


def _list(call: Call, kind: Kind) -> Json:
    start = f"{prefix(call, kind.place)}/{_segment(kind)}/"
    return {"kind": f"{kind.json_kind}List", **resources.page(call, "items", resources.below(call, kind.store, start))}


def _aggregated_list(call: Call, kind: Kind) -> Json:
    """Every scope is an entry, empty ones with a warning, as Google has it."""
    scopes = ["global", *(f"regions/{region}" for region in REGIONS)]
    if kind.place == "zones":
        scopes = [f"zones/{zone}" for region in REGIONS for zone in zones(region)]
    found = resources.page(call, "items", resources.below(call, kind.store, f"projects/{call.project}/"))
    items: Json = {scope: {} for scope in scopes}
    for body in found.get("items", []):
        scope = body["selfLink"].rpartition(f"projects/{call.project}/")[2].rpartition(f"/{_segment(kind)}/")[0]
        items.setdefault(scope, {}).setdefault(kind.collection, []).append(body)
    for scope, entry in items.items():
        if not entry:
            message = f"There are no results for scope '{scope}' on this page."
            entry["warning"] = {"code": "NO_RESULTS_ON_PAGE", "message": message}
    return {**found, "kind": f"{kind.json_kind}AggregatedList", "items": items}


def _patch(call: Call, kind: Kind) -> Json:
    """What is given is changed and the rest stays. Where the resource has a fingerprint, the call must know it."""
    if earlier := repeated(call):
        return earlier
    name = _name(call, kind)
    held = resources.need(call, kind.store, name)
    resources.need_ready(call, kind.store, name, kind.noun)
    _check_fingerprint(held, call.body, "fingerprint")
    wanted = {field: value for field, value in _with_network(call, call.body).items() if field != "fingerprint"}
    for field, value in wanted.items():
        if field not in kind.patchable and value != held.get(field):
            raise errors.invalid(f"Invalid value for field 'resource.{field}': it cannot be changed.", field)
    body = {**held, **wanted}
    changes = kind.complete(call, name, body) if kind.complete else body
    return _change(call, kind, "patch", name, _refreshed(changes, "fingerprint"))


def _set_labels(call: Call, kind: Kind) -> Json:
    """All labels are the given ones."""
    name = _name(call, kind)
    held = resources.need(call, kind.store, name)
    resources.need_ready(call, kind.store, name, kind.noun)
    _check_fingerprint(held, call.body, "labelFingerprint")
    labels = {**held, "labels": call.body.get("labels", {})}
    return _change(call, kind, "setLabels", name, _refreshed(labels, "labelFingerprint"))


def _change(call: Call, kind: Kind, operation: str, name: str, changes: Json) -> Json:
    seconds = call.cloud.profile.seconds(kind.duration)
    return operate(call, operation, name, seconds, operations.changed(kind.store, name, **changes))


def _check_fingerprint(held: Json, body: Json, field: str) -> None:
    if field in held and body.get(field) != held[field]:
        raise errors.GoogleError(412, "conditionNotMet", f"Labels or fields were changed: {field} does not match.")


def _refreshed(body: Json, field: str) -> Json:
    return {**body, field: resources.etag()} if field in body else body


def _with_network(call: Call, body: Json) -> Json:
    """References are URLs in every answer, whatever the caller wrote."""
    network = body.get("network")
    return {**body, "network": link(call, relative(network))} if network else body


def _delete(call: Call, kind: Kind) -> Json:
    if earlier := repeated(call):
        return earlier
    name = _name(call, kind)
    resources.need(call, kind.store, name)
    resources.need_ready(call, kind.store, name, kind.noun)
    if kind.check_deletable:
        kind.check_deletable(call, name)
    arguments = {"collection": kind.store, "name": name}
    return operate(call, "delete", name, call.cloud.profile.seconds(kind.deleting), (kind.deleted, arguments))


def check_place(call: Call) -> None:
    """Raises GoogleError 400 for a region or zone that isn't there."""
    region, zone = call.get("region"), call.get("zone")
    if (region and region not in REGIONS) or (zone and zone not in zones(zone.rpartition("-")[0])):
        raise errors.invalid(f"Invalid value for field 'region': '{region or zone}'. Unknown region or zone.", "region")
