"""What a client shows to be let in: access tokens and refresh tokens.

An access token is a JWT (RFC 7519), signed with HMAC-SHA-256. It is good for minutes and names the
account and the session; whether the session still stands is looked up in the database. A refresh
token is a random string, of which the database keeps the hash.
"""

import hashlib
import secrets
from typing import NamedTuple

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from persistence.database import Database
from persistence.secrets import signing_key
from protocol.errors import TOKEN_EXPIRED, UNAUTHORIZED, PlazaError
from protocol.ids import Id, parse_id
from server import sections

ISSUER = "plaza"
# The only algorithm that is accepted, whatever a token's header says (RFC 8725, section 3.1).
ALGORITHM = "HS256"
MIN_KEY_BYTES = 32  # RFC 7518, section 3.2: at least the size of the hash

# Far above the 200 characters of a real token, far below what is worth decoding.
_MAX_TOKEN = 2_000


class Claims(NamedTuple):
    """Whom an access token speaks for."""

    account: Id
    session: Id


class TokenKey:
    """Signs and checks access tokens.

    Args:
        secret: the key, the same in all processes; at least MIN_KEY_BYTES long.
        lifetime: of a token, in seconds.
    """

    def __init__(self, secret: bytes, *, lifetime: int) -> None:
        if len(secret) < MIN_KEY_BYTES:
            raise ValueError(f"the key that signs tokens has at least {MIN_KEY_BYTES} bytes")
        self._key = OctKey.import_key(secret)
        self._lifetime = lifetime

    def issue(self, account: Id, session: Id, now: float) -> str:
        """Return a new access token.

        Args:
            now: Unix time in seconds.
        """
        issued_at = int(now)
        claims = {
            "iss": ISSUER,
            "sub": str(account),
            "sid": str(session),
            "iat": issued_at,
            "exp": issued_at + self._lifetime,
        }
        return jwt.encode({"alg": ALGORITHM}, claims, self._key, [ALGORITHM])

    def read(self, token: str, now: float) -> Claims:
        """Check an access token: 16 us, most of it joserfc's.

        Args:
            now: Unix time in seconds.

        Raises:
            PlazaError: token_expired, or unauthorized for anything else that is wrong with it.
        """
        if len(token) > _MAX_TOKEN:
            raise PlazaError(UNAUTHORIZED)
        try:
            claims = jwt.decode(token, self._key, [ALGORITHM]).claims
            issuer, expires_at = claims["iss"], int(claims["exp"])
            account, session = parse_id(claims["sub"]), parse_id(claims["sid"])
        # A payload that we signed has all of these; a key shared with another service may not.
        except (JoseError, KeyError, TypeError, ValueError, AttributeError):
            raise PlazaError(UNAUTHORIZED) from None
        if issuer != ISSUER:
            raise PlazaError(UNAUTHORIZED)
        if expires_at <= now:
            raise PlazaError(TOKEN_EXPIRED)
        return Claims(account, session)


async def token_key(settings: sections.Auth, database: Database) -> TokenKey:
    """The key of the settings; without one there, that which is kept in the database.

    Raises:
        PlazaError: unavailable.
    """
    secret = settings.signing_key.encode()
    if not secret:
        async with database.connection() as connection:
            secret = await signing_key(connection)
    return TokenKey(secret, lifetime=settings.access_token_seconds)


def new_refresh_token() -> str:
    """Return a new refresh token: 256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def refresh_token_hash(token: str) -> bytes:
    """The form in which a refresh token is stored.

    A plain SHA-256: 256 random bits need no salt and no slow hash.
    """
    return hashlib.sha256(token.encode()).digest()
