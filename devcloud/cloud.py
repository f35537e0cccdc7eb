"""What every part of devcloud is given."""

from dataclasses import dataclass

from devcloud.faults import Faults
from devcloud.profile import Profile
from devcloud.store import Store


@dataclass(frozen=True)
class Addresses:
    """Where devcloud listens. At addresses that are not its own, the web is looked for at the port `elsewhere`."""

    host: str
    http: int
    https: int
    smtp: int
    elsewhere: int = 80

    @property
    def http_url(self) -> str:
        return f"http://{self.host}:{self.http}"

    @property
    def https_authority(self) -> str:
        return f"{self.host}:{self.https}"

    @property
    def https_url(self) -> str:
        return f"https://{self.https_authority}"


@dataclass(frozen=True)
class Cloud:
    """One devcloud.

    `certificate_authority` is the PEM text of who signed the HTTPS server's certificate. The billing accounts are there
    from the start, and after a fresh one.
    """

    store: Store
    profile: Profile
    faults: Faults
    addresses: Addresses
    certificate_authority: str
    billing_accounts: tuple[str, ...] = ()
