"""docs/privacy.md, made of the list of figures alone: `manage.py privacy`. A test compares the two."""

from typing import Final

from provisioning.fleet.figures import COLLECTED

HEAD: Final = """# What we learn of an instance's use

Made by `manage.py privacy` from `provisioning/fleet/figures.py`, the whole list: what is not on it does not leave an
instance. The reasons are in [decision 15](decisions/015-usage-pings.md).

Once an hour a job inside the instance counts these, each with one read-only statement against the application's own
database, and tells us the numbers over HTTPS. Nobody logs in for it, and nothing is read from outside.
"""
NEVER: Final = """## What is never collected

- **Content**: code, searches, results, chats, diffs, settings, secrets.
- **Names**: of people, accounts, repositories, organizations, files, branches, code hosts; mail and network addresses.
- **Single people**: not who did something nor when, only how many did anything.

Whatever else were in a ping is dropped before it is stored, and is written to no log.

## Who has them, and for how long

- One row for each instance and day: the last count of that day. The rows are kept as long as the instance's record is:
  they are what a bill for seats can be checked by.
- The instance's own people see them on its pages and by the API; our sales and support people see the same.
- A suspended instance counts nothing. A copy that is made of a backup to rehearse an update counts nothing either.
- Using more seats than are paid for is told to the people who look after the instance and its bills. It blocks nobody.

## What else we know

That an instance answers, and how full its disks are, is seen from outside, without asking the application anything but
its health.
"""


def privacy_markdown() -> str:
    """The whole document."""
    rows = [f"| {figure.title} | `{figure.name}` | {figure.reason} |" for figure in COLLECTED]
    table = ["## What is counted", "", "| what | name | why |", "|---|---|---|", *rows, ""]
    return "\n".join([HEAD, *table, *_statements(), NEVER])


def _statements() -> list[str]:
    lines = [f"    {figure.sql};" for figure in COLLECTED]
    return ["Counted by these statements, in the same order:", "", *lines, ""]
