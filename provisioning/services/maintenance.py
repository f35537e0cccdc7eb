"""What an instance follows, and when it may be changed: its channel and its maintenance window."""

from functools import cache
from zoneinfo import available_timezones

from django.db import transaction

from portal.core.audit import Actor, record
from portal.core.errors import Conflict, Forbidden, Invalid
from provisioning.models import Channel, Instance, InstanceStatus, Weekday

FOR_CUSTOMERS = (Channel.EARLY, Channel.STABLE)
FIELDS = ("channel", "maintenance_weekday", "maintenance_hour", "time_zone")


def maintenance_set(
    *, instance: Instance, channel: str, weekday: int | None, hour: int, time_zone: str, actor: Actor
) -> Instance:
    """The instance follows that channel, and is changed only in that window.

    `weekday` None is any night, `time_zone` "" the region's. Staff may choose any channel; customers early or stable,
    and not while we have paused it (Forbidden). Raises Invalid, or Conflict for a deleted instance.
    """
    _check(channel, weekday, hour, time_zone)
    with transaction.atomic():
        row = Instance.objects.select_for_update().get(pk=instance.pk)
        if row.status == InstanceStatus.DELETED:
            raise Conflict("This instance is deleted.")
        _check_channel(row, channel, actor)
        wanted = dict(zip(FIELDS, (channel, weekday, hour, time_zone), strict=True))
        changes = {name: [getattr(row, name), value] for name, value in wanted.items() if getattr(row, name) != value}
        for name, value in wanted.items():
            setattr(row, name, value)
        if changes:
            row.save(update_fields=list(changes))
            _tell(row, changes, actor)
    return row


@cache
def time_zones() -> tuple[str, ...]:
    """The names to choose from, sorted: places, and UTC."""
    places = (name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix", "right")))
    return ("UTC", *sorted(places))


def _check(channel: str, weekday: int | None, hour: int, time_zone: str) -> None:
    if channel not in Channel.values:
        raise Invalid("Choose one of the channels in the list.", field="channel")
    if weekday is not None and weekday not in Weekday.values:
        raise Invalid("Choose a day of the week, or any.", field="weekday")
    if not 0 <= hour <= 23:
        raise Invalid("The hour is one of 0 to 23.", field="hour")
    if time_zone and time_zone not in time_zones():
        raise Invalid("Choose one of the time zones in the list.", field="time_zone")


def _check_channel(instance: Instance, channel: str, actor: Actor) -> None:
    is_ours = actor.user is not None and actor.user.is_staff
    if is_ours or channel == instance.channel:
        return
    if instance.channel == Channel.PAUSED:
        raise Forbidden("We have paused the upgrades of this instance. Talk to us to have them again.", field="channel")
    if channel not in FOR_CUSTOMERS:
        raise Forbidden("Choose early or stable. Talk to us about the others.", field="channel")


def _tell(instance: Instance, changes: dict[str, list[object]], actor: Actor) -> None:
    record(
        "instance.maintenance",
        instance,
        organization_id=instance.organization_id,
        actor=actor,
        details={"changes": changes},
    )
