"""What the server refuses although it is well-formed: names, labels, selectors, resources, immutable fields (422)."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from devcloud.kubernetes import schedules
from devcloud.kubernetes.decoding import missing_fields
from devcloud.kubernetes.failures import JSON, invalid
from devcloud.kubernetes.kinds import Kind
from devcloud.kubernetes.quantities import quantity

Problem = tuple[str, str]

_SUBDOMAIN = re.compile(r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
_LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
_LABEL_VALUE = re.compile(r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$")
_LABEL_KEY = re.compile(r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$")
_DNS_LABEL_KINDS = {"Namespace", "Service"}
_FREE_NAMES = {"rbac.authorization.k8s.io"}
_SECRET_LIMIT = 1024 * 1024
_CRON_JOB_NAME_LIMIT = 52
_MOST_DOMAINS, _LONGEST_DOMAIN = 100, 63
_CONCURRENCY = ("Allow", "Forbid", "Replace")
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character"
)
_STATEFUL_SET_OPEN = (
    "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
)  # fmt: skip


def check_new(kind: Kind, value: JSON) -> None:
    """Refusal (422) unless a fresh object of this kind may be stored."""
    _refuse(kind, value, [*missing_fields(kind, value), *_metadata(kind, value), *_content(kind, value)])


def check_change(kind: Kind, old: JSON, new: JSON) -> None:
    """Refusal (422) unless `old` may become `new`."""
    problems = [*missing_fields(kind, new), *_metadata(kind, new), *_content(kind, new)]
    _refuse(kind, new, [*problems, *_immutable(kind, old, new)])


def _refuse(kind: Kind, value: JSON, problems: list[Problem]) -> None:
    if problems:
        raise invalid(kind.kind, kind.group, value["metadata"].get("name", ""), problems)


def _metadata(kind: Kind, value: JSON) -> Iterator[Problem]:
    metadata = value["metadata"]
    name = metadata["name"]
    pattern, limit = (_LABEL, 63) if kind.kind in _DNS_LABEL_KINDS else (_SUBDOMAIN, 253)
    if kind.group not in _FREE_NAMES and (not pattern.match(name) or len(name) > limit):
        yield "metadata.name", f'Invalid value: "{name}": {_SUBDOMAIN_RULE}'
    yield from _labels(metadata.get("labels", {}), "metadata.labels")


def _labels(labels: JSON, path: str) -> Iterator[Problem]:
    for key, value in labels.items():
        if not _LABEL_KEY.match(key) or len(key.rpartition("/")[2]) > 63:
            yield path, f"Invalid value: \"{key}\": name part must consist of alphanumeric characters, '-', '_' or '.'"
        if len(value) > 63:
            yield path, f'Invalid value: "{value}": must be no more than 63 characters'
        elif not _LABEL_VALUE.match(value):
            yield (
                path,
                f'Invalid value: "{value}": a valid label must consist of alphanumeric characters',
            )


def _content(kind: Kind, value: JSON) -> Iterator[Problem]:
    check = _CONTENT.get(kind.kind)
    if check:
        yield from check(value)


def _workload(value: JSON) -> Iterator[Problem]:
    spec = value["spec"]
    labels = spec.get("template", {}).get("metadata", {}).get("labels", {})
    for key, wanted in spec.get("selector", {}).get("matchLabels", {}).items():
        if labels.get(key) != wanted:
            yield "spec.template.metadata.labels", "Invalid value: `selector` does not match template `labels`"
            break
    yield from _template(value)
    if isinstance(spec.get("replicas"), int) and spec["replicas"] < 0:
        yield "spec.replicas", f"Invalid value: {spec['replicas']}: must be greater than or equal to 0"


def _template(value: JSON) -> Iterator[Problem]:
    claims = [claim["metadata"]["name"] for claim in value["spec"].get("volumeClaimTemplates", [])]
    yield from _pods_of(value["spec"], "spec", claims)


def _pods_of(spec: JSON, path: str, claims: list[str]) -> Iterator[Problem]:
    template = spec.get("template", {})
    yield from _labels(template.get("metadata", {}).get("labels", {}), f"{path}.template.metadata.labels")
    yield from _pod(template.get("spec", {}), f"{path}.template.spec", claims)


def _job(spec: JSON, path: str) -> Iterator[Problem]:
    yield from _pods_of(spec, path, [])
    if spec.get("template", {}).get("spec", {}).get("restartPolicy") not in {"OnFailure", "Never"}:
        yield f"{path}.template.spec.restartPolicy", 'Required value: valid values: "OnFailure", "Never"'


def _cron_job(value: JSON) -> Iterator[Problem]:
    """Its Jobs' names add eleven characters to its own."""
    spec = value["spec"]
    if len(value["metadata"]["name"]) > _CRON_JOB_NAME_LIMIT:
        yield "metadata.name", f"Invalid value: must be no more than {_CRON_JOB_NAME_LIMIT} characters"
    try:
        schedules.parse(str(spec.get("schedule", "")), str(spec.get("timeZone", "")))
    except (ValueError, KeyError) as error:  # a time zone that is none is a KeyError
        yield "spec.schedule", f'Invalid value: "{spec.get("schedule")}": {error}'
    policy = spec.get("concurrencyPolicy", _CONCURRENCY[0])
    if policy not in _CONCURRENCY:
        supported = ", ".join(f'"{each}"' for each in _CONCURRENCY)
        yield "spec.concurrencyPolicy", f'Unsupported value: "{policy}": supported values: {supported}'
    for name in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit", "startingDeadlineSeconds"):
        if spec.get(name, 0) < 0:
            yield f"spec.{name}", f"Invalid value: {spec[name]}: must be greater than or equal to 0"
    yield from _job(spec.get("jobTemplate", {}).get("spec", {}), "spec.jobTemplate.spec")


