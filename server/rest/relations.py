"""/me/blocks, /me/mutes, /me/settings: how one stands to others."""

from litestar import Controller, delete, get, patch, put
from litestar.params import JSONBody

from protocol import errors
from server.relations import Relations
from server.rest.bodies import OwnSettings, SettingsChanges, UserPage
from server.rest.cursors import cursor_after, position_of
from server.rest.errors import refusals
from server.rest.parameters import AccountId, Cursor, PageLimit
from server.rest.wire import Injected
from server.tokens import Claims


class Blocks(Controller):
    """Whom one has blocked."""

    path = "/me/blocks"
    tags = ["people"]

    @get(summary="List whom one has blocked", responses=refusals())
    async def list_blocks(
        self,
        caller: Injected[Claims],
        relations: Injected[Relations],
        cursor: Cursor = None,
        limit: PageLimit = 50,
    ) -> UserPage:
        """List blocked accounts."""
        users, position = await relations.blocks(
            caller.account, after=position_of(cursor), limit=limit
        )
        return UserPage(items=users, next_cursor=cursor_after(position))

    @put(
        "/{account:str}",
        status_code=204,
        summary="Block an account",
        description="Neither can write to the other any more: their dm takes no messages, and if "
        "there is none, neither can open one. Neither follows the other any more, nor sees what it "
        "posts, nor finds it. To the blocked account one is offline. What it writes in rooms of "
        "both is for clients to hide. It is not told.",
        responses=refusals(errors.NOT_FOUND, errors.FORBIDDEN),
    )
    async def block_account(
        self, account: AccountId, caller: Injected[Claims], relations: Injected[Relations]
    ) -> None:
        """Block an account."""
        await relations.block(caller.account, account)

    @delete("/{account:str}", summary="Block an account no longer", responses=refusals())
    async def unblock_account(
        self, account: AccountId, caller: Injected[Claims], relations: Injected[Relations]
    ) -> None:
        """Unblock an account."""
        await relations.unblock(caller.account, account)


class MutedAccounts(Controller):
    """Whom one has muted."""

    path = "/me/mutes"
    tags = ["people"]

    @get(summary="List whom one has muted", responses=refusals())
    async def list_muted_accounts(
        self,
        caller: Injected[Claims],
        relations: Injected[Relations],
        cursor: Cursor = None,
        limit: PageLimit = 50,
    ) -> UserPage:
        """List muted accounts."""
        users, position = await relations.mutes(
            caller.account, after=position_of(cursor), limit=limit
        )
        return UserPage(items=users, next_cursor=cursor_after(position))

    @put(
        "/{account:str}",
        status_code=204,
        summary="Mute an account",
        description="Its messages come as before; clients do not draw one's attention to them.",
        responses=refusals(errors.NOT_FOUND, errors.FORBIDDEN),
    )
    async def mute_account(
        self, account: AccountId, caller: Injected[Claims], relations: Injected[Relations]
    ) -> None:
        """Mute an account."""
        await relations.mute(caller.account, account)

    @delete("/{account:str}", summary="Mute an account no longer", responses=refusals())
    async def unmute_account(
        self, account: AccountId, caller: Injected[Claims], relations: Injected[Relations]
    ) -> None:
        """Unmute an account."""
        await relations.unmute(caller.account, account)


class Settings(Controller):
    """Whether one is busy or hidden."""

    path = "/me/settings"
    tags = ["people"]

    @get(summary="Show one's settings", responses=refusals())
    async def show_settings(
        self, caller: Injected[Claims], relations: Injected[Relations]
    ) -> OwnSettings:
        """Show the settings."""
        busy, hidden, _ = await relations.settings(caller.account)
        return OwnSettings(busy=busy, hidden=hidden)

    @patch(summary="Change one's settings", responses=refusals())
    async def change_settings(
        self,
        data: JSONBody[SettingsChanges],
        caller: Injected[Claims],
        relations: Injected[Relations],
    ) -> OwnSettings:
        """Change the settings."""
        busy, hidden, _ = await relations.change_settings(
            caller.account, busy=data.busy, hidden=data.hidden
        )
        return OwnSettings(busy=busy, hidden=hidden)
