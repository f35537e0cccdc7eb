"""The account that the key belongs to."""

from devcloud.stripe.books import Json
from devcloud.stripe.call import Call, implements
from devcloud.stripe.settings import settings


@implements("accounts.retrieve_current", "GET /v1/account", "AccountRetrieveCurrentParams")
def _retrieve(call: Call) -> Json:
    account = settings(call.cloud)
    return {
        "id": "acct_1devcloud0000000",
        "object": "account",
        "business_profile": {"name": account["account_name"], "url": None},
        "business_type": "company",
        "charges_enabled": True,
        "country": account["country"],
        "created": 1_700_000_000,
        "default_currency": "usd",
        "details_submitted": True,
        "email": "billing@sourcegraph.localhost",
        "metadata": {},
        "payouts_enabled": True,
        "settings": {"dashboard": {"display_name": account["account_name"], "timezone": "Etc/UTC"}},
        "type": "standard",
    }
