"""The tasks of the core: mail that is due is sent."""

from celery import shared_task

from portal.core import mail


@shared_task(name="portal.core.tasks.send_due_mail")
def send_due_mail() -> None:
    """Every mail that is due has been sent or has its next try set."""
    mail.send_due()
