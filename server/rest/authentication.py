"""Who is asking: `Authorization: Bearer` (RFC 6750)."""

from litestar.connection import ASGIConnection
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from litestar.types import ASGIApp, Receive, Scope, Send

from protocol.errors import UNAUTHORIZED, PlazaError
from server.admission import Admission
from server.auth import Auth

# Set as `opt` on the few routes that need no token: one that forgets it is closed, not open.
ANYONE = {"exclude_from_auth": True}
# Likewise on those that answer without a token, too, and with one show more: `visitor` is who asks.
WITH_OR_WITHOUT = {"without_token": True}


class BearerAuthentication(AbstractAuthenticationMiddleware):
    """Lets a request pass if its access token is good and its session still stands.

    The session is looked up on every request: a revoked one is shut out at once. Before that the
    request is charged to its address and its account, from the buckets of their connections.
    """

    def __init__(self, app: ASGIApp, auth: Auth, admission: Admission) -> None:
        super().__init__(app)
        self._auth = auth
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Charge the request, with a token or without, to its address; then go on."""
        client = scope["client"]
        self._admission.charge_network(client[0] if client else "")
        await super().__call__(scope, receive, send)

    async def authenticate_request(
        self,
        connection: ASGIConnection,  # type: ignore[type-arg]
    ) -> AuthenticationResult:
        """Return the caller's Claims.

        Raises:
            PlazaError: unauthorized, token_expired or rate_limited.
        """
        header = connection.headers.get("authorization")
        if header is None and connection.route_handler.opt.get("without_token"):
            return AuthenticationResult(user=None, auth=None)
        if header is None:
            raise PlazaError(UNAUTHORIZED, "Send an access token: Authorization: Bearer TOKEN.")
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise PlazaError(UNAUTHORIZED, "The only scheme of Authorization here is Bearer.")
        claims = self._auth.read(token.strip())
        self._admission.charge_account(claims.account)
        await self._auth.confirm(claims)
        return AuthenticationResult(user=None, auth=claims)
