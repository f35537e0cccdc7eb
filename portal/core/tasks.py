"""The tasks of the core: mail that is due is sent, and the audit is sealed and checked."""

import structlog
from celery import shared_task

from portal.core import mail, sealing

log = structlog.get_logger(__name__)


@shared_task(name="portal.core.tasks.send_due_mail")
def send_due_mail() -> None:
    """Every mail that is due has been sent or has its next try set."""
    mail.send_due()


@shared_task(name="portal.core.tasks.seal_audit")
def seal_audit() -> None:
    """What has been written to the audit lately is part of its chain."""
    sealing.events_seal()


@shared_task(name="portal.core.tasks.verify_audit", time_limit=3_600, soft_time_limit=3_500)
def verify_audit() -> None:
    """All that was ever written is in the chain, and the chain is whole. The log has its newest seal, outside."""
    while sealing.events_seal(all_of_them=True):
        pass
    found = sealing.chain_verify()
    for fault in found.faults:
        log.error("audit.not-whole", fault=fault)
    log.info("audit.verified", seals=found.seals, head=found.head, faults=len(found.faults))
