"""Who is asking: `Authorization: Bearer` (RFC 6750)."""

from litestar.connection import ASGIConnection
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from litestar.types import ASGIApp

from protocol.errors import UNAUTHORIZED, PlazaError
from server.auth import Auth

# Set as `opt` on the few routes that need no token: one that forgets it is closed, not open.
ANYONE = {"exclude_from_auth": True}


class BearerAuthentication(AbstractAuthenticationMiddleware):
    """Lets a request pass if its access token is good and its session still stands.

    The session is looked up on every request: a revoked one is shut out at once.
    """

    def __init__(self, app: ASGIApp, auth: Auth) -> None:
        super().__init__(app)
        self._auth = auth

    async def authenticate_request(
        self,
        connection: ASGIConnection,  # type: ignore[type-arg]
    ) -> AuthenticationResult:
        """Return the caller's Claims.

        Raises:
            PlazaError: unauthorized or token_expired.
        """
        header = connection.headers.get("authorization")
        if header is None:
            raise PlazaError(UNAUTHORIZED, "Send an access token: Authorization: Bearer TOKEN.")
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise PlazaError(UNAUTHORIZED, "The only scheme of Authorization here is Bearer.")
        return AuthenticationResult(user=None, auth=await self._auth.caller(token.strip()))
