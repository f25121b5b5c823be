"""/rooms/{room}/messages: what people say, and how others react."""

from litestar import Controller, delete, patch, post, put
from litestar.params import JSONBody

from protocol import errors
from rooms import conversation
from server.chat import Chat
from server.rest.bodies import Entry, NewBody, NewMessage
from server.rest.entries import write
from server.rest.errors import refusals
from server.rest.parameters import Emoji, IdempotencyKey, MessageSeq, RoomId
from server.rest.wire import Injected
from server.tokens import Claims

_REFUSALS = refusals(
    errors.FORBIDDEN,
    errors.NOT_FOUND,
    errors.NONCE_CONFLICT,
    errors.MESSAGE_DELETED,
    errors.OVERLOADED,
)


class Messages(Controller):
    """Post, edit and delete messages; react to them."""

    path = "/rooms/{room:str}/messages"
    tags = ["messages"]

    @post(
        summary="Post a message",
        description="The answer comes when the message is on disk. A retry with the same nonce, "
        "here or in the header, posts nothing and gets the first answer.",
        responses=_REFUSALS,
    )
    async def send_message(
        self,
        room: RoomId,
        data: JSONBody[NewMessage],
        caller: Injected[Claims],
        chat: Injected[Chat],
        idempotency_key: IdempotencyKey = None,
    ) -> Entry:
        """Post a message."""
        draft = conversation.message(
            caller.account,
            room,
            data.body,
            nonce=data.nonce or idempotency_key,
            reply_to=data.reply_to,
            attachments=data.attachments,
        )
        return await write(chat, draft)

    @patch("/{seq:str}", summary="Edit one's message", responses=_REFUSALS)
    async def edit_message(
        self,
        room: RoomId,
        seq: MessageSeq,
        data: JSONBody[NewBody],
        caller: Injected[Claims],
        chat: Injected[Chat],
        idempotency_key: IdempotencyKey = None,
    ) -> Entry:
        """Replace the body of a message."""
        draft = conversation.edit(caller.account, room, seq, data.body, nonce=idempotency_key)
        return await write(chat, draft)

    @delete(
        "/{seq:str}",
        status_code=200,
        summary="Delete a message",
        description="One's own or, as an admin of the room, anyone's. A tombstone stays.",
        responses=_REFUSALS,
    )
    async def delete_message(
        self,
        room: RoomId,
        seq: MessageSeq,
        caller: Injected[Claims],
        chat: Injected[Chat],
        idempotency_key: IdempotencyKey = None,
    ) -> Entry:
        """Delete a message."""
        draft = conversation.delete(caller.account, room, seq, nonce=idempotency_key)
        return await write(chat, draft)

    @put("/{seq:str}/reactions/{emoji:str}", summary="React to a message", responses=_REFUSALS)
    async def react(
        self,
        room: RoomId,
        seq: MessageSeq,
        emoji: Emoji,
        caller: Injected[Claims],
        chat: Injected[Chat],
        idempotency_key: IdempotencyKey = None,
    ) -> Entry:
        """React to a message."""
        draft = conversation.react(caller.account, room, seq, emoji, nonce=idempotency_key)
        return await write(chat, draft)

    @delete(
        "/{seq:str}/reactions/{emoji:str}",
        status_code=200,
        summary="Take a reaction back",
        responses=_REFUSALS,
    )
    async def unreact(
        self,
        room: RoomId,
        seq: MessageSeq,
        emoji: Emoji,
        caller: Injected[Claims],
        chat: Injected[Chat],
        idempotency_key: IdempotencyKey = None,
    ) -> Entry:
        """Take a reaction back."""
        draft = conversation.unreact(caller.account, room, seq, emoji, nonce=idempotency_key)
        return await write(chat, draft)
