"""What a broken promise of uptime is worth: pure arithmetic in whole numbers.

Promises are hundredths of a percent, such as 9_990 for 99.90 %; 0 promises nothing. What was reached is rounded down,
so that a promise is never kept by rounding.
"""

from typing import Final

from provisioning.health.slo import Uptime

WHOLE: Final = 10_000


def reached(uptime: Uptime) -> int | None:
    """In hundredths of a percent, planned maintenance left out of account; None where nobody looked."""
    share = uptime.share
    return None if share is None else int(share * WHOLE + 1e-9)


def is_broken(uptime: Uptime, promised: int) -> bool:
    """Whether less was reached than promised. What nobody looked at breaks nothing."""
    found = reached(uptime)
    return found is not None and found < promised


def credit(monthly: int, percent: int) -> int:
    """So much of a month's price, in minor units; half a unit is the customer's."""
    return (monthly * percent + 50) // 100


def in_words(hundredths: int) -> str:
    """Such as 99.90 %."""
    return f"{hundredths // 100}.{hundredths % 100:02} %"
