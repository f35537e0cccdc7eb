"""Releases are imported with their chart, published to a channel, widened from there, and withdrawn (decision 7)."""

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from portal.core import clock
from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Invalid
from provisioning.fleet.catalogue import chart_for
from provisioning.fleet.charts import Archive, fetch, pin
from provisioning.fleet.releases import GETS
from provisioning.fleet.versions import is_newer, is_well_formed, kind_after, order
from provisioning.models import Channel, Release

Status = Release.Status
LONGEST_VERSION = 40


@dataclass(frozen=True)
class Terms:
    """What is said of a release. An empty kind follows from the version before; a release that is not major is
    compatible with the schema of that version, unless said otherwise.
    """

    kind: str = ""
    notes: str = ""
    minimum_version: str = ""
    schema_is_compatible: bool | None = None
    channel: str = Channel.STABLE


def release_import(
    *, app_version: str, actor: Actor, chart: str = "", chart_version: str = "", terms: Terms | None = None
) -> Release:
    """The release stands as a draft, with its chart fetched and pinned. With the same chart again, nothing changes.

    `chart` is a reference as fleet.charts.fetch reads it; empty: what CHART says. Raises Invalid for what is malformed
    or cannot be fetched, Conflict when the version is known with another chart.
    """
    terms = terms or Terms()
    _check(app_version, terms)
    archive = _fetched(app_version, chart, chart_version)
    with transaction.atomic():
        fields = {**_said(app_version, terms), "chart": pin(archive), "chart_version": archive.version}
        known = Release.objects.select_for_update(of=("self",))
        release, is_new = known.get_or_create(app_version=app_version, defaults=fields)
        if is_new or _is_pinned_now(release, archive):
            details = {"version": app_version, "kind": release.kind, "chart": archive.source, "digest": archive.digest}
            record("release.import", release, actor=actor, details=details)
    return release


def release_publish(*, release: Release, actor: Actor, reason: str = "", channel: str = "") -> Release:
    """It is offered to that channel, or to the one that it was imported for, and to all that are bolder.

    Raises Conflict unless it is a draft with a chart, Invalid for an unknown channel.
    """
    with transaction.atomic():
        locked = _locked(release)
        if locked.status != Status.DRAFT:
            raise Conflict(f"{locked} is {locked.status} already.")
        if locked.chart_id is None:
            raise Conflict(f"{locked} has no chart yet. Import it first.")
        locked.channel = _known(channel or locked.channel)
        locked.status, locked.released_at = Status.PUBLISHED, clock.now()
        locked.save(update_fields=["channel", "status", "released_at"])
        record("release.publish", locked, actor=actor, reason=reason, details={"channel": locked.channel})
    return locked


def release_widen(*, release: Release, channel: str, actor: Actor, reason: str = "") -> Release:
    """A more cautious channel gets it, too. Raises Conflict unless it is published, Invalid when that is not wider."""
    with transaction.atomic():
        locked = _locked(release)
        if locked.status != Status.PUBLISHED:
            raise Conflict(f"{locked} is {locked.status}; only what is published is widened.")
        if channel not in wider_than(locked.channel):
            raise Invalid(f"{locked} goes to {locked.channel} already; {channel} is not wider.", field="channel")
        before, locked.channel = locked.channel, channel
        locked.save(update_fields=["channel"])
        record("release.widen", locked, actor=actor, reason=reason, details={"from": before, "to": channel})
    return locked


def release_withdraw(*, release: Release, actor: Actor, reason: str) -> Release:
    """It is offered to nobody any more, for good; instances that have it stay on it.

    Raises Invalid without a reason, Conflict when it is withdrawn already.
    """
    if not reason.strip():
        raise Invalid("Say why it is withdrawn.", field="reason")
    with transaction.atomic():
        locked = _locked(release)
        if locked.status == Status.WITHDRAWN:
            raise Conflict(f"{locked} is withdrawn already.")
        before, locked.status, locked.withdrawn_because = locked.status, Status.WITHDRAWN, reason.strip()
        locked.save(update_fields=["status", "withdrawn_because"])
        record("release.withdraw", locked, actor=actor, reason=reason, details={"was": before})
    return locked


def wider_than(channel: str) -> list[str]:
    """The channels that a release of this one can be widened to, the next first."""
    return [str(each) for each in GETS[channel] if each != channel]


def _said(app_version: str, terms: Terms) -> dict[str, Any]:
    """The columns of a new release that the terms decide."""
    kind, compatible = terms.kind or kind_after(app_version, _newest_before(app_version)), terms.schema_is_compatible
    return {
        "kind": kind,
        "notes": terms.notes.strip(),
        "minimum_version": terms.minimum_version,
        "schema_is_compatible": kind != Release.Kind.MAJOR if compatible is None else compatible,
        "channel": terms.channel,
    }


def _check(app_version: str, terms: Terms) -> None:
    _check_version(app_version, "app_version")
    if terms.kind and terms.kind not in Release.Kind.values:
        raise Invalid(f"A release is one of {', '.join(Release.Kind.values)}.", field="kind")
    if terms.minimum_version:
        _check_version(terms.minimum_version, "minimum_version")
        if not is_newer(app_version, terms.minimum_version):
            raise Invalid(f"{terms.minimum_version} is not older than {app_version}.", field="minimum_version")
    _known(terms.channel)


def _check_version(version: str, field: str) -> None:
    if not is_well_formed(version) or len(version) > LONGEST_VERSION:
        raise Invalid(f"“{version}” is no version such as 5.11.0 or 6.0.0-rc.1.", field=field)


def _known(channel: str) -> str:
    if not GETS.get(channel):
        raise Invalid(f"A release goes to {', '.join(GETS[Channel.INSIDERS])}.", field="channel")
    return channel


def _fetched(app_version: str, chart: str, chart_version: str) -> Archive:
    reference, usual_version = chart_for(chart_version or app_version, chart)
    return fetch(reference, chart_version or usual_version)


def _newest_before(version: str) -> str | None:
    known = Release.objects.exclude(status=Status.WITHDRAWN).values_list("app_version", flat=True)
    return max((each for each in known if is_newer(version, each)), key=order, default=None)


def _is_pinned_now(release: Release, archive: Archive) -> bool:
    """Whether a release that had no chart has got this one. Raises Conflict for one that has another."""
    if release.chart_id is None:
        release.chart, release.chart_version = pin(archive), archive.version
        release.save(update_fields=["chart", "chart_version"])
        return True
    if release.chart_id != archive.digest:
        raise Conflict(
            f"{release} was imported with another chart ({release.chart_id[:12]}…, now {archive.digest[:12]}…), and a "
            "release stays what it is. Import it as another version.",
            field="chart",
        )
    return False


def _locked(release: Release) -> Release:
    return Release.objects.select_for_update(of=("self",)).get(pk=release.pk)
