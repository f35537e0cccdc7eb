"""The people of one instance: the first site admin, sign-in, and the one-time link for a new password."""

import secrets
from dataclasses import dataclass

from devcloud.cloud import Cloud
from devcloud.store import Document

APPLICATIONS = "applications"


@dataclass(frozen=True)
class Account:
    email: str
    username: str


class Accounts:
    """What one instance remembers, in the store under the instance's key. It outlives every rollout."""

    def __init__(self, cloud: Cloud, key: str) -> None:
        self._store, self._key = cloud.store, key

    @property
    def count(self) -> int:
        return len(self._read()["accounts"])

    @property
    def signed_in(self) -> int:
        """How many of them have a session."""
        return len(set(self._read()["sessions"].values()))

    def create_first(self, email: str, username: str, password: str) -> bool:
        """The site admin exists; False where there is one already."""
        state = self._read()
        if state["accounts"]:
            return False
        state["accounts"].append({"email": email, "username": username, "password": password})
        self._write(state)
        return True

    def sign_in(self, email: str, password: str) -> str | None:
        """The token of a new session; None where the two don't fit."""
        state = self._read()
        if not any(account["email"] == email and account["password"] == password for account in state["accounts"]):
            return None
        session = secrets.token_urlsafe(24)
        state["sessions"][session] = email
        self._write(state)
        return session

    def of_session(self, session: str) -> Account | None:
        state = self._read()
        return self._account(state, state["sessions"].get(session, ""))

    def randomize_password(self, email: str) -> str:
        """The password is one that nobody knows; returns the one-time code for a new one."""
        state = self._read()
        code = secrets.token_urlsafe(24)
        for account in state["accounts"]:
            if account["email"] == email:
                account["password"] = secrets.token_urlsafe(24)
        state["codes"][code] = email
        self._write(state)
        return code

    def of_code(self, code: str) -> Account | None:
        """Whose code this is; None for one that was used, or never was."""
        state = self._read()
        return self._account(state, state["codes"].get(code, ""))

    def set_password(self, code: str, password: str) -> Account | None:
        """The code's owner has this password, and the code is used; None where the code is worth nothing."""
        state = self._read()
        account = self._account(state, state["codes"].pop(code, ""))
        if account:
            for known in state["accounts"]:
                if known["email"] == account.email:
                    known["password"] = password
            self._write(state)
        return account

    def _account(self, state: Document, email: str) -> Account | None:
        found = next((account for account in state["accounts"] if account["email"] == email), None)
        return Account(found["email"], found["username"]) if found else None

    def _read(self) -> Document:
        return self._store.get(APPLICATIONS, self._key) or {"accounts": [], "sessions": {}, "codes": {}}

    def _write(self, state: Document) -> None:
        self._store.put(APPLICATIONS, self._key, state)
