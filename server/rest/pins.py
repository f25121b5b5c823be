"""/rooms/{room}/pins: messages for all members to find."""

from litestar import Controller, delete, get, put

from protocol import errors
from rooms import conversation
from server.chat import Chat
from server.rest.bodies import Entry, MessagePage
from server.rest.entries import write
from server.rest.errors import refusals
from server.rest.parameters import IdempotencyKey, MessageSeq, RoomId
from server.rest.wire import Injected
from server.tokens import Claims

_REFUSALS = (errors.FORBIDDEN, errors.NOT_FOUND, errors.NONCE_CONFLICT, errors.OVERLOADED)


class Pins(Controller):
    """List, pin, unpin."""

    path = "/rooms/{room:str}/pins"
    tags = ["messages"]

    @get(
        summary="List the pinned messages of a room",
        description="All of them, the last one pinned first.",
        responses=refusals(errors.NOT_FOUND),
    )
    async def list_pins(
        self, room: RoomId, caller: Injected[Claims], chat: Injected[Chat]
    ) -> MessagePage:
        """List pinned messages."""
        return MessagePage(items=await chat.pins(caller.account, room))

    @put(
        "/{seq:str}",
        summary="Pin a message",
        description="As an admin; in a dm, both may.",
        responses=refusals(*_REFUSALS, errors.MESSAGE_DELETED, errors.MUTED, errors.BLOCKED),
    )
    async def pin_message(
        self,
        room: RoomId,
        seq: MessageSeq,
        caller: Injected[Claims],
        chat: Injected[Chat],
        idempotency_key: IdempotencyKey = None,
    ) -> Entry:
        """Pin a message."""
        return await write(chat, conversation.pin(caller.account, room, seq, nonce=idempotency_key))

    @delete(
        "/{seq:str}",
        status_code=200,
        summary="Pin a message no longer",
        responses=refusals(*_REFUSALS),
    )
    async def unpin_message(
        self,
        room: RoomId,
        seq: MessageSeq,
        caller: Injected[Claims],
        chat: Injected[Chat],
        idempotency_key: IdempotencyKey = None,
    ) -> Entry:
        """Pin a message no longer."""
        return await write(
            chat, conversation.unpin(caller.account, room, seq, nonce=idempotency_key)
        )
