"""`manage.py probe`: looks at every running instance from outside, until it is told to stop."""

import asyncio
import logging
import os
import resource
from contextlib import suppress
from typing import Any

from django.core.management.base import BaseCommand

from provisioning.health.ledger import notice_lost_networks
from provisioning.health.prober import probe_until_told_to_stop

MOST_FILES = 65_536


class Command(BaseCommand):
    help = "Looks at every running instance from outside, for ever. Several may run: one works, the others stand by."

    def handle(self, *_args: Any, **_options: Any) -> None:
        notice_lost_networks()
        _open_as_many_connections_as_may_be()
        is_written = asyncio.new_event_loop().run_until_complete(probe_until_told_to_stop())
        logging.shutdown()
        os._exit(0 if is_written else 1)  # a thread may still wait for a resolver or a database; nobody waits for that


def _open_as_many_connections_as_may_be() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if most == resource.RLIM_INFINITY else min(most, MOST_FILES)
    with suppress(ValueError, OSError):  # some systems have a lower limit than they tell
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
