"""Amounts are whole minor units. A share of one is rounded once, half away from zero, line by line."""

from fractions import Fraction

# https://docs.stripe.com/currencies, zero-decimal currencies: one minor unit is the whole.
ZERO_DECIMAL = frozenset(
    "bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf".split(),
)
TIMES = "\N{MULTIPLICATION SIGN}"
_SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}


def rounded(value: Fraction) -> int:
    """The nearest whole number; of two, the one farther from zero."""
    whole, rest = divmod(abs(value), 1)
    nearest = int(whole) + (1 if rest >= Fraction(1, 2) else 0)
    return nearest if value >= 0 else -nearest


def share(amount: int, part: int, whole: int) -> int:
    """What `part` of `whole` costs, where the whole costs `amount`."""
    return rounded(Fraction(amount * part, whole)) if whole else 0


def percentage(amount: int, percent: str | float) -> int:
    """So many percent of the amount; "12.5" is exact."""
    return rounded(amount * Fraction(str(percent)) / 100)


def spread(total: int, weights: list[int]) -> list[int]:
    """The total in parts as heavy as the weights; they add up to it."""
    whole, given, parts = sum(weights), 0, []
    heavy = 0
    for weight in weights:
        heavy += weight
        upto = share(total, heavy, whole)
        parts.append(upto - given)
        given = upto
    return parts


def written(amount: int, currency: str) -> str:
    """For people: $12.50, ¥1,200, -€3.00."""
    symbol = _SYMBOLS.get(currency, f"{currency.upper()} ")
    sign = "-" if amount < 0 else ""
    if currency in ZERO_DECIMAL:
        return f"{sign}{symbol}{abs(amount):,}"
    whole, cents = divmod(abs(amount), 100)
    return f"{sign}{symbol}{whole:,}.{cents:02d}"
