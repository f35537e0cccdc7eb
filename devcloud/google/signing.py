"""What Google signs for a service account, with a key that it holds itself."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from devcloud.cloud import Cloud

_KEYS = "iam.keys"  # by the account's mail address


def sign(cloud: Cloud, email: str, blob: bytes) -> bytes:
    """RSA with SHA-256, as signBlob has it."""
    return _key_of(cloud, email).sign(blob, padding.PKCS1v15(), hashes.SHA256())


def is_signed(cloud: Cloud, email: str, blob: bytes, signature: bytes) -> bool:
    """Whether it was signed for that account."""
    if not cloud.store.get(_KEYS, email):
        return False
    try:
        _key_of(cloud, email).public_key().verify(signature, blob, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _key_of(cloud: Cloud, email: str) -> rsa.RSAPrivateKey:
    """Made when it is first asked for."""
    kept = cloud.store.get(_KEYS, email)
    if kept is None:
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        kept = {"pem": made.private_bytes(*form).decode()}
        cloud.store.put(_KEYS, email, kept)
    key = serialization.load_pem_private_key(kept["pem"].encode(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(email)
    return key
