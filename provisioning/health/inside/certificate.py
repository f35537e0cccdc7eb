"""The certificate that people's browsers are shown, and for how long it is still good."""

from datetime import timedelta
from typing import Final

from portal.core import clock
from provisioning.clients.certificates import NotTrusted, certificate_ends_at
from provisioning.fleet.domains import custom_name
from provisioning.health.inside.findings import Finding, Subject, What, degraded, skipped, well

ENOUGH: Final = timedelta(days=14)
DAY: Final = timedelta(days=1)


def look_at_certificate(subject: Subject) -> Finding:
    """It is trusted, and good for two weeks at least; so is that of a name of the customer's own.

    Both are asked for where the instance's own name leads: where the customer's leads is another question.
    """
    names = ["", *filter(None, [custom_name(subject.spec)])]
    return min((_look_at(subject.spec.domain, name) for name in names), key=_soundness)


def _look_at(domain: str, name: str) -> Finding:
    of, named = (f" of {name}", {"name": name}) if name else ("", {})
    try:
        ends_at = certificate_ends_at(domain, name)
    except NotTrusted as error:
        return degraded(
            What.CERTIFICATE, f"The certificate{of} is not valid: {error}.", days_left=0, ends_at=None, **named
        )
    if ends_at is None:
        return skipped(What.CERTIFICATE, "Not checked: instances are not reached by https.")
    left = ends_at - clock.now()
    figures = {"days_left": max(0, left // DAY), "ends_at": ends_at.isoformat(), **named}
    sentence = f"The certificate{of} is good until {ends_at:%Y-%m-%d %H:%M} UTC."
    return (degraded if left < ENOUGH else well)(What.CERTIFICATE, sentence, **figures)


def _soundness(finding: Finding) -> tuple[bool, int]:
    """The least sound comes first."""
    return not finding.is_degraded, int(finding.figures.get("days_left", 0))
