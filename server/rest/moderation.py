"""/rooms/{room}/bans, and .../members/{account}/mute: what admins do about people."""

from litestar import Controller, delete, get, put
from litestar.params import JSONBody

from protocol import errors
from rooms import conversation
from server.chat import Chat
from server.rest.bodies import BanPage, Entry, Term
from server.rest.cursors import cursor_after, position_of
from server.rest.entries import write
from server.rest.errors import refusals
from server.rest.parameters import AccountId, Cursor, PageLimit, RoomId
from server.rest.wire import Injected
from server.tokens import Claims

_REFUSALS = refusals(errors.FORBIDDEN, errors.NOT_FOUND, errors.OVERLOADED)


class Bans(Controller):
    """Who is kept out of a room."""

    path = "/rooms/{room:str}/bans"
    tags = ["moderation"]

    @get(
        summary="List who is banned from a room",
        description="For its admins.",
        responses=refusals(errors.FORBIDDEN, errors.NOT_FOUND),
    )
    async def list_bans(
        self,
        room: RoomId,
        caller: Injected[Claims],
        chat: Injected[Chat],
        cursor: Cursor = None,
        limit: PageLimit = 50,
    ) -> BanPage:
        """List bans."""
        bans, position = await chat.bans(
            caller.account, room, after=position_of(cursor), limit=limit
        )
        return BanPage(items=bans, next_cursor=cursor_after(position))

    @put(
        "/{account:str}",
        summary="Ban an account from a room",
        description="It is removed, if it is a member, and kept out: for so many seconds, or, with "
        "an empty object, for good. A second ban replaces the first.",
        responses=_REFUSALS,
    )
    async def ban_account(
        self,
        room: RoomId,
        account: AccountId,
        data: JSONBody[Term],
        caller: Injected[Claims],
        chat: Injected[Chat],
    ) -> Entry:
        """Ban an account."""
        draft = conversation.ban(caller.account, room, account, seconds=data.seconds)
        return await write(chat, draft)

    @delete(
        "/{account:str}",
        status_code=200,
        summary="Let a banned account come back",
        responses=_REFUSALS,
    )
    async def unban_account(
        self, room: RoomId, account: AccountId, caller: Injected[Claims], chat: Injected[Chat]
    ) -> Entry:
        """Lift a ban."""
        return await write(chat, conversation.unban(caller.account, room, account))


class Mutes(Controller):
    """Who may read a room, but not write."""

    path = "/rooms/{room:str}/members/{account:str}/mute"
    tags = ["moderation"]

    @put(
        summary="Keep a member from writing",
        description="For so many seconds, or, with an empty object, for good. It holds when the "
        "member leaves and comes back.",
        responses=_REFUSALS,
    )
    async def mute_member(
        self,
        room: RoomId,
        account: AccountId,
        data: JSONBody[Term],
        caller: Injected[Claims],
        chat: Injected[Chat],
    ) -> Entry:
        """Mute a member."""
        draft = conversation.mute(caller.account, room, account, seconds=data.seconds)
        return await write(chat, draft)

    @delete(status_code=200, summary="Let a muted member write again", responses=_REFUSALS)
    async def unmute_member(
        self, room: RoomId, account: AccountId, caller: Injected[Claims], chat: Injected[Chat]
    ) -> Entry:
        """Unmute a member."""
        return await write(chat, conversation.unmute(caller.account, room, account))
