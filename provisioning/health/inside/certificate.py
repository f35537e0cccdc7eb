"""The certificate that people's browsers are shown, and for how long it is still good."""

from datetime import timedelta
from typing import Final

from portal.core import clock
from provisioning.clients.certificates import NotTrusted, certificate_ends_at
from provisioning.health.inside.findings import Finding, Subject, What, degraded, skipped, well

ENOUGH: Final = timedelta(days=14)
DAY: Final = timedelta(days=1)


def look_at_certificate(subject: Subject) -> Finding:
    """It is trusted, and good for two weeks at least."""
    try:
        ends_at = certificate_ends_at(subject.spec.domain)
    except NotTrusted as error:
        return degraded(What.CERTIFICATE, f"The certificate is not valid: {error}.", days_left=0, ends_at=None)
    if ends_at is None:
        return skipped(What.CERTIFICATE, "Not checked: instances are not reached by https.")
    left = ends_at - clock.now()
    figures = {"days_left": max(0, left // DAY), "ends_at": ends_at.isoformat()}
    sentence = f"The certificate is good until {ends_at:%Y-%m-%d %H:%M} UTC."
    return (degraded if left < ENOUGH else well)(What.CERTIFICATE, sentence, **figures)