def _pod(spec: JSON, path: str, claims: list[str]) -> Iterator[Problem]:
    volumes = {volume.get("name") for volume in spec.get("volumes", [])} | set(claims)
    if not spec.get("containers"):
        yield f"{path}.containers", "Required value"
    for group in ("initContainers", "containers"):
        seen = set()
        for index, container in enumerate(spec.get(group, [])):
            here = f"{path}.{group}[{index}]"
            if container.get("name") in seen:
                yield f"{here}.name", f'Duplicate value: "{container["name"]}"'
            seen.add(container.get("name"))
            yield from _container(container, here, volumes)


def _container(container: JSON, path: str, volumes: set[Any]) -> Iterator[Problem]:
    if not container.get("image"):
        yield f"{path}.image", "Required value"
    for index, mount in enumerate(container.get("volumeMounts", [])):
        if mount.get("name") not in volumes:
            yield f"{path}.volumeMounts[{index}].name", f'Not found: "{mount.get("name")}"'
    resources = container.get("resources", {})
    yield from _quantities(resources.get("limits", {}), f"{path}.resources.limits")
    yield from _quantities(resources.get("requests", {}), f"{path}.resources.requests")
    for name, wanted in resources.get("requests", {}).items():
        limit = resources.get("limits", {}).get(name)
        if limit is not None and _is_more(wanted, limit):
            yield (
                f"{path}.resources.requests",
                f'Invalid value: "{wanted}": must be less than or equal to {name} limit of {limit}',
            )


def _quantities(values: JSON, path: str) -> Iterator[Problem]:
    for name, value in values.items():
        try:
            quantity(value)
        except ValueError as error:
            yield f"{path}[{name}]", f'Invalid value: "{value}": {error}'


def _is_more(left: Any, right: Any) -> bool:
    try:
        return quantity(left) > quantity(right)
    except ValueError:
        return False


def _claim(value: JSON) -> Iterator[Problem]:
    requests = value["spec"].get("resources", {}).get("requests", {})
    if "storage" not in requests:
        yield "spec.resources[storage]", "Required value"
    yield from _quantities(requests, "spec.resources.requests")
    if not value["spec"].get("accessModes"):
        yield "spec.accessModes", "Required value: at least 1 access mode is required"


def _service(value: JSON) -> Iterator[Problem]:
    spec = value["spec"]
    if not spec.get("ports") and spec.get("clusterIP") != "None" and spec.get("type") != "ExternalName":
        yield "spec.ports", "Required value"
    if len(spec.get("ports", [])) > 1 and not all(port.get("name") for port in spec["ports"]):
        yield "spec.ports[0].name", "Required value"


def _secret(value: JSON) -> Iterator[Problem]:
    encoded = sum(len(str(inner)) for inner in value.get("data", {}).values())
    plain = sum(len(inner) for inner in value.get("stringData", {}).values())
    if encoded * 3 // 4 + plain > _SECRET_LIMIT:
        yield "data", "Too long: may not be more than 1048576 bytes"


