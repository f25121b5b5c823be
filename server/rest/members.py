"""/rooms/{room}/members: who is in a room, and as what."""

from litestar import Controller, delete, get, patch, post
from litestar.params import JSONBody

from protocol import errors
from rooms import conversation
from server.chat import Chat
from server.rest.bodies import Entry, MemberPage, NewMember, NewRole
from server.rest.cursors import cursor_after, position_of
from server.rest.entries import write
from server.rest.errors import refusals
from server.rest.parameters import AccountId, Cursor, PageLimit, RoomId
from server.rest.wire import Injected
from server.tokens import Claims

_REFUSALS = (errors.FORBIDDEN, errors.NOT_FOUND, errors.OVERLOADED)


class Members(Controller):
    """Join, invite, promote, kick, leave."""

    path = "/rooms/{room:str}/members"
    tags = ["members"]

    @get(summary="List the members of a room", responses=refusals(errors.NOT_FOUND))
    async def list_members(
        self,
        room: RoomId,
        caller: Injected[Claims],
        chat: Injected[Chat],
        cursor: Cursor = None,
        limit: PageLimit = 50,
    ) -> MemberPage:
        """List members."""
        members, position = await chat.members(
            caller.account, room, after=position_of(cursor), limit=limit
        )
        return MemberPage(items=members, next_cursor=cursor_after(position))

    @post(
        status_code=200,
        summary="Join a channel, or invite somebody",
        responses=refusals(*_REFUSALS),
    )
    async def add_member(
        self,
        room: RoomId,
        data: JSONBody[NewMember],
        caller: Injected[Claims],
        chat: Injected[Chat],
    ) -> Entry:
        """Join or invite."""
        if data.account == caller.account:
            return await write(chat, conversation.join(caller.account, room))
        return await write(chat, conversation.invite(caller.account, room, data.account))

    @patch(
        "/{account:str}",
        summary="Give a member another role",
        responses=refusals(*_REFUSALS, errors.LAST_OWNER),
    )
    async def promote_member(
        self,
        room: RoomId,
        account: AccountId,
        data: JSONBody[NewRole],
        caller: Injected[Claims],
        chat: Injected[Chat],
    ) -> Entry:
        """Give a member another role."""
        return await write(chat, conversation.promote(caller.account, room, account, data.role))

    @delete(
        "/{account:str}",
        status_code=200,
        summary="Leave a room, or remove somebody",
        responses=refusals(*_REFUSALS, errors.LAST_OWNER),
    )
    async def remove_member(
        self, room: RoomId, account: AccountId, caller: Injected[Claims], chat: Injected[Chat]
    ) -> Entry:
        """Leave or kick."""
        if account == caller.account:
            return await write(chat, conversation.leave(caller.account, room))
        return await write(chat, conversation.kick(caller.account, room, account))
