"""What the rules of alerts measure of the canary. Switched off, it says nothing."""

from datetime import datetime, timedelta

from django.conf import settings

from portal.canary.models import CanaryRun, State
from provisioning.health.measures import THE_FLEET, Findings, Found, measure


@measure("canary-failed")
def _failed(threshold: float, _now: datetime) -> Findings:
    """It is one alert, from the failure until a run succeeds."""
    if not settings.CANARY_EMAIL_DOMAIN:
        return {}
    wanted = max(1, int(threshold))
    newest = list(CanaryRun.objects.exclude(state=State.RUNNING).order_by("-ended_at")[:wanted])
    if len(newest) < wanted or any(run.state == State.SUCCEEDED for run in newest):
        return {}
    run = newest[0]
    return {THE_FLEET: Found(f"The canary did not get through, {run.ended_at:%H:%M} UTC, {run.region}. {run.sentence}")}


@measure("canary-left-behind")
def _left_behind(threshold: float, now: datetime) -> Findings:
    since = now - timedelta(seconds=threshold)
    rows = CanaryRun.objects.filter(ended_at__lte=since, cleaned_at=None)
    return {
        f"canary-{run.pk}": Found(f"What {run} left behind is still there since {run.ended_at:%H:%M} UTC. {run.left}")
        for run in rows
    }
