"""A client that stays connected: commands, rooms, and every event exactly once."""

import itertools
import secrets
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from plaza_client.credentials import PasswordLogin, Refresh, Tokens
from plaza_client.delivery import Delivery
from plaza_client.inbox import Inbox
from plaza_client.intake import Intake
from plaza_client.link import Link, OnStatus
from plaza_client.options import Options
from plaza_client.room_list import RoomList
from plaza_client.stream import EventStream
from plaza_client.wire import WIRES, Encoding, HistoryPage
from protocol.commands import (
    Command,
    CreateRoom,
    Delete,
    Edit,
    History,
    Invite,
    Join,
    Kick,
    Leave,
    Promote,
    React,
    Read,
    Rename,
    Send,
    Unreact,
)
from protocol.events import Ok, RoomCreated
from protocol.ids import Id
from protocol.records import Attachment, Role, Room, RoomKind, User


class Client:
    """One account's connection to a server; an asynchronous context manager.

    Entering it connects; from then on a lost connection is made again by itself, with full-jitter
    backoff, and resumed from the cursors. Commands wait for the connection, and are repeated with
    the same nonce after it was lost or when the server asks for patience, for
    `options.command_timeout` (for less, put asyncio.timeout around the call). What they return is
    on the server's disk, once. A command raises

        PlazaRefused    the server said no
        AnswerTimeout   there was no answer in time; it may have been carried out or not
        ClientClosed    the client was closed meanwhile
        ConnectionLost, Unreachable, WireError
                        the connection is gone for good

    `leave` and `kick` have no nonce: should their answer get lost with the connection, the
    repetition is refused with not_found, because the first try succeeded.

    Args:
        url: of the server, such as http://127.0.0.1:8080.
        token: an access token.
        credentials: username or e-mail address, and password; instead of a token.
        refresh: returns a new access token; asked when the server refuses the one at hand, and
            for the first one if there is no token. `Rest.refresh` is one.
        encoding: json or msgpack.
        cursors: room -> the last seq handled in an earlier run: what came after is delivered. Rooms
            without a cursor begin with what comes from now on.
        on_status: called with a Status whenever the connection's state changes.
        options: how patient to be.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        credentials: tuple[str, str] | None = None,
        refresh: Refresh | None = None,
        encoding: Encoding = "json",
        cursors: Mapping[Id, int] | None = None,
        on_status: OnStatus | None = None,
        options: Options | None = None,
    ) -> None:
        options = options or Options()
        self._patience = options.command_timeout
        self._login = None if credentials is None else PasswordLogin(url, *credentials)
        inbox = Inbox(options.inbox_events)
        self._room_list = RoomList()
        self._delivery = Delivery(inbox, self._read_log, cursors or {})
        self._intake = Intake(self._room_list, inbox, self._delivery)
        self._link = Link(
            url,
            wire=WIRES[encoding],
            tokens=Tokens(token, refresh or self._login),
            intake=self._intake,
            on_status=on_status,
            options=options,
        )
        # (sender, nonce) is unique for as long as the log lives, over all clients of an account.
        self._nonces = map(f"{secrets.token_urlsafe(9)}-{{}}".format, itertools.count(1))

    async def __aenter__(self) -> "Client":
        try:
            await self._link.start()
        except BaseException:
            await self._close_login()
            raise
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection, with a closing handshake. Idempotent.

        Commands that wait get ClientClosed; iterators of events end after what has arrived.
        """
        await self._link.close()
        await self._close_login()

    async def _close_login(self) -> None:
        if self._login is not None:
            await self._login.close()

    # --- what is known ---------------------------------------------------------------------------

    @property
    def user(self) -> User:
        """Who one is."""
        user = self._room_list.user
        assert user is not None, "the client has not been entered"
        return user

    @property
    def rooms(self) -> Mapping[Id, Room]:
        """One's rooms by id, kept up as events arrive (not: as they are handed over)."""
        return MappingProxyType(self._room_list.rooms)

    @property
    def cursors(self) -> Mapping[Id, int]:
        """Room -> the seq of the last event that `events` has handed over.

        Hand it to the next client to go on where this one stopped.
        """
        return MappingProxyType(self._delivery.cursors)

    def events(self) -> EventStream:
        """The events of one's rooms, to be read with `async for` until the client is closed.

        Each entry of a room's log comes exactly once, in the order of its seq: duplicates are
        dropped, holes are filled from the log. Besides these come RoomAdded, RoomGone (for changes
        during an interruption as well), UnknownEvent for what only a newer version can read, and,
        should the account have lost its access to missed events, a Gap for them.

        An event counts as handed over, and the room's cursor advances, when the iterator returns
        it. A client that never iterates has cursors that stand still, and misses nothing by it:
        should it begin later, what did not fit into the inbox is read from the log.

        At most `options.inbox_events` events wait for a slow consumer. Then the socket is read no
        further, except while a command waits for its answer; what comes in that time, or while
        nobody iterates at all, stays in the log until the consumer gets there.

        One task at a time may wait for the next event. A wait may be cancelled, as by a timeout,
        without losing any.
        """
        stream = EventStream(self._delivery)
        self._intake.streams.add(stream)
        return stream

    # --- messages --------------------------------------------------------------------------------

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

    async def read(self, room: int, seq: int) -> Ok:
        """Say that everything up to `seq` has been read."""
        answer = await self._do(Read(id=0, room=Id(room), seq=seq))
        self._room_list.mark_read(Id(room), seq)
        return answer

    async def history(
        self,
        room: int,
        *,
        before: int | None = None,
        after: int | None = None,
        around: int | None = None,
        limit: int = 50,
    ) -> HistoryPage:
        """Read a part of a room's log; the newest events by default.

        Args:
            room: whose log.
            before: a seq: the events below it.
            after: a seq: the events above it.
            around: a seq: the event itself and those on both sides. At most one of the three.
            limit: how many events at most, up to 200.
        """
        command = History(
            id=0, room=Id(room), before=before, after=after, around=around, limit=limit
        )
        return await self._link.request(command, HistoryPage, patience=self._patience)

    # --- rooms -----------------------------------------------------------------------------------

    async def create_room(
        self,
        kind: RoomKind | str,
        title: str | None = None,
        members: Iterable[int] = (),
        *,
        nonce: str | None = None,
    ) -> Room:
        """Create a room; the dm of a pair is created once, and then returned.

        Args:
            kind: dm, group or channel.
            title: of a group or channel.
            members: account ids besides one's own; of a dm the other one.
            nonce: of an earlier try whose outcome is unknown; a new one by default.
        """
        command = CreateRoom(
            id=0,
            kind=RoomKind(kind),
            title=title,
            members=[Id(account) for account in members],
            nonce=nonce or next(self._nonces),
        )
        answer = await self._link.request(command, RoomCreated, patience=self._patience)
        return self._room_list.rooms.setdefault(answer.room.id, answer.room)

    async def join(self, room: int) -> Ok:
        """Join a channel."""
        return await self._do(Join(id=0, room=Id(room)))

    async def leave(self, room: int) -> Ok:
        """Leave a room."""
        return await self._do(Leave(id=0, room=Id(room)))

    async def invite(self, room: int, account: int) -> Ok:
        """Make an account a member."""
        return await self._do(Invite(id=0, room=Id(room), account=Id(account)))

    async def kick(self, room: int, account: int) -> Ok:
        """Remove a member."""
        return await self._do(Kick(id=0, room=Id(room), account=Id(account)))

    async def promote(self, room: int, account: int, role: Role | str) -> Ok:
        """Give a member another role, up or down."""
        command = Promote(id=0, room=Id(room), account=Id(account), role=Role(role))
        return await self._do(command)

    async def rename(self, room: int, title: str) -> Ok:
        """Give a room another title."""
        return await self._do(Rename(id=0, room=Id(room), title=title))

    # --- commands --------------------------------------------------------------------------------

    async def _do(self, command: Command) -> Ok:
        return await self._link.request(command, Ok, patience=self._patience)

    async def _read_log(self, room: Id, after: int, limit: int) -> HistoryPage:
        command = History(id=0, room=room, after=after, limit=limit)
        return await self._link.request(command, HistoryPage, patience=None)
