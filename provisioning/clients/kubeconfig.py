"""Kubeconfigs that somebody brings: checked, and encrypted at rest."""

from dataclasses import dataclass
from typing import Any

import yaml
from cryptography.fernet import Fernet
from django.conf import settings


class UnsafeKubeconfig(ValueError):
    """It would run a program or read a file on our workers, or says too little. `str()` says what to do about it."""


@dataclass(frozen=True)
class Kubeconfig:
    """A kubeconfig reduced to its current context. `document` is safe to be written to a file and used."""

    server: str
    document: dict[str, Any]

    @classmethod
    def parse(cls, text: str) -> "Kubeconfig":
        """Raises UnsafeKubeconfig, or yaml.YAMLError when it is no YAML."""
        whole = yaml.load(text, Loader=yaml.CSafeLoader)
        if not isinstance(whole, dict) or not whole.get("clusters"):
            raise UnsafeKubeconfig(
                "This is no kubeconfig: it has no clusters. "
                "Paste the output of `kubectl config view --minify --flatten --raw`."
            )
        context = _named(whole, "contexts", whole.get("current-context", ""))
        cluster = _named(whole, "clusters", context.get("cluster", ""))
        user = _named(whole, "users", context.get("user", ""))
        _check(cluster, user)
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "portal",
            "contexts": [{"name": "portal", "context": {"cluster": "portal", "user": "portal"}}],
            "clusters": [{"name": "portal", "cluster": cluster}],
            "users": [{"name": "portal", "user": user}],
        }
        return cls(server=cluster["server"], document=document)


def encrypt(text: str) -> bytes:
    """Encrypted with the key from the environment (KUBECONFIG_ENCRYPTION_KEY)."""
    return Fernet(settings.KUBECONFIG_ENCRYPTION_KEY).encrypt(text.encode())


def decrypt(token: bytes) -> str:
    return Fernet(settings.KUBECONFIG_ENCRYPTION_KEY).decrypt(bytes(token)).decode()


def _named(whole: dict[str, Any], section: str, name: str) -> dict[str, Any]:
    """What the section's entry of that name holds, below the section's own name in the singular."""
    entries = whole.get(section)
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and entry.get("name") == name and isinstance(entry.get(section[:-1]), dict):
            return dict(entry[section[:-1]])
    raise UnsafeKubeconfig(f"The kubeconfig's current context names “{name}”, but {section} has no such entry.")


def _check(cluster: dict[str, Any], user: dict[str, Any]) -> None:
    for key in ("exec", "auth-provider"):
        if key in user:
            raise UnsafeKubeconfig(
                f"The user entry uses “{key}”, which would run a program here. Use a token or a client certificate."
            )
    files = [
        key
        for key in (*cluster, *user)
        if key in {"certificate-authority", "client-certificate", "client-key", "tokenFile"}
    ]
    if files:
        raise UnsafeKubeconfig(
            f"“{files[0]}” names a file that we do not have. "
            "Run `kubectl config view --minify --flatten --raw` to inline it."
        )
    if not str(cluster.get("server", "")).startswith("https://"):
        raise UnsafeKubeconfig("The cluster's server must be an https address.")
