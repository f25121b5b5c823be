"""Frames to and from commands and events.

With orjson and msgpack, where the server uses msgspec: each wire format is thus written by one
implementation and read by another, and a quirk of either shows. Typing what was read is msgspec's
again, through `protocol.codec`.
"""

from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar, get_args

import msgpack
import msgspec
import orjson
from msgspec import Struct

from plaza_client.errors import WireError
from protocol.codec import from_builtins, to_builtins
from protocol.commands import Command
from protocol.events import (
    AnyEvent,
    AnyRoomEvent,
    DeliveredMarker,
    Error,
    Event,
    Gap,
    LevelChanged,
    Ok,
    PresenceChanged,
    ReadMarker,
    Ready,
    RelationChanged,
    RoomAdded,
    RoomAnswer,
    RoomEvent,
    RoomGone,
    RoomPresence,
    SettingsChanged,
    TypingNotice,
)
from protocol.feed_events import AnyFeedEvent
from protocol.ids import Id, parse_id
from protocol.stream_events import AnyStreamEvent

Encoding = Literal["json", "msgpack"]


class UnknownEvent(Struct, frozen=True):
    """An event that this version of the client cannot read: the server is newer.

    Attributes:
        t: the event's type.
        fields: the whole event, as it stands on the wire.
        room: when the event is an entry of a room's log, the room; else None.
        seq: likewise, its position.
    """

    t: str
    fields: dict[str, Any]
    room: Id | None = None
    seq: int | None = None


class HistoryPage(Struct, frozen=True):
    """A part of a room's log, in ascending order.

    Attributes:
        events: entries of the log.
        more: there are further ones in the direction asked for.
    """

    events: list[AnyRoomEvent | UnknownEvent]
    more: bool


class Answer(Struct, frozen=True):
    """An `ok` frame. What its fields mean depends on the command that it answers: see `shape`."""

    id: int
    fields: dict[str, Any]


Notice = Gap | RoomAdded | RoomGone | LevelChanged | RelationChanged | SettingsChanged
SignOfLife = (
    ReadMarker
    | DeliveredMarker
    | TypingNotice
    | PresenceChanged
    | RoomPresence
    | AnyFeedEvent
    | AnyStreamEvent
)

ClientEvent = AnyRoomEvent | Notice | SignOfLife | UnknownEvent
"""What `Client.events` yields."""

Incoming = ClientEvent | Ready | Error | Answer

A = TypeVar("A", Ok, RoomAnswer, HistoryPage)

_EVENTS: Final[dict[str, type[Event]]] = {
    str(type_.__struct_config__.tag): type_
    for type_ in get_args(AnyEvent | AnyFeedEvent | AnyStreamEvent)
}


class Wire:
    """One wire format.

    Args:
        subprotocol: the WebSocket subprotocol that selects it.
        text: whether it goes in text frames or in binary ones.
        pack: a dict to bytes.
        unpack: bytes to a dict; raises ValueError for what it cannot read.
    """

    __slots__ = ("_pack", "_unpack", "subprotocol", "text")

    def __init__(
        self,
        subprotocol: str,
        *,
        text: bool,
        pack: Callable[[Any], bytes],
        unpack: Callable[[bytes], Any],
    ) -> None:
        self.subprotocol: Final = subprotocol
        self.text: Final = text
        self._pack = pack
        self._unpack = unpack

    def encode(self, command: Command) -> bytes:
        """The command as the payload of a frame."""
        return self._pack(to_builtins(command))

    def decode(self, payload: bytes) -> Incoming:
        """Read a frame.

        Raises:
            WireError: it is not of this format, or lacks what every event has.
        """
        try:
            fields = self._unpack(payload)
        # msgpack's exceptions for truncated and malformed input are ValueErrors, as orjson's are.
        except (ValueError, RecursionError) as error:
            raise WireError(f"A frame from the server could not be read: {error}.") from None
        if not isinstance(fields, dict) or not isinstance(fields.get("t"), str):
            raise WireError("A frame from the server is no event: it has no type in t.")
        if fields["t"] == "ok":
            if not isinstance(fields.get("id"), int):
                raise WireError("An answer from the server has no id.")
            return Answer(fields["id"], fields)
        incoming: Incoming = _typed(fields)
        return incoming


JSON: Final = Wire("plaza.v1.json", text=True, pack=orjson.dumps, unpack=orjson.loads)
MSGPACK: Final = Wire("plaza.v1.msgpack", text=False, pack=msgpack.packb, unpack=msgpack.unpackb)
WIRES: Final[dict[Encoding, Wire]] = {"json": JSON, "msgpack": MSGPACK}


def shape(answer: Answer, type_: type[A]) -> A:
    """An answer as the type that belongs to its command.

    Raises:
        WireError: it is of another type.
    """
    try:
        if type_ is HistoryPage:
            page = HistoryPage(room_events(answer.fields["events"]), answer.fields["more"])
            return page
        return from_builtins(answer.fields, type_)
    except (msgspec.ValidationError, KeyError) as error:
        raise WireError(f"An answer from the server could not be read: {error}.") from None


def room_events(entries: Any) -> list[AnyRoomEvent | UnknownEvent]:
    """Entries of a room's log, as they stand on the wire, as events.

    Raises:
        WireError: they are no such entries.
    """
    try:
        return [_typed(fields) for fields in entries]
    except (KeyError, TypeError) as error:
        raise WireError(f"An answer from the server could not be read: {error}.") from None


def log_place(event: Incoming) -> tuple[Id, int] | None:
    """The room and seq of an entry of a room's log; None for anything else."""
    if isinstance(event, RoomEvent):
        return event.room, event.seq
    if isinstance(event, UnknownEvent) and event.room is not None and event.seq is not None:
        return event.room, event.seq
    return None


def _typed(fields: dict[str, Any]) -> Any:
    type_ = _EVENTS.get(fields["t"])
    if type_ is None:
        return _unknown(fields)
    try:
        return from_builtins(fields, type_)
    except msgspec.ValidationError as error:
        if type_ is Ready or type_ is Error:
            raise WireError(f"An answer from the server could not be read: {error}.") from None
        # A known type with, say, a cause or role that did not exist yet.
        return _unknown(fields)


def _unknown(fields: dict[str, Any]) -> UnknownEvent:
    # An ephemeral event may well carry a room and some seq too (a read marker does); what makes an
    # entry of the log is the event_id.
    if "event_id" in fields and isinstance(fields.get("seq"), int):
        try:
            return UnknownEvent(fields["t"], fields, parse_id(fields["room"]), fields["seq"])
        except (KeyError, TypeError, AttributeError, ValueError):
            pass
    return UnknownEvent(fields["t"], fields)
