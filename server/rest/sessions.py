"""/sessions: logins."""

from litestar import Controller, delete, get, post
from litestar.params import JSONBody
from msgspec.structs import asdict

from protocol import errors
from server.auth import Auth, Origin, SignedIn
from server.rest.authentication import ANYONE
from server.rest.bodies import LogIn, OwnSession, Refresh, SessionPage
from server.rest.errors import refusals
from server.rest.parameters import SessionId
from server.rest.wire import Injected
from server.tokens import Claims


class Sessions(Controller):
    """Log in, stay logged in, log out."""

    path = "/sessions"
    tags = ["sessions"]

    @post(
        summary="Log in",
        description="Begins a session.",
        opt=ANYONE,
        security=[{}],
        responses=refusals(
            errors.INVALID_CREDENTIALS, errors.RATE_LIMITED, errors.OVERLOADED, anyone=True
        ),
    )
    async def log_in(
        self, data: JSONBody[LogIn], auth: Injected[Auth], origin: Injected[Origin]
    ) -> SignedIn:
        """Begin a session."""
        return await auth.log_in(data.login, data.password, origin)

    @post(
        "/refresh",
        status_code=200,
        summary="Get fresh tokens",
        description="The refresh token is used up: the answer has the next one. Whoever shows one "
        "that was used before ends the session, because one of the two has stolen it.",
        opt=ANYONE,
        security=[{}],
        responses=refusals(errors.UNAUTHORIZED, errors.REFRESH_REUSED, anyone=True),
    )
    async def refresh(self, data: JSONBody[Refresh], auth: Injected[Auth]) -> SignedIn:
        """Rotate the tokens."""
        return await auth.refresh(data.refresh_token)

    @get(summary="List one's sessions", responses=refusals())
    async def list_sessions(self, caller: Injected[Claims], auth: Injected[Auth]) -> SessionPage:
        """List the sessions that have not ended."""
        sessions = await auth.sessions(caller.account)
        return SessionPage(
            items=[
                OwnSession(**asdict(session), current=session.id == caller.session)
                for session in sessions
            ]
        )

    @delete(
        "/current",
        summary="Log out",
        description="Ends the session of the access token and closes its sockets.",
        responses=refusals(),
    )
    async def log_out(self, caller: Injected[Claims], auth: Injected[Auth]) -> None:
        """End the caller's session."""
        await auth.revoke(caller.account, caller.session)

    @delete(
        "/{session:str}",
        summary="End one of one's sessions",
        description="Its tokens are good for nothing from now on, and its sockets close.",
        responses=refusals(errors.NOT_FOUND),
    )
    async def revoke_session(
        self, session: SessionId, caller: Injected[Claims], auth: Injected[Auth]
    ) -> None:
        """End a session."""
        await auth.revoke(caller.account, session)