def _ingress(value: JSON) -> Iterator[Problem]:
    spec = value.get("spec", {})
    if not spec.get("rules") and not spec.get("defaultBackend"):
        yield "spec", "Invalid value: either `defaultBackend` or `rules` must be specified"
    for index, rule in enumerate(spec.get("rules", [])):
        host = rule.get("host", "")
        if host and not _SUBDOMAIN.match(host.removeprefix("*.")):
            yield f"spec.rules[{index}].host", f'Invalid value: "{host}": {_SUBDOMAIN_RULE}'


def _certificate(value: JSON) -> Iterator[Problem]:
    """As the custom resource's own definition has it."""
    domains = value.get("spec", {}).get("domains", [])
    if not 1 <= len(domains) <= _MOST_DOMAINS:
        yield "spec.domains", f"Invalid value: it should have from 1 to {_MOST_DOMAINS} items"
    for index, domain in enumerate(domains):
        if not _SUBDOMAIN.match(domain) or len(domain) > _LONGEST_DOMAIN:
            yield f"spec.domains[{index}]", f'Invalid value: "{domain}": no wildcard, no more than 63 characters'


_CONTENT: dict[str, Callable[[JSON], Iterator[Problem]]] = {
    "Deployment": _workload,
    "StatefulSet": _workload,
    "DaemonSet": _workload,
    "ReplicaSet": _workload,
    "Job": lambda value: _job(value["spec"], "spec"),
    "CronJob": _cron_job,
    "Pod": lambda value: _pod(value["spec"], "spec", []),
    "PersistentVolumeClaim": _claim,
    "Service": _service,
    "Secret": _secret,
    "Ingress": _ingress,
    "ManagedCertificate": _certificate,
}


def _immutable(kind: Kind, old: JSON, new: JSON) -> Iterator[Problem]:
    check = _IMMUTABLE.get(kind.kind)
    if check:
        yield from check(old, new)
    elif kind.kind in {"Secret", "ConfigMap"} and old.get("immutable") and (old.get("data") != new.get("data")):
        yield "data", "Forbidden: field is immutable when `immutable` is set"
    if kind.kind == "Secret" and old.get("type") != new.get("type"):
        yield "type", f'Invalid value: "{new.get("type")}": field is immutable'


def _fixed(*fields: str) -> Callable[[JSON, JSON], Iterator[Problem]]:
    def check(old: JSON, new: JSON) -> Iterator[Problem]:
        for field in fields:
            before: Any = old
            after: Any = new
            for part in field.split("."):
                before, after = (before or {}).get(part), (after or {}).get(part)
            if before != after:
                yield field, "Invalid value: field is immutable"

    return check


def _stateful_set(old: JSON, new: JSON) -> Iterator[Problem]:
    if _changed(old, new, but=_STATEFUL_SET_OPEN):
        *most, last = (f"'{field}'" for field in _STATEFUL_SET_OPEN)
        allowed = f"{', '.join(most)} and {last}"
        yield "spec", f"Forbidden: updates to statefulset spec for fields other than {allowed} are forbidden"


def _claim_change(old: JSON, new: JSON) -> Iterator[Problem]:
    before, after = (side["spec"].get("resources", {}).get("requests", {}).get("storage") for side in (old, new))
    if _is_more(before, after):
        yield "spec.resources.requests.storage", "Forbidden: field can not be less than previous value"
    grows = ("resources",) if old.get("status", {}).get("phase") == "Bound" else ()
    if _changed(old, new, but=("volumeName", "volumeAttributesClassName", *grows)):
        allowed = "resources.requests and volumeAttributesClassName for bound claims"
        yield "spec", f"Forbidden: spec is immutable after creation except {allowed}"


def _changed(old: JSON, new: JSON, *, but: tuple[str, ...]) -> bool:
    names = {*old["spec"], *new["spec"]} - set(but)
    return any(old["spec"].get(name) != new["spec"].get(name) for name in names)


_IMMUTABLE: dict[str, Callable[[JSON, JSON], Iterator[Problem]]] = {
    "Deployment": _fixed("spec.selector"),
    "DaemonSet": _fixed("spec.selector"),
    "ReplicaSet": _fixed("spec.selector"),
    "StatefulSet": _stateful_set,
    "Job": _fixed("spec.template", "spec.selector", "spec.completions"),
    "PersistentVolumeClaim": _claim_change,
    "StorageClass": _fixed("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"),
    "RoleBinding": _fixed("roleRef"),
    "ClusterRoleBinding": _fixed("roleRef"),
}
