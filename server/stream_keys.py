"""Stream keys: whoever has a stream's publishes it.

A key is 192 random bits. It is shown when it is made, and kept as a hash alone: of a random secret
one round of SHA-256 does, for there is nothing to guess.
"""

import hashlib
import hmac
import secrets

KEY_BYTES = 24


def new_key() -> str:
    """A key that nobody else has."""
    return secrets.token_urlsafe(KEY_BYTES)


def hash_of(key: str) -> bytes:
    """What is kept of a key."""
    return hashlib.sha256(key.encode(errors="replace")).digest()


def matches(key: str, key_hash: bytes | None) -> bool:
    """Whether a hash is that of a key, in the same time whether it is or not, or there is none."""
    return hmac.compare_digest(hash_of(key), key_hash or bytes(32)) and key_hash is not None
