"""What an instance follows and when it may be changed, as its people choose it."""

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import Any

from django import forms
from django.conf import settings

from portal.web.forms import ServiceForm
from portal.web.wording import hours_of, place_of
from provisioning.fleet.windows import zone_of
from provisioning.models import Channel, Instance, Weekday
from provisioning.services.maintenance import FOR_CUSTOMERS, time_zones

CHANNEL_NOTES = {
    Channel.INSIDERS: "Every build, before anybody else. It is ours to give: once you leave it, ask us to come back.",
    Channel.EARLY: "Releases as soon as they are out. You have new things first, and now and then meet a flaw first.",
    Channel.STABLE: "Releases that have proven themselves on the early channel. The right choice for most.",
    Channel.PAUSED: "We have paused the updates of this instance. Talk to us to have them again.",
}
ANY_DAY = ""
NO_MOMENT = "Choose one of the moments in the list."
Zones = list[tuple[str, list[tuple[str, str]]]]


class MaintenanceForm(ServiceForm):
    """Bound to an instance: whatever that has now is among the choices."""

    channel = forms.ChoiceField(label="Channel", widget=forms.RadioSelect)
    weekday = forms.TypedChoiceField(
        label="Day",
        required=False,
        choices=[(ANY_DAY, "Any day"), *((str(day.value), day.label) for day in Weekday)],
        coerce=int,
        empty_value=None,
    )
    hour = forms.TypedChoiceField(label="Hours", coerce=int)
    time_zone = forms.ChoiceField(label="Time zone", required=False)

    def __init__(self, instance: Instance, data: Any = None) -> None:
        super().__init__(
            data,
            initial={
                "channel": instance.channel,
                "weekday": ANY_DAY if instance.maintenance_weekday is None else str(instance.maintenance_weekday),
                "hour": str(instance.maintenance_hour),
                "time_zone": instance.time_zone,
            },
        )
        channels = [Channel(instance.channel)] if instance.channel == Channel.PAUSED else _channels(instance)
        self._offer("channel", [(channel.value, channel.label) for channel in channels])
        self._offer("hour", [(str(hour), hours_of(hour, settings.MAINTENANCE_HOURS)) for hour in range(24)])
        self._offer("time_zone", [("", f"As its region: {place_of(zone_of(instance.region))}"), *zones()])

    def channels(self) -> Iterator[tuple[Any, str]]:
        """Each choice of a channel with what it means."""
        return ((choice, CHANNEL_NOTES[Channel(choice.data["value"])]) for choice in self["channel"])

    def _offer(self, name: str, choices: Any) -> None:
        field = self.fields[name]
        if isinstance(field, forms.ChoiceField):
            field.choices = choices


class PostponeForm(forms.Form):
    """The moment that an update is put off to; empty: it is not put off."""

    until = forms.CharField(required=False, max_length=40)

    def clean_until(self) -> datetime | None:
        text = self.cleaned_data["until"]
        try:
            moment = datetime.fromisoformat(text) if text else None
        except ValueError:
            raise forms.ValidationError(NO_MOMENT) from None
        if moment and moment.tzinfo is None:
            raise forms.ValidationError(NO_MOMENT)
        return moment


@cache
def zones() -> Zones:
    """The time zones to choose from, by continent."""
    groups = groupby(time_zones(), key=lambda name: name.partition("/")[0])
    return [(continent, [(name, _label(name)) for name in names]) for continent, names in groups]


def _label(name: str) -> str:
    return name.partition("/")[2].replace("_", " ").replace("/", ", ") or name


def _channels(instance: Instance) -> list[Channel]:
    """Early and stable; and what it has, where that is another."""
    ours = [] if instance.channel in FOR_CUSTOMERS else [Channel(instance.channel)]
    return [*ours, *FOR_CUSTOMERS]
