"""Addresses that let whoever has them read one object of Cloud Storage for some minutes.

Google signs them for the account that the portal runs as, so that no key of it exists anywhere. The scheme is V4:
cloud.google.com/storage/docs/authentication/signatures, read 2026-12-01.
"""

import base64
import hashlib
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from django.conf import settings

from portal.core import clock
from provisioning.clients.google.session import api, execute

GOOGLES_OWN: Final = "https://storage.googleapis.com"
ALGORITHM: Final = "GOOG4-RSA-SHA256"
SIGNED_HEADERS: Final = "host"


def signed_download(bucket: str, name: str, *, file_name: str, seconds: int) -> str:
    """The address; a browser saves what is there as `file_name`. Raises as `execute` does.

    GOOGLE_PORTAL_ACCOUNT needs roles/iam.serviceAccountTokenCreator on itself, and may read the bucket's objects.
    """
    now, path = clock.now(), f"/{bucket}/{quote(name, safe='/~')}"
    scope = f"{now:%Y%m%d}/auto/storage/goog4_request"
    query = {
        "X-Goog-Algorithm": ALGORITHM,
        "X-Goog-Credential": f"{settings.GOOGLE_PORTAL_ACCOUNT}/{scope}",
        "X-Goog-Date": _stamp(now),
        "X-Goog-Expires": str(seconds),
        "X-Goog-SignedHeaders": SIGNED_HEADERS,
        "response-content-disposition": f'attachment; filename="{file_name}"',
    }
    base = f"{settings.GOOGLE_API_ENDPOINT}/storage" if settings.GOOGLE_API_ENDPOINT else GOOGLES_OWN
    asked = urlencode(sorted(query.items()), quote_via=quote, safe="~")
    request = "\n".join(["GET", path, asked, f"host:{urlsplit(base).netloc}", "", SIGNED_HEADERS, "UNSIGNED-PAYLOAD"])
    digest = hashlib.sha256(request.encode()).hexdigest()
    signature = _signature("\n".join([ALGORITHM, _stamp(now), scope, digest]))
    return f"{base}{path}?{asked}&X-Goog-Signature={signature.hex()}"


def _signature(text: str) -> bytes:
    account = f"projects/-/serviceAccounts/{settings.GOOGLE_PORTAL_ACCOUNT}"
    body = {"payload": base64.b64encode(text.encode()).decode()}
    accounts = api("iamcredentials", "v1").projects().serviceAccounts()
    return base64.b64decode(execute(accounts.signBlob(name=account, body=body))["signedBlob"])


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%SZ}"
