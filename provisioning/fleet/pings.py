"""What an instance proves itself by when it tells of its use: derived from its id, and kept nowhere (decision 15).

What was signed with a former SECRET_KEY is good as long as that is among SECRET_KEY_FALLBACKS.
"""

from django.core.signing import BadSignature, Signer

_SIGNER_SALT = "provisioning.usage-ping"


def ping_token(instance_id: str) -> str:
    """What this instance bears; always the same."""
    return _signer().sign(instance_id)


def pinging(token: str) -> str:
    """The id of the instance whose token this is; "" for nobody's."""
    try:
        return _signer().unsign(token)
    except BadSignature:
        return ""


def _signer() -> Signer:
    """Made anew for each, since settings are read when one is made."""
    return Signer(salt=_SIGNER_SALT)
