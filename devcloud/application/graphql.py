"""The few GraphQL operations that the portal asks for, told apart by their fields."""

import re

from devcloud.application.accounts import Account, Accounts
from devcloud.application.instances import Instance
from devcloud.kubernetes.failures import JSON

_FIELDS = re.compile(r"\b(randomizeUserPassword|currentUser|users|site)\b\s*(?:\([^)]*\))?\s*\{")


def execute(query: str, *, instance: Instance, accounts: Accounts, account: Account, base_url: str) -> JSON:
    """The answer to a query: `data`, or `errors` for a field that nobody knows."""
    fields = _FIELDS.findall(query)
    if not fields:
        return {"data": None, "errors": [{"message": "Cannot query any field of this operation."}]}
    data: JSON = {}
    for field in fields:
        match field:
            case "randomizeUserPassword":
                code = accounts.randomize_password(account.email)
                data[field] = {"resetPasswordURL": f"{base_url}/password-reset?code={code}"}
            case "currentUser":
                data[field] = {
                    "id": f"user:{account.username}",
                    "username": account.username,
                    "siteAdmin": True,
                    "email": account.email,
                }
            case "users":
                data[field] = {"totalCount": accounts.count}
            case "site":
                data[field] = {"productVersion": instance.version}
    return {"data": data}
