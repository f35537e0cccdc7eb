"""The tasks of the canary. Each may run twice or never: what is to be done stands in its runs."""

from celery import shared_task

from portal.canary import services
from provisioning.services.sending import send


@shared_task(name="portal.canary.tasks.begin")
def begin() -> None:
    """A run stands where it is time for one."""
    services.canary_begin_due()


@shared_task(name="portal.canary.tasks.go_on")
def go_on() -> None:
    """Runs that are due have been looked at. Where more is due, another call goes on."""
    if services.canary_go_on() == services.MOST_AT_ONCE:
        send(services.GO_ON)
