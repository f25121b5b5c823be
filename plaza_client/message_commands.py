"""What a client says: messages, and how far it has read them."""

from collections.abc import Iterable, Mapping

from plaza_client.asking import Asking
from plaza_client.wire import HistoryPage
from protocol.commands import (
    Delete,
    Delivered,
    Edit,
    History,
    Pin,
    React,
    Read,
    ReadAll,
    Send,
    Typing,
    Unpin,
    Unreact,
)
from protocol.events import Ok
from protocol.ids import Id
from protocol.records import Attachment


class MessageCommands(Asking):
    """The commands about messages. Part of Client, whose docstring says what they raise."""

    async def send(
        self,
        room: int,
        body: str,
        *,
        reply_to: int | None = None,
        attachments: Iterable[Attachment] = (),
        nonce: str | None = None,
    ) -> Ok:
        """Post a message.

        Args:
            room: where.
            body: up to 8,000 characters; may be empty if there are attachments.
            reply_to: the seq of the message that this one answers.
            attachments: references to what was uploaded elsewhere.
            nonce: of an earlier try whose outcome is unknown; a new one by default.

        Returns:
            Where it stands in the log: seq, event_id, at.
        """
        command = Send(
            id=0,
            room=Id(room),
            body=body,
            reply_to=reply_to,
            attachments=list(attachments),
            nonce=nonce or next(self._nonces),
        )
        return await self._do(command)

    async def edit(self, room: int, seq: int, body: str, *, nonce: str | None = None) -> Ok:
        """Replace the body of one's message."""
        nonce = nonce or next(self._nonces)
        return await self._do(Edit(id=0, room=Id(room), seq=seq, body=body, nonce=nonce))

    async def delete(self, room: int, seq: int, *, nonce: str | None = None) -> Ok:
        """Delete a message."""
        nonce = nonce or next(self._nonces)
        return await self._do(Delete(id=0, room=Id(room), seq=seq, nonce=nonce))

    async def react(self, room: int, seq: int, emoji: str, *, nonce: str | None = None) -> Ok:
        """React to a message."""
        nonce = nonce or next(self._nonces)
        return await self._do(React(id=0, room=Id(room), seq=seq, emoji=emoji, nonce=nonce))

    async def unreact(self, room: int, seq: int, emoji: str, *, nonce: str | None = None) -> Ok:
        """Take a reaction back."""
        nonce = nonce or next(self._nonces)
        return await self._do(Unreact(id=0, room=Id(room), seq=seq, emoji=emoji, nonce=nonce))

    async def pin(self, room: int, seq: int, *, nonce: str | None = None) -> Ok:
        """Pin a message, for all members to find."""
        nonce = nonce or next(self._nonces)
        return await self._do(Pin(id=0, room=Id(room), seq=seq, nonce=nonce))

    async def unpin(self, room: int, seq: int, *, nonce: str | None = None) -> Ok:
        """Pin a message no longer."""
        nonce = nonce or next(self._nonces)
        return await self._do(Unpin(id=0, room=Id(room), seq=seq, nonce=nonce))

    async def read(self, room: int, seq: int) -> Ok:
        """Say that everything up to `seq` has been read. The marker never moves back."""
        answer = await self._do(Read(id=0, room=Id(room), seq=seq))
        self._room_list.mark_read(Id(room), seq)
        return answer

    async def read_all(self) -> Ok:
        """Say that everything in all of one's rooms has been read."""
        return await self._do(ReadAll(id=0))

    async def delivered(self, cursors: Mapping[Id, int]) -> Ok:
        """Say what has reached this device: room -> the last seq, for up to 500 rooms.

        With `Options.delivered` the client does it by itself.
        """
        return await self._do(Delivered(id=0, cursors=dict(cursors)))

    async def typing(self, room: int, *, thread: int | None = None, active: bool = True) -> None:
        """Say that one is writing, or has stopped. To be said again every few seconds.

        A sign of life: without a connection, or when the server has heard enough of them, nothing
        happens.
        """
        await self._mention(Typing(id=0, room=Id(room), thread=thread, active=active))

    async def history(
        self,
        room: int,
        *,
        thread: int | None = None,
        before: int | None = None,
        after: int | None = None,
        around: int | None = None,
        limit: int = 50,
    ) -> HistoryPage:
        """Read a part of a room's log; the newest events by default.

        Args:
            room: whose log.
            thread: the seq of a thread's first message: it and its replies only.
            before: a seq: the events below it.
            after: a seq: the events above it.
            around: a seq: the event itself and those on both sides. At most one of the three.
            limit: how many events at most, up to 200.
        """
        command = History(
            id=0,
            room=Id(room),
            thread=thread,
            before=before,
            after=after,
            around=around,
            limit=limit,
        )
        return await self._ask(command, HistoryPage)
