"""Amounts in minor units of a currency, as people read them. Nothing here is a float."""

from typing import Final

WITHOUT_DECIMALS: Final = frozenset({"jpy"})  # source: docs.stripe.com/currencies, of those that we sell in


def money(minor: int, currency: str) -> str:
    """Such as 1,058.20 USD, or 1,058 JPY. Negative amounts have a minus sign."""
    sign, amount = "\N{MINUS SIGN}" * (minor < 0), abs(minor)
    digits = f"{amount:,}" if currency in WITHOUT_DECIMALS else f"{amount // 100:,}.{amount % 100:02}"
    return f"{sign}{digits} {currency.upper()}"
