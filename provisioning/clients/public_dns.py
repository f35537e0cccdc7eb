"""What everybody's resolvers say of a name: Google Public DNS, as JSON over HTTPS.

Source: developers.google.com/speed/public-dns/docs/doh/json, read 2026-12-01.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

import httpx
from django.conf import settings

from provisioning.clients.application import trusted

TIMEOUT_SECONDS: Final = 5.0
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3  # as DNS numbers its answers
TYPES: Final = {"A": 1, "CNAME": 5, "AAAA": 28, "CAA": 257}


class NoAnswer(Exception):
    """The resolver itself did not answer, or not as it should: that says nothing of the name."""


@dataclass(frozen=True)
class Answer:
    """What DNS says: its status, and by type the data of the records, aliases on the way included.

    Names in it are in small letters and without the dot at their end.
    """

    status: int
    records: dict[str, tuple[str, ...]]

    def of(self, kind: str) -> tuple[str, ...]:
        """The data of the records of that type."""
        return self.records.get(kind, ())


class PublicDns:
    """The resolver at PUBLIC_DNS_URL. Use it as a context manager."""

    def __init__(self) -> None:
        self._http = httpx.Client(base_url=settings.PUBLIC_DNS_URL, timeout=TIMEOUT_SECONDS, verify=trusted())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.close()

    def ask(self, name: str, kind: str) -> Answer:
        """What there is of that name and type (A, AAAA, CAA). Raises NoAnswer."""
        try:
            answer = self._http.get("/resolve", params={"name": name, "type": kind})
            answer.raise_for_status()
            document = answer.json()
            return Answer(int(document["Status"]), _records(document.get("Answer", ())))
        except httpx.TimeoutException:
            raise NoAnswer(f"The public DNS has not answered within {TIMEOUT_SECONDS:.0f} s.") from None
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise NoAnswer(f"The public DNS could not be asked: {_said(error)}.") from None


def _records(answers: Any) -> dict[str, tuple[str, ...]]:
    by_number = {number: kind for kind, number in TYPES.items()}
    found: dict[str, tuple[str, ...]] = {}
    for record in answers:
        if kind := by_number.get(record["type"]):
            data = str(record["data"])
            found[kind] = (*found.get(kind, ()), data if kind == "CAA" else data.rstrip(".").lower())
    return found


def _said(error: Exception) -> str:
    if isinstance(error, httpx.HTTPStatusError):
        return f"it answers {error.response.status_code}"
    return type(error).__name__
