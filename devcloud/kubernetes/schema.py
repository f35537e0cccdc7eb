"""The shape of every kind, compiled from lightkube's models, which are generated from Kubernetes' own OpenAPI."""

import typing
from dataclasses import dataclass, field
from types import NoneType
from typing import Any

import msgspec

# The fields that tell two items of a list apart, by the item's type: x-kubernetes-list-map-keys of the OpenAPI, which
# the models do not carry. The first one is the merge key of strategic merge patches.
LIST_KEYS: dict[str, tuple[str, ...]] = {
    "Container": ("name",),
    "ContainerPort": ("containerPort", "protocol"),
    "EnvVar": ("name",),
    "EphemeralContainer": ("name",),
    "HostAlias": ("ip",),
    "HostIP": ("ip",),
    "PodIP": ("ip",),
    "ResourceClaim": ("name",),
    "PodResourceClaim": ("name",),
    "PodSchedulingGate": ("name",),
    "ServicePort": ("port", "protocol"),
    "TopologySpreadConstraint": ("topologyKey", "whenUnsatisfiable"),
    "Volume": ("name",),
    "VolumeDevice": ("devicePath",),
    "VolumeMount": ("mountPath",),
    "OwnerReference": ("uid",),
}
KEY_DEFAULTS = {"protocol": "TCP", "whenUnsatisfiable": "DoNotSchedule"}
ATOMIC = {"LabelSelector", "NodeSelector", "ObjectFieldSelector", "SecretKeySelector", "ConfigMapKeySelector"}
ATOMIC |= {"ResourceFieldSelector", "RoleRef", "LocalObjectReference", "ObjectReference", "TypedLocalObjectReference"}
STRING_MAPS = {"labels", "annotations", "matchLabels", "nodeSelector", "stringData"}
SET = ("",)
_SCALARS = {str: "string", int: "integer", bool: "boolean", float: "number"}


@dataclass(slots=True)
class Shape:
    """What may stand at one place of an object."""

    type: str
    name: str = ""
    fields: dict[str, "Shape"] = field(default_factory=dict)
    item: "Shape | None" = None
    required: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    atomic: bool = False

    def child(self, name: str) -> "Shape":
        return self.fields.get(name, ANY) if self.type == "struct" else (self.item or ANY)


ANY = Shape("any")
STRING = Shape("string")


_known: dict[str, Shape] = {}


def shape_of(model: type[Any]) -> Shape:
    """The shape of one of lightkube's models, compiled once."""
    name = f"{model.__module__}.{model.__name__}"
    if name not in _known:
        _known[name] = _compiled(model)
    return _known[name]


def item_key(shape: Shape, item: Any) -> dict[str, Any]:
    """The values that tell this item of a keyed list apart, defaults filled in."""
    return {key: item.get(key, KEY_DEFAULTS.get(key)) for key in sorted(shape.keys)}


def is_keyed(shape: Shape, value: Any) -> bool:
    return bool(shape.keys) and shape.keys != SET and all(isinstance(item, dict) for item in value)


def _compiled(model: type[Any]) -> Shape:
    if model.__name__ == "JSONSchemaProps":  # it holds itself
        return ANY
    hints = typing.get_type_hints(model)
    columns = msgspec.structs.fields(model)
    return Shape(
        "struct",
        name=model.__name__,
        fields={column.encode_name: _field(column.encode_name, hints[column.name]) for column in columns},
        required=tuple(column.encode_name for column in columns if column.required),
        atomic=model.__name__ in ATOMIC,
    )


def _field(name: str, hint: Any) -> Shape:
    hint = _without_none(hint)
    if hint is dict or typing.get_origin(hint) is dict:
        return Shape("map", item=STRING if name in STRING_MAPS else ANY)
    if typing.get_origin(hint) is list:
        return _list(name, typing.get_args(hint)[0])
    if typing.get_origin(hint) is typing.Union:
        return Shape("int_or_string")
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return shape_of(hint)
    return Shape(_SCALARS.get(hint, "any"))


def _list(name: str, item: Any) -> Shape:
    inner = _field("", item)
    if name == "conditions":
        return Shape("list", item=inner, keys=("type",))
    if name in {"imagePullSecrets", "secrets"} and inner.type == "struct":
        return Shape("list", item=inner, keys=("name",))
    if name == "finalizers":
        return Shape("list", item=inner, keys=SET)
    return Shape("list", item=inner, keys=LIST_KEYS.get(inner.name, ()))


def _without_none(hint: Any) -> Any:
    if typing.get_origin(hint) is not typing.Union:
        return hint
    left = tuple(part for part in typing.get_args(hint) if part is not NoneType)
    return left[0] if len(left) == 1 else hint
