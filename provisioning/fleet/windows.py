"""When an instance may be changed: its weekly hours, in its own time zone, and how long something has rested."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings

from provisioning.fleet.standby import other_region
from provisioning.models import Instance, Region

# Where the people of a region are, unless they say otherwise.
ZONES: Final[dict[str, str]] = {
    Region.US_CENTRAL: "America/Chicago",
    Region.EUROPE_WEST3: "Europe/Berlin",
    Region.EUROPE_WEST2: "Europe/London",
    Region.ASIA_NORTHEAST: "Asia/Tokyo",
    Region.AUSTRALIA: "Australia/Sydney",
}
A_DAY = timedelta(days=1)
SATURDAY = 5


@dataclass(frozen=True)
class Window:
    """Some hours from `hour` on, on a weekday (0 is Monday; None: every day), by the clock on the wall of `zone`.

    It lasts its hours in real time. Where the clock leaps over its beginning, it begins that much later on the clock;
    where the hour comes twice, it begins with the first.
    """

    weekday: int | None
    hour: int
    zone: str
    hours: int = 4

    def next(self, after: datetime) -> tuple[datetime, datetime]:
        """Beginning and end, in UTC, of the window that is open then, or else of the next."""
        today = after.astimezone(ZoneInfo(self.zone)).date()
        day = today - timedelta(days=1 + self.hours // 24)
        while True:
            start = self._opens(day)
            end = start + timedelta(hours=self.hours)
            if end > after and self.weekday in {None, day.weekday()}:
                return start, end
            day += A_DAY

    def is_open(self, at: datetime) -> bool:
        return self.next(at)[0] <= at

    def first_chance(self, after: datetime) -> datetime:
        """The first moment within a window that is not before `after`."""
        return max(after, self.next(after)[0])

    def _opens(self, day: date) -> datetime:
        return datetime.combine(day, time(self.hour), ZoneInfo(self.zone)).astimezone(UTC)


def window_of(instance: Instance) -> Window:
    """The maintenance window of an instance."""
    return window_from(
        instance.maintenance_weekday, instance.maintenance_hour, instance.time_zone, region=instance.region
    )


def window_from(weekday: int | None, hour: int, time_zone: str, *, region: str) -> Window:
    """The window that these columns of an instance tell; an empty time zone is the region's."""
    return Window(weekday, hour, time_zone or zone_of(region), settings.MAINTENANCE_HOURS)


def rested_at(since: datetime, hours: float, *, skips_weekends: bool) -> datetime:
    """When so many hours have passed; on request only those of Monday to Friday, UTC."""
    if not skips_weekends:
        return since + timedelta(hours=hours)
    at, left = since.astimezone(UTC), timedelta(hours=hours)
    while True:
        midnight = datetime.combine(at.date() + A_DAY, time(), UTC)
        if at.weekday() < SATURDAY:
            if left <= midnight - at:
                return at + left
            left -= midnight - at
        at = midnight


def in_words(at: datetime, zone: str) -> str:
    """For example “Tuesday 1 December, 14:00 Berlin time”: it stays right, however late it is read."""
    there = at.astimezone(ZoneInfo(zone))
    place = zone.rpartition("/")[2].replace("_", " ")
    return f"{there:%A} {there.day} {there:%B, %H:%M} {place if place == 'UTC' else f'{place} time'}"


def day_in_words(at: datetime, zone: str) -> str:
    """For example “3 December”."""
    there = at.astimezone(ZoneInfo(zone))
    return f"{there.day} {there:%B}"


def zone_of(region: str) -> str:
    """The time zone of a region. Where a standby has taken over, people are where they were."""
    return ZONES.get(region) or ZONES[other_region(region)]
