"""Small words for templates."""

from datetime import datetime

from django import template
from django.forms import BoundField
from django.templatetags.static import static
from django.utils.dateformat import format as format_date
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from billing.terms.money import money
from portal.core import clock
from portal.web import details, wording
from provisioning.fleet.windows import in_words

register = template.Library()
register.filter("asked_for", details.asked_for)
register.filter("money", money)
register.filter("clock_time", wording.clock_time)
register.filter("roughly", wording.roughly)
MINUTE, HOUR, DAY = 60, 3_600, 86_400
# In this order: Edge calls itself Chrome too, and Chrome calls itself Safari.
BROWSERS = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrom", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


@register.simple_tag
def icon(name: str, classes: str = "", *, label: str = "") -> SafeString:
    """One icon of the sprite. Without a label it is decoration and hidden from screen readers."""
    meaning = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html('<svg class="icon {}" {}><use href="{}#{}"/></svg>', classes, meaning, static("icons.svg"), name)


@register.filter
def ago(moment: datetime) -> str:
    """How far a moment is from now: “3 minutes ago”, “in 12 days”."""
    seconds = (clock.now() - moment).total_seconds()
    if abs(seconds) < MINUTE:
        return "just now" if seconds >= 0 else "in a moment"
    return f"{_amount(seconds)} ago" if seconds > 0 else f"in {_amount(MINUTE - seconds)}"


@register.filter
def exactly(moment: datetime) -> str:
    """The moment to the second, in UTC."""
    return f"{format_date(moment, 'j M Y, H:i:s')} UTC"


@register.filter
def there(moment: datetime, zone: str) -> str:
    """The moment in a time zone: “Tuesday 1 December, 14:00 Berlin time”."""
    return in_words(moment, zone)


@register.filter
def browser(user_agent: str) -> str:
    """A browser and its system as people call them: “Firefox on Windows”."""
    program = next((name for mark, name in BROWSERS if mark in user_agent), "A program")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    return f"{program} on {system}" if system else program


@register.filter
def per_cent(share: float) -> int:
    """A share from 0 to 1 in whole per cent."""
    return int(share * 100)


@register.filter
def without_placeholder(field: BoundField) -> SafeString:
    """The widget without the placeholder that only repeats its label."""
    return field.as_widget(attrs={"placeholder": False})


def _amount(seconds: float) -> str:
    for unit, size in (("day", DAY), ("hour", HOUR), ("minute", MINUTE)):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {unit}{'s' if number > 1 else ''}"
    return "a moment"
