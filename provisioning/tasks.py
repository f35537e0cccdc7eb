"""The tasks of provisioning. None carries state in its arguments; each may run twice or never."""

import os
import socket

from celery import shared_task

from provisioning.engine import scheduler, worker


@shared_task(name="provisioning.tasks.work")
def work(queue: str) -> None:
    """Due steps of the queue are worked on for a few seconds."""
    worker.drain(queue, f"{socket.gethostname()}:{os.getpid()}")


@shared_task(name="provisioning.tasks.tick", queue="beat")
def tick() -> None:
    """Workers are woken for what is due."""
    scheduler.tick()
