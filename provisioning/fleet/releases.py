"""Which releases there are for whom, and the way from one version to another."""

from collections.abc import Sequence
from typing import Final

from portal.core.errors import Invalid
from provisioning.fleet.versions import is_newer, order
from provisioning.models import Channel, Release

# A release goes to a channel and to all that are bolder; what is paused gets none.
GETS: Final[dict[str, tuple[str, ...]]] = {
    Channel.INSIDERS: (Channel.INSIDERS, Channel.EARLY, Channel.STABLE),
    Channel.EARLY: (Channel.EARLY, Channel.STABLE),
    Channel.STABLE: (Channel.STABLE,),
    Channel.PAUSED: (),
}
PUBLISHED, WITHDRAWN = Release.Status.PUBLISHED, Release.Status.WITHDRAWN


def offered_to(channel: str) -> list[Release]:
    """The published releases that this channel gets, newest version first. One query."""
    found = Release.objects.filter(status=PUBLISHED, channel__in=GETS[channel])
    return sorted(found, key=lambda release: order(release.app_version), reverse=True)


def newest_for(channel: str) -> Release | None:
    """What this channel's instances should be of."""
    return next(iter(offered_to(channel)), None)


def way(version: str, to: Release) -> list[Release]:
    """The releases that lead from that version to this one, in order, itself the last: the fewest that do. One query.

    Stops are published to whoever gets the last one. Raises Invalid when it is not newer, or when no stop leads there.
    """
    if not is_newer(to.app_version, version):
        raise Invalid(f"{to.app_version} is not newer than {version}.", field="release")
    legs = [to] if is_direct(version, to) else _legs(version, to, _published())
    if not legs:
        raise Invalid(
            f"{to.app_version} can be reached from {to.minimum_version} on, and no published release leads there from "
            f"{version}. Publish one that does.",
            field="release",
        )
    return legs


def ways_from(version: str) -> list[list[Release]]:
    """The way to each published release that can be reached, the newest first. One query."""
    published = _published()
    ahead = [release for release in published if is_newer(release.app_version, version)]
    return [legs for to in ahead if (legs := _legs(version, to, published))]


def is_direct(version: str, release: Release) -> bool:
    """Whether that version can be upgraded to the release without a stop."""
    return not release.minimum_version or not is_newer(release.minimum_version, version)


def crosses_incompatible(version_from: str, version_to: str) -> bool:
    """Whether a release on the way from one version up to the other does not let the one before run on its schema."""
    found = Release.objects.filter(status__in=[PUBLISHED, WITHDRAWN], schema_is_compatible=False)
    versions = found.values_list("app_version", flat=True)
    return any(is_newer(each, version_from) and not is_newer(each, version_to) for each in versions)


def _published() -> list[Release]:
    """Newest version first."""
    found = Release.objects.filter(status=PUBLISHED).defer("notes")
    return sorted(found, key=lambda release: order(release.app_version), reverse=True)


def _legs(version: str, to: Release, published: Sequence[Release]) -> list[Release]:
    """None when there is no way. The newest stop each time: whatever an older one leads to, a newer one does, too."""
    before = [each for each in published if is_newer(to.app_version, each.app_version)]
    stops = [each for each in before if each.channel in GETS[to.channel]]
    legs: list[Release] = []
    while not is_direct(version, to):
        stop = next((each for each in stops if is_newer(each.app_version, version) and is_direct(version, each)), None)
        if stop is None:
            return []
        legs.append(stop)
        version = stop.app_version
    return [*legs, to]
