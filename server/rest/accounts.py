"""/accounts and /me: who people are."""

from typing import Annotated

from litestar import Controller, delete, get, post, put
from litestar.params import JSONBody, QueryParameter

from persistence import accounts
from persistence.accounts import Account
from persistence.database import Database
from protocol import errors
from protocol.errors import BAD_REQUEST, NOT_FOUND, PlazaError
from server.auth import Auth, Origin, SignedIn
from server.profiles import Profiles
from server.rest.authentication import ANYONE
from server.rest.bodies import ChangePassword, DeleteAccount, SignUp
from server.rest.cursors import cursor_after_name, cursor_after_person, name_of, person_place
from server.rest.errors import refusals
from server.rest.parameters import Cursor, PageLimit
from server.rest.people_bodies import PeoplePage
from server.rest.wire import Injected
from server.tokens import Claims

FIND = """\
By one of three. `username`, the whole name: a list of one, or of none. `prefix`, its beginning: \
page by page, in the order of the names. `search`: whose username or display name begins so, has a \
word that begins so, or is like it; the likest first, of those whom one follows, and whom many \
follow. Case does not matter.

Accounts that have blocked one are not found, nor by `search` those that one has blocked.\
"""


class Accounts(Controller):
    """Sign-up, and looking people up."""

    path = "/accounts"
    tags = ["accounts"]

    @post(
        summary="Sign up",
        description="Creates an account and its first session.",
        opt=ANYONE,
        security=[{}],
        responses=refusals(
            errors.USERNAME_TAKEN,
            errors.EMAIL_TAKEN,
            errors.RATE_LIMITED,
            errors.OVERLOADED,
            anyone=True,
        ),
    )
    async def sign_up(
        self, data: JSONBody[SignUp], auth: Injected[Auth], origin: Injected[Origin]
    ) -> SignedIn:
        """Create an account."""
        return await auth.sign_up(data.username, data.email, data.password, origin)

    @get(summary="Find accounts by their names", description=FIND, responses=refusals())
    async def find_accounts(
        self,
        caller: Injected[Claims],
        profiles: Injected[Profiles],
        username: Annotated[
            str | None, QueryParameter(max_length=100, description="The whole name")
        ] = None,
        prefix: Annotated[
            str | None,
            QueryParameter(min_length=1, max_length=100, description="The beginning of the name"),
        ] = None,
        like: Annotated[
            str | None,
            QueryParameter(
                name="search", min_length=1, max_length=100, description="What the name is like"
            ),
        ] = None,
        cursor: Cursor = None,
        limit: PageLimit = 50,
    ) -> PeoplePage:
        """Look accounts up by name."""
        match username, prefix, like:
            case str(), None, None:
                user = await profiles.by_username(caller.account, username)
                return PeoplePage(items=[] if user is None else [user])
            case None, str(), None:
                users, name = await profiles.by_prefix(
                    caller.account, prefix, after=name_of(cursor), limit=limit
                )
                return PeoplePage(items=users, next_cursor=cursor_after_name(name))
            case None, None, str():
                people, place = await profiles.search(
                    caller.account, like, after=person_place(cursor), limit=limit
                )
                return PeoplePage(items=people, next_cursor=cursor_after_person(place))
        raise PlazaError(BAD_REQUEST, "Give one of username, prefix and search.")


class Me(Controller):
    """One's own account."""

    path = "/me"
    tags = ["accounts"]

    @get(summary="Show one's own account", responses=refusals())
    async def show_me(self, caller: Injected[Claims], database: Injected[Database]) -> Account:
        """Look oneself up."""
        async with database.connection() as connection:
            account = await accounts.own_account(connection, caller.account)
        if account is None:
            raise PlazaError(NOT_FOUND, "There is no such account.")
        return account

    @delete(
        summary="Delete one's account",
        description="For good, and at once: nobody can log in any more, all sessions end, their "
        "sockets close, and the username is free. Posts, comments, likes, votes, uploads and "
        "follows go in a while. Messages in rooms become tombstones of nobody; of a room whose "
        "last owner this was, the oldest admin becomes the owner, or else the oldest member.",
        responses=refusals(errors.INVALID_CREDENTIALS, errors.RATE_LIMITED, errors.OVERLOADED),
    )
    async def delete_me(
        self,
        data: JSONBody[DeleteAccount],
        caller: Injected[Claims],
        auth: Injected[Auth],
        origin: Injected[Origin],
    ) -> None:
        """Delete oneself."""
        await auth.delete_account(caller.account, data.password, origin)

    @put(
        "/password",
        summary="Change one's password",
        description="Ends every session of the account, closes their sockets, and begins a new "
        "session with the tokens in the answer.",
        responses=refusals(errors.INVALID_CREDENTIALS, errors.RATE_LIMITED, errors.OVERLOADED),
    )
    async def change_password(
        self,
        data: JSONBody[ChangePassword],
        caller: Injected[Claims],
        auth: Injected[Auth],
        origin: Injected[Origin],
    ) -> SignedIn:
        """Change one's password."""
        return await auth.change_password(
            caller.account, data.current_password, data.new_password, origin
        )
