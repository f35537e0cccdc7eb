"""The processes under attack."""

import subprocess
import sys

from tools.chaos.stack import Member
from tools.processes import Command
from tools.supervisor import Service


def test_who_has_been_told_to_stop_is_not_up_although_it_still_runs():
    """A second outage at the same moment would end the first one's successor, or wait for it in vain."""
    words = [sys.executable, "-c", "input()"]
    with subprocess.Popen(words, stdin=subprocess.PIPE) as process:  # at the end of its input it ends
        service = Service("redis", Command(words), lambda: True)
        member, held = Member(service, process), Member(service, process, is_held_down=True)
        assert (member.is_up, held.is_up) == (True, False)
        process.communicate(b"\n")
