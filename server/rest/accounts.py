"""/accounts and /me: who people are."""

from typing import Annotated, TypeVar

from litestar import Controller, get, post, put
from litestar.params import JSONBody, QueryParameter

from persistence import accounts
from persistence.accounts import Account
from persistence.database import Database
from protocol import errors
from protocol.errors import BAD_REQUEST, NOT_FOUND, PlazaError
from protocol.records import User
from server.auth import Auth, Origin, SignedIn
from server.rest.authentication import ANYONE
from server.rest.bodies import ChangePassword, SignUp, UserPage
from server.rest.cursors import cursor_after_name, name_of
from server.rest.errors import refusals
from server.rest.parameters import AccountId, Cursor, PageLimit
from server.rest.wire import Injected
from server.tokens import Claims

UserT = TypeVar("UserT", bound=User)


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

    @get(
        summary="Find accounts by their usernames",
        description="By the whole name, `username`: a list of one, or of none. Or by its "
        "beginning, `prefix`: page by page, in the order of the names. Case does not matter.",
        responses=refusals(),
    )
    async def find_accounts(
        self,
        database: Injected[Database],
        username: Annotated[
            str | None, QueryParameter(max_length=100, description="The whole name")
        ] = None,
        prefix: Annotated[
            str | None,
            QueryParameter(min_length=1, max_length=100, description="The beginning of the name"),
        ] = None,
        cursor: Cursor = None,
        limit: PageLimit = 50,
    ) -> UserPage:
        """Look accounts up by name."""
        if (username is None) is (prefix is None):
            raise PlazaError(BAD_REQUEST, "Give either username or prefix.")
        async with database.connection() as connection:
            if prefix is None:
                user = await accounts.account_by_username(connection, username or "")
                return UserPage(items=[] if user is None else [user])
            found = await accounts.accounts_by_prefix(
                connection, prefix, after=name_of(cursor), limit=limit + 1
            )
        more = found[limit - 1].username if len(found) > limit else None
        return UserPage(items=found[:limit], next_cursor=cursor_after_name(more))

    @get(
        "/{account:str}",
        summary="Show an account",
        responses=refusals(errors.NOT_FOUND),
    )
    async def show_account(self, account: AccountId, database: Injected[Database]) -> User:
        """Look an account up by id."""
        async with database.connection() as connection:
            return _existing(await accounts.account(connection, account))


class Me(Controller):
    """One's own account."""

    path = "/me"
    tags = ["accounts"]

    @get(summary="Show one's own account", responses=refusals())
    async def show_me(self, caller: Injected[Claims], database: Injected[Database]) -> Account:
        """Look oneself up."""
        async with database.connection() as connection:
            return _existing(await accounts.own_account(connection, caller.account))

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


def _existing(user: UserT | None) -> UserT:
    if user is None:
        raise PlazaError(NOT_FOUND, "There is no such account.")
    return user
