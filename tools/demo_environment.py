"""What the demo's processes are told: ports, secrets, and the environment made of both."""

import base64
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.paths import PROJECT
from tools.ports import HOST, exactly, first_free, without_proxy

SPEED = 20  # how much faster than life devcloud runs


@dataclass(frozen=True)
class Ports:
    portal: int = 8000
    cloud: int = 9400
    kubernetes: int = 9443
    mail: int = 9425
    postgres: int = 5433
    redis: int = 6380

    @property
    def portal_url(self) -> str:
        return f"http://{HOST}:{self.portal}"

    @property
    def cloud_url(self) -> str:
        return f"http://{HOST}:{self.cloud}"


def choose_ports(portal: int | None) -> Ports:
    """The usual ports, each replaced by the next free one where another program has it; an asked-for one is kept."""
    chosen: dict[str, int] = {}
    if portal is not None:
        chosen["portal"] = exactly(portal, "--port")
    for name, usual in vars(Ports()).items():
        chosen.setdefault(name, first_free(usual, avoid=chosen.values()))
    return Ports(**chosen)


def own_secrets(file: Path) -> dict[str, str]:
    """The demo's secrets, made once and kept in `file`, readable by its owner alone."""
    if not file.exists():
        fresh = {"SECRET_KEY": secrets.token_urlsafe(48), "KUBECONFIG_ENCRYPTION_KEY": _fernet_key()}
        unfinished = file.with_suffix(".unfinished")
        unfinished.touch(mode=0o600)
        unfinished.write_text("".join(f"{name}={value}\n" for name, value in fresh.items()))
        unfinished.replace(file)
    return dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)


def keep_secret(file: Path, line: str) -> None:
    """One more of the demo's secrets, as NAME=value, is kept in `file`."""
    with file.open("a") as kept:
        kept.write(f"{line}\n")


def portal_environment(
    ports: Ports, *, database_url: str, redis_url: str, helm: Path, own: Mapping[str, str]
) -> dict[str, str]:
    """The whole environment of web, worker, beat and manage.py: docs/settings.md has the meanings."""
    return {
        **os.environ,
        **own,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "PORTAL_URL": ports.portal_url,
        "ALLOWED_HOSTS": f"{HOST},localhost",
        "EMAIL_URL": f"smtp://{HOST}:{ports.mail}",
        "DEMO": "1",
        "CANARY_EMAIL_DOMAIN": "canary.example",
        "CANARY_EVERY_HOURS": "0",  # when somebody asks for it: by itself it would fill the demo's fleet
        "LOG_LEVEL": "INFO",
        "HELM_BINARY": str(helm),
        "CHART": str(PROJECT / "charts" / "sourcegraph"),
        **_cloud(ports),
        **without_proxy(),
    }


def _cloud(ports: Ports) -> dict[str, str]:
    return {
        "GOOGLE_API_ENDPOINT": f"{ports.cloud_url}/google",
        "GOOGLE_CREDENTIALS": "anonymous",
        "GOOGLE_PARENT": "folders/100000000001",
        "GOOGLE_BILLING_ACCOUNT": "billingAccounts/000000-DEVCLD-000000",
        "GOOGLE_DNS_PROJECT": "portal-host",
        "GOOGLE_DNS_ZONE": "instances",
        "GOOGLE_BACKUP_BUCKET": "portal-backups",
        "GOOGLE_PORTAL_ACCOUNT": "portal@portal-host.iam.gserviceaccount.com",
        "INSTANCE_DOMAIN": "sourcegraph.localhost",
        "INSTANCE_GATEWAY": ports.cloud_url,
        "PUBLIC_DNS_URL": ports.cloud_url,
        "INSTANCE_URL_FORMAT": f"http://{{domain}}:{ports.cloud}",
        "SUSPENDED_PAGE_ADDRESS": HOST,
        "STRIPE_SECRET_KEY": "sk_test_demo",
        "STRIPE_API_BASE": f"{ports.cloud_url}/stripe",
        "ENGINE_PACE": str(1 / SPEED),
    }


def _fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
