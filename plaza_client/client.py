"""A client that stays connected: commands, rooms, and every event exactly once."""

from collections.abc import Iterable, Mapping, Set
from types import MappingProxyType
from typing import Literal, TypeVar

from plaza_client.credentials import PasswordLogin, Refresh, Tokens
from plaza_client.delivery import Delivery
from plaza_client.inbox import Inbox
from plaza_client.intake import Intake
from plaza_client.link import Link, OnStatus
from plaza_client.message_commands import MessageCommands
from plaza_client.options import Options
from plaza_client.people import People
from plaza_client.room_commands import RoomCommands
from plaza_client.stream import EventStream
from plaza_client.upkeep import Upkeep
from plaza_client.wire import WIRES, A, Encoding, HistoryPage
from protocol.commands import (
    Command,
    History,
    Presence,
    Subscribe,
    Unsubscribe,
    Unwatch,
    Watch,
)
from protocol.events import Ok, PresenceChanged, RoomAnswer
from protocol.ids import Id
from protocol.records import Room, User

_Watching = TypeVar("_Watching", Watch, Unwatch)


class Client(MessageCommands, RoomCommands):
    """One account's connection to a server; an asynchronous context manager.

    Entering it connects; from then on a lost connection is made again by itself, with full-jitter
    backoff or when the server says, and resumed from the cursors. Commands wait for the connection,
    and are repeated with the same nonce after it was lost or when the server asks for patience, for
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
        super().__init__()
        options = options or Options()
        self._patience = options.command_timeout
        self._login = None if credentials is None else PasswordLogin(url, *credentials)
        inbox = Inbox(options.inbox_events)
        self._people = People()
        self._delivery = Delivery(inbox, self._read_log, cursors or {})
        self._intake = Intake(self._room_list, self._people, inbox, self._delivery)
        self._upkeep = Upkeep(inbox, self._intake, options)
        self._link = Link(
            url,
            wire=WIRES[encoding],
            tokens=Tokens(token, refresh or self._login),
            intake=self._intake,
            upkeep=self._upkeep,
            on_status=on_status,
            options=options,
        )

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
    def presence(self) -> Mapping[Id, PresenceChanged]:
        """What people are now, by account, kept up likewise. Who is not in it is offline, or shares
        no room of up to 200 members with one and is not watched.
        """
        return MappingProxyType(self._people.presence)

    @property
    def blocked(self) -> Set[Id]:
        """The accounts that one has blocked: hide what they write."""
        return frozenset(self._people.blocked)

    @property
    def muted(self) -> Set[Id]:
        """The accounts that one has muted: hide what they write."""
        return frozenset(self._people.muted)

    @property
    def busy(self) -> bool:
        """Whether one is shown as busy."""
        return self._people.busy

    @property
    def hidden(self) -> bool:
        """Whether one is shown as offline to everybody."""
        return self._people.hidden

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
        during an interruption as well), LevelChanged, RelationChanged, SettingsChanged and
        ReadMarker for what one did on another device, UnknownEvent for what only a newer version
        can read, and, should the account have lost its access to missed events, a Gap for them.

        Signs of life come as they arrive: TypingNotice, PresenceChanged, RoomPresence, and others'
        ReadMarker and DeliveredMarker; and NewPost, PostUpdated, PostDeleted, PostCounters and
        NewComment of the feeds that one watches. Of what waits about the same person and room only
        the latest is kept, as of a post's counters, and a consumer that is slow gets none.

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

    # --- oneself and others ----------------------------------------------------------------------

    async def set_presence(
        self,
        state: Literal["online", "away"] | None = None,
        *,
        busy: bool | None = None,
        hidden: bool | None = None,
    ) -> Ok:
        """Say whether one is here. What is None stays as it is.

        Args:
            state: of this device: whether it is in use. It is said again after a reconnect.
            busy: of the account: not to be disturbed.
            hidden: of the account: to be shown as offline to everybody.
        """
        answer = await self._do(Presence(id=0, state=state, busy=busy, hidden=hidden))
        self._upkeep.state = state or self._upkeep.state
        return answer

    async def watch(
        self,
        accounts: Iterable[int] = (),
        *,
        feed: Literal["home"] | None = None,
        authors: Iterable[int] = (),
        tags: Iterable[str] = (),
        posts: Iterable[int] = (),
    ) -> Ok:
        """Be told what happens, for as long as the client lives: at least one of these.

        To have a feed without a hole, watch it first, then read it over REST, and take what comes
        meanwhile into account. After an interruption, and when the consumer was slow, read it anew.

        Args:
            accounts: their presence, whether one shares a room with them or not; up to 100.
            feed: home: what whom one follows posts.
            authors: what these accounts post; up to 100.
            tags: what is posted with these hashtags; up to 20.
            posts: what becomes of these, their counters and comments; up to 100.
        """
        command = _of_feeds(Watch, accounts, feed, authors, tags, posts)
        answer = await self._do(command)
        self._upkeep.watched.add(command)
        return answer

    async def unwatch(
        self,
        accounts: Iterable[int] = (),
        *,
        feed: Literal["home"] | None = None,
        authors: Iterable[int] = (),
        tags: Iterable[str] = (),
        posts: Iterable[int] = (),
    ) -> Ok:
        """Be told no longer: the arguments are those of `watch`."""
        command = _of_feeds(Unwatch, accounts, feed, authors, tags, posts)
        answer = await self._do(command)
        self._upkeep.watched.remove(command)
        return answer

    async def subscribe(self, room: int) -> Room:
        """Listen to a channel without joining it, for as long as the client lives.

        Its entries come like those of one's own rooms, from the room's `last_seq` on, and none is
        missed during an interruption.

        Returns:
            The channel as it is now. It is not among `rooms`.
        """
        answer = await self._ask(Subscribe(id=0, room=Id(room)), RoomAnswer)
        self._upkeep.subscribed.add(answer.room.id)
        self._intake.subscribe(answer.room)
        return answer.room

    async def unsubscribe(self, room: int) -> Ok:
        """Listen no longer, unless one has joined it."""
        self._upkeep.subscribed.discard(Id(room))
        answer = await self._do(Unsubscribe(id=0, room=Id(room)))
        self._intake.unsubscribe(Id(room))
        return answer

    # --- commands --------------------------------------------------------------------------------

    async def _ask(self, command: Command, answer: type[A]) -> A:
        return await self._link.request(command, answer, patience=self._patience)

    async def _mention(self, command: Command) -> None:
        await self._link.mention(command)

    async def _read_log(self, room: Id, after: int, limit: int) -> HistoryPage:
        command = History(id=0, room=room, after=after, limit=limit)
        return await self._link.request(command, HistoryPage, patience=None)


def _of_feeds(
    type_: type[_Watching],
    accounts: Iterable[int],
    feed: Literal["home"] | None,
    authors: Iterable[int],
    tags: Iterable[str],
    posts: Iterable[int],
) -> _Watching:
    return type_(
        id=0,
        accounts=list(map(Id, accounts)),
        feed=feed,
        authors=list(map(Id, authors)),
        tags=list(tags),
        posts=list(map(Id, posts)),
    )
