"""The certificate that a server shows for an instance's name, as a browser of its people would judge it."""

import socket
import ssl
from datetime import UTC, datetime
from typing import Final

import httpx

from provisioning.clients.application import address_of, trusted

TIMEOUT_SECONDS: Final = 5.0
HTTPS_PORT: Final = 443


class NotTrusted(Exception):
    """The certificate is not one that browsers accept; `str()` says why."""


def certificate_ends_at(domain: str, shown_for: str = "") -> datetime | None:
    """Until when the certificate is good that is shown there for that name, or for another one that it is asked for;
    None where instances are not reached by https.

    Raises NotTrusted, or OSError where nobody shows one.
    """
    address = address_of(domain)
    url = httpx.URL(address.url)
    if url.scheme != "https":
        return None
    where = (url.host, url.port or HTTPS_PORT)
    name = shown_for or httpx.URL(f"https://{address.host}").host
    with socket.create_connection(where, timeout=TIMEOUT_SECONDS) as connection:
        try:
            with trusted().wrap_socket(connection, server_hostname=name) as shown:
                found = shown.getpeercert() or {}
        except ssl.SSLCertVerificationError as error:
            raise NotTrusted(error.verify_message.rstrip(".")) from error
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(found["notAfter"])), UTC)
