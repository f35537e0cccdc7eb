"""IAM: service accounts, their policies, and the short-lived tokens that are issued for them."""

import base64
import re
from secrets import token_urlsafe

from devcloud import timers
from devcloud.clock import rfc3339
from devcloud.cloud import Cloud
from devcloud.google import errors, policies, resources
from devcloud.google.call import Call, Json, implements
from devcloud.google.policies import ACCOUNTS
from devcloud.google.signing import sign

ACCESS_TOKENS = "access_tokens"

_ACCOUNT_ID = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])")
_MAX_SECONDS = 3600.0


@implements("iam.projects.serviceAccounts.create")
def _create(call: Call) -> Json:
    account_id = call.body["accountId"]
    if not 6 <= len(account_id) <= 30 or not _ACCOUNT_ID.fullmatch(account_id):
        raise errors.invalid(f'The account ID "{account_id}" does not have a length between 6 and 30.', "account_id")
    email = f"{account_id}@{call.project}.iam.gserviceaccount.com"
    if call.cloud.store.get(ACCOUNTS, email):
        message = f"Service account {account_id} already exists within project projects/{call.project}."
        raise errors.GoogleError(409, "alreadyExists", message)
    unique_id = resources.new_id()
    body = {
        **{key: value for key, value in call.body.get("serviceAccount", {}).items() if key != "name"},
        "name": f"projects/{call.project}/serviceAccounts/{email}",
        "projectId": call.project,
        "uniqueId": unique_id,
        "email": email,
        "etag": "MDEwMjE5MjA=",
        "oauth2ClientId": unique_id,
    }
    visible_at = call.at + call.cloud.profile.seconds("iam.propagation")
    call.cloud.store.put(ACCOUNTS, email, {"body": body, "visible_at": visible_at, "ready": True})
    return body


@implements("iam.projects.serviceAccounts.get")
def _get(call: Call) -> Json:
    return _need(call, call["name"])


@implements("iam.projects.serviceAccounts.list")
def _list(call: Call) -> Json:
    entries = call.cloud.store.items(ACCOUNTS)
    accounts = [entry["body"] for _email, entry in entries if entry["body"].get("projectId") == call.project]
    return resources.page(call, "accounts", accounts)


@implements("iam.projects.serviceAccounts.patch")
def _patch(call: Call) -> Json:
    """Its display name and its description can be changed."""
    email = _need(call, call["name"])["email"]
    mask = {name for name in call.body.get("updateMask", "").replace("display_name", "displayName").split(",") if name}
    if not mask or mask - {"displayName", "description"}:
        raise errors.invalid("The update mask must name display_name or description.", "update_mask")
    wanted = call.body.get("serviceAccount", {})
    return resources.replace(call.cloud, ACCOUNTS, email, {field: wanted.get(field) for field in mask})


@implements("iam.projects.serviceAccounts.disable", "iam.projects.serviceAccounts.enable")
def _disable(call: Call) -> Json:
    email = _need(call, call["name"])["email"]
    resources.replace(call.cloud, ACCOUNTS, email, {"disabled": call.method.id.endswith(".disable") or None})
    return {}


@implements("iam.projects.serviceAccounts.delete")
def _delete(call: Call) -> Json:
    email = _need(call, call["name"])["email"]
    call.cloud.store.delete(ACCOUNTS, email)
    call.cloud.store.delete(policies.POLICIES, _policy_name(email))
    return {}


@implements("iam.projects.serviceAccounts.getIamPolicy")
def _get_policy(call: Call) -> Json:
    return policies.get_policy(call.cloud, _policy_name(_need_granted(call)))


@implements("iam.projects.serviceAccounts.setIamPolicy")
def _set_policy(call: Call) -> Json:
    return policies.set_policy(call, _policy_name(_need_granted(call)))


@implements("iamcredentials.projects.serviceAccounts.generateAccessToken")
def _generate_access_token(call: Call) -> Json:
    email = _need_granted(call)
    if _need(call, email).get("disabled"):
        raise errors.precondition(f"Service account {email} is disabled.")
    seconds = float(call.body.get("lifetime", "3600s").removesuffix("s"))
    if not call.body["scope"] or not 0 < seconds <= _MAX_SECONDS:
        raise errors.invalid("A token needs a scope, and lives for an hour at most.", "lifetime")
    token = f"ya29.{token_urlsafe(48)}"
    expires_at = call.at + seconds
    document = {"project": call.project, "email": email, "expires_at": expires_at}
    call.cloud.store.put(ACCESS_TOKENS, token, document)
    timers.schedule(call.cloud, expires_at, "iam.token_expired", {"token": token})
    return {"accessToken": token, "expireTime": rfc3339(expires_at)}


@implements("iamcredentials.projects.serviceAccounts.signBlob")
def _sign_blob(call: Call) -> Json:
    email = _need_granted(call)
    if _need(call, email).get("disabled"):
        raise errors.precondition(f"Service account {email} is disabled.")
    try:
        blob = base64.b64decode(call.body["payload"], validate=True)
    except ValueError:
        raise errors.invalid("Base64 decoding failed.", "payload") from None
    return {"keyId": email, "signedBlob": base64.b64encode(sign(call.cloud, email, blob)).decode()}


@timers.action("iam.token_expired")
def _expire(cloud: Cloud, _at: float, arguments: Json) -> None:
    cloud.store.delete(ACCESS_TOKENS, arguments["token"])


def _need(call: Call, name: str) -> Json:
    """By mail address or unique id."""
    reference = name.rpartition("/")[2]
    entry = call.cloud.store.get(ACCOUNTS, reference)
    if entry:
        return dict(entry["body"])
    for _email, other in call.cloud.store.items(ACCOUNTS) if reference.isdigit() else []:
        if other["body"].get("uniqueId") == reference:
            return dict(other["body"])
    raise _unknown(reference)


def _need_granted(call: Call) -> str:
    """The account's mail address. Raises GoogleError 404 while the new account has not reached IAM everywhere."""
    name = call.get("resource") or call["name"]
    email = str(_need(call, name)["email"])
    if not policies.account_exists(call, email):
        raise _unknown(email)
    return email


def _policy_name(email: str) -> str:
    return f"serviceAccounts/{email}"


def _unknown(reference: str) -> errors.GoogleError:
    return errors.GoogleError(404, "notFound", f"Unknown service account: {reference}")
