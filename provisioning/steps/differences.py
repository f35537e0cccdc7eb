"""Where what Google tells of a thing is not what we asked for: only in what we name, for it fills in the rest."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from provisioning.engine.action import Change, Refused

NAMES = ("name", "rangeName", "displayName")  # what tells the elements of a list apart, where all have it
PROJECT = re.compile(r"projects/([^/]+)/(.+)")


def differences(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[Change]:
    """What is named in `wanted` and is not so in `found`, leaf by leaf.

    Fields that only `found` has are the vendor's own. Lists are wanted whole: what is in them beside is a difference.
    Not set is the same as false, zero or empty; 64-bit numbers may be text; a URL is the resource that it leads to.
    """
    return list(_of_mappings(wanted, found, ""))


def touched(changes: Iterable[Change]) -> list[str]:
    """The outermost fields that the changes are in, each once: what an update mask names."""
    return list(dict.fromkeys(re.split(r"[.\[]", change.path, maxsplit=1)[0] for change in changes))


def refuse_fixed(thing: str, changes: Iterable[Change], changeable: Iterable[str], what_to_do: str) -> None:
    """Raises Refused if one of the changes is in none of the fields that Google can change in place."""
    roots = tuple(changeable)
    if fixed := [change for change in changes if not any(_is_within(change.path, root) for root in roots)]:
        sentence = "; ".join(map(str, fixed))
        raise Refused(f"{thing} cannot be changed in place: {sentence}.", what_to_do)


def labelled(found: Mapping[str, str] | None, wanted: Mapping[str, str]) -> dict[str, str]:
    """All labels to write where a write replaces them all: those of others stay."""
    return {**(found or {}), **wanted}


def _is_within(path: str, root: str) -> bool:
    return path == root or path.startswith((f"{root}.", f"{root}["))


def _of_mappings(wanted: Mapping[str, Any], found: Any, path: str) -> Iterator[Change]:
    there = found if isinstance(found, Mapping) else {}
    for name, value in wanted.items():
        yield from _of_values(value, there.get(name), f"{path}.{name}".lstrip("."))


def _of_values(wanted: Any, found: Any, path: str) -> Iterator[Change]:
    if isinstance(wanted, Mapping) and wanted:
        yield from _of_mappings(wanted, found, path)
    elif _is_list(wanted) and _are_things([*wanted, *_listed(found)]):
        yield from _of_lists(wanted, _listed(found), path)
    elif not _is_same(wanted, found):
        yield Change(path, wanted, found)


def _of_lists(wanted: Sequence[Any], found: Sequence[Any], path: str) -> Iterator[Change]:
    """Thing by thing: by name where all have one, else by position."""
    here, there = _by_name(wanted, found) or (dict(enumerate(wanted)), dict(enumerate(found)))
    for label, thing in here.items():
        at = f"{path}[{label}]"
        if label in there:
            yield from _of_values(thing, there[label], at)
        else:
            yield Change(at, thing, None)
    yield from (Change(f"{path}[{label}]", None, thing) for label, thing in there.items() if label not in here)


def _by_name(*lists: Sequence[Any]) -> list[dict[Any, Any]] | None:
    """The things of each list by what names them. None where not all have a name, or two the same."""
    for name in NAMES:
        named = [{thing.get(name): thing for thing in things} for things in lists]
        if all(None not in each and len(each) == len(things) for each, things in zip(named, lists, strict=True)):
            return named
    return None


def _are_things(elements: Sequence[Any]) -> bool:
    return bool(elements) and all(isinstance(element, Mapping) for element in elements)


def _listed(value: Any) -> Sequence[Any]:
    return value if _is_list(value) else ()


def _is_same(wanted: Any, found: Any) -> bool:
    if _is_list(wanted) and _is_list(found):
        return sorted(map(_plain, wanted)) == sorted(map(_plain, found))
    return wanted == found or _plain(wanted) == _plain(found) or _leads_to_the_same(wanted, found)


def _plain(value: Any) -> str:
    """The value as text; "" for all that the vendor leaves out because it is the default."""
    text = value if isinstance(value, str) else "" if not value else str(value)
    return "" if text == "0" else text


def _leads_to_the_same(wanted: Any, found: Any) -> bool:
    """Where we wrote projects/ID/…, Google may write a URL, its short name, or the project's number."""
    if not isinstance(wanted, str) or not isinstance(found, str) or not (ours := PROJECT.fullmatch(wanted)):
        return False
    theirs = PROJECT.search(found)
    if theirs is None:
        return found == wanted.rpartition("/")[2]
    return theirs[2] == ours[2] and (theirs[1] == ours[1] or theirs[1].isdigit())


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)
