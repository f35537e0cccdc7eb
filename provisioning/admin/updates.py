"""What an instance's page says of its updates: how it stands, its window, its hold and rollouts, how it is seen."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from portal.core import clock
from portal.core.admin.words import NOTHING, pill, when
from provisioning.admin.holds import state_of
from provisioning.admin.links import address_of
from provisioning.admin.rollout_words import MEMBER_WORDS, soon
from provisioning.fleet.windows import window_of
from provisioning.health.uptime import open_outages, probes_since
from provisioning.models import Instance, InstanceStatus, RolloutMember
from provisioning.selectors.planned import standing_of_release

SHOWN = ("standing", "window", "held", "rollouts", "outside")
SHOWN_ROLLOUTS = 3
LOOKED_BACK = timedelta(days=30)
LOOKS = {"under way": "under way", "going back": "undoing", "back again": "undone", "planned": "pending"}


class ShowsUpdates:
    """The section “Updates” of the instance's page."""

    def get_fieldsets(self, request: HttpRequest, row: Any = None) -> list[Any]:
        return [*super().get_fieldsets(request, row), ("Updates", {"fields": (SHOWN[:2], SHOWN[2:4], *SHOWN[4:])})]  # type: ignore[misc] # ModelAdmin's

    def get_readonly_fields(self, request: HttpRequest, row: Any = None) -> tuple[str, ...]:
        return (*super().get_readonly_fields(request, row), *SHOWN)  # type: ignore[misc] # ModelAdmin's

    @admin.display(description="Newest release")
    def standing(self, instance: Instance) -> SafeString | str:
        """Why it does not have the newest yet, and when it will. A constant number of queries."""
        if instance.status == InstanceStatus.DELETED:
            return NOTHING
        standing = standing_of_release(instance)
        if not standing.sentence:
            return f"{standing.version}, the newest"
        if standing.expected_at and standing.expected_at > clock.now():
            return format_html("{} Expected {}.", standing.sentence, soon(standing.expected_at))
        return standing.sentence

    @admin.display(description="Maintenance window")
    def window(self, instance: Instance) -> SafeString | str:
        window = window_of(instance)
        day = instance.get_maintenance_weekday_display() if window.weekday is not None else "Any day"
        place = window.zone.rpartition("/")[2].replace("_", " ")
        start, end = window.next(clock.now())
        is_open = window.is_open(clock.now())
        state = format_html("open until {}", soon(end)) if is_open else format_html("opens {}", soon(start))
        hours = f"{day}, {window.hour:02}:00 to {(window.hour + window.hours) % 24:02}:00, {place}"
        return format_html('{}<br><span class="id">{}</span>', hours, state)

    @admin.display(description="Hold")
    def held(self, instance: Instance) -> SafeString | str:
        """It may have the newest release, and be held all the same."""
        hold = instance.holds.filter(ended_at__isnull=True).select_related("release").first()
        if hold is None:
            return NOTHING
        upto = f"pinned to {hold.release}, " if hold.release else ""
        words = '{} <a href="{}" class="link">{}until {}</a><br><span class="id whole">{}</span>'
        return format_html(words, state_of(hold), address_of(hold), upto, when(hold.until), hold.reason)

    @admin.display(description="Rollouts")
    def rollouts(self, instance: Instance) -> SafeString | str:
        """The latest that it is in."""
        members = instance.rollout_memberships.select_related("rollout__release", "stage").order_by("-pk")
        rows = ((_link(member), _state(member), member.stage.name) for member in members[:SHOWN_ROLLOUTS])
        return format_html_join(SafeString("<br>"), '{} {} <span class="id">{}</span>', rows) or NOTHING

    @admin.display(description="Seen from outside")
    def outside(self, instance: Instance) -> SafeString | str:
        """Whether it answers now, and how it did in the last 30 days."""
        since = clock.now() - LOOKED_BACK
        probes, failed = probes_since([(instance.pk, since)])[instance.pk]
        outage = open_outages([instance.pk]).get(instance.pk)
        if not probes and not outage:
            return "It has not been probed yet."
        state: SafeString = pill("answers", look="done")
        if outage:
            state = format_html("{} since {}: {}", pill("down", look="failed"), when(outage.began_at), outage.what)
        share = f"{100 * (1 - failed / probes):.2f} % of {probes:,} probes in 30 days" if probes else ""
        return format_html('{} <span class="id tabular">{}</span>', state, share)


def _link(member: RolloutMember) -> SafeString:
    return format_html('<a href="{}" class="link">{}</a>', address_of(member.rollout), member.rollout)


def _state(member: RolloutMember) -> SafeString:
    word = MEMBER_WORDS[RolloutMember.Status(member.status)]
    return pill(word, look=LOOKS.get(word, ""))
