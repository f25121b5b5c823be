"""What users receive, taken apart once for all who receive the same.

The members of a room are sent the very same bytes, one after the other. So a chunk that was read is
kept, with what it means, and who receives it next compares bytes instead of parsing them: at 500
members, one parse in 500 (0.04 us against 5 us for a message, 55 us for 16).
"""

from collections.abc import Mapping
from typing import Final, get_args

import msgspec
from websockets.frames import Opcode

from loadtest.crowd.actions import Listener
from loadtest.crowd.body import due_of
from loadtest.crowd.meter import Meter
from loadtest.frames import split_frames
from protocol.events import AnyEvent, AnyRoomEvent, Error, Gap, Ok, Ready

_KEPT_BYTES = 1 << 20
_KEPT_ENTRIES = 512
_LONGEST = 1 << 16  # what is longer is one user's: a page of history, or what it has missed


class Room:
    """A room, as all users of the process see it.

    Attributes:
        id: as on the wire.
        acknowledged: the newest seq that the server has acknowledged to anybody here.
        newest: seq of the newest message that anybody here has heard; 0: none.
    """

    __slots__ = ("acknowledged", "id", "newest")

    def __init__(self, room: str) -> None:
        self.id = room
        self.acknowledged = 0
        self.newest = 0


class Seen(msgspec.Struct):
    """Of an event, what is looked at."""

    t: str
    id: int | None = None
    room: str = ""
    seq: int = 0
    event_id: str = ""
    sender: str = ""
    nonce: str = ""
    body: str = ""
    edited_at: str = ""
    deleted: bool = False
    target: int = 0
    code: str = ""
    retry_after: float | None = None
    since: int = msgspec.field(name="from", default=0)
    to: int = 0


class Entry:
    """An entry of a room's log.

    Attributes:
        due: when the message was due, in nanoseconds; 0: it is none, or not as it was said.
    """

    __slots__ = ("due", "nonce", "room", "sender", "seq")

    def __init__(self, room: Room, event: Seen, due: int) -> None:
        self.room = room
        self.seq = event.seq
        self.sender = event.sender
        self.nonce = event.nonce
        self.due = due


class Answer:
    """What is one user's alone: an answer, or a notice."""

    __slots__ = ("event", "payload")

    def __init__(self, event: Seen, payload: bytes) -> None:
        self.event = event
        self.payload = payload


class Control:
    """A control frame (RFC 6455 section 5.5)."""

    __slots__ = ("opcode", "payload")

    def __init__(self, opcode: int, payload: bytes) -> None:
        self.opcode = opcode
        self.payload = payload


Heard = tuple[Listener, bytes]
Item = Entry | Answer | Control | Heard


class Chunk:
    """What some received bytes mean.

    Attributes:
        data: the bytes.
        size: how many.
        items: what they say, in order.
        rest: those of a frame that is not complete yet.
        is_plain: nothing but entries, without holes and each room's at once, and events that
            somebody listens to: the same for everybody. The following is of such a chunk.
        room: from which all entries are; None: there are none, or of several.
        before, end: the seq before its first entry, and that of the last one.
        begins: of each room, the seq before its first entry.
        ends: and that of its last one.
        messages: how many there are.
        dues: of these: the time, and how many. Those that are nearer to each other than a
            thousandth of what they have taken are one, as latencies are told to three digits.
        said: by account, what has a nonce.
        others: events for listeners.
        heard: moments at which users have heard it that are not counted yet.
    """

    __slots__ = (
        "before",
        "begins",
        "data",
        "dues",
        "end",
        "ends",
        "heard",
        "is_plain",
        "items",
        "messages",
        "others",
        "rest",
        "room",
        "said",
        "size",
    )

    def __init__(self, data: bytes, items: list[Item], rest: bytes, now: int) -> None:
        self.data = data
        self.size = len(data)
        self.items = items
        self.rest = rest
        self.begins: list[tuple[Room, int]] = []
        self.ends: dict[Room, int] = {}
        self.messages = 0
        self.dues: dict[int, int] = {}
        self.said: dict[str, list[Entry]] = {}
        self.others: list[Heard] = []
        self.heard: list[int] = []
        self.is_plain = not rest and all(self._take(item, now) for item in items)
        self.room: Room | None = None
        self.before = self.end = 0
        if len(self.begins) == 1:
            [(self.room, self.before)] = self.begins
            self.end = self.ends[self.room]

    def _take(self, item: Item, now: int) -> bool:
        if isinstance(item, tuple):
            self.others.append(item)
            return True
        if not isinstance(item, Entry):
            return False
        end = self.ends.get(item.room)
        if end is None:
            self.begins.append((item.room, item.seq - 1))
        elif end != item.seq - 1:
            return False
        self.ends[item.room] = item.seq
        if item.due:
            self._count(item.due, now)
        if item.nonce:
            self.said.setdefault(item.sender, []).append(item)
        return True

    def _count(self, due: int, now: int) -> None:
        self.messages += 1
        last = next(reversed(self.dues), 0)
        near = last if abs(due - last) * 1000 <= now - due else due
        self.dues[near] = self.dues.get(near, 0) + 1


def _tags(*types: object) -> frozenset[bytes]:
    found = {type_ for union in types for type_ in (get_args(union) or (union,))}
    return frozenset(type_.__struct_config__.tag.encode() for type_ in found)


_LOG: Final = _tags(AnyRoomEvent)
_ANSWERS: Final = _tags(Ready, Ok, Error, Gap)
_KNOWN: Final = _tags(AnyEvent)
see: Final = msgspec.json.Decoder(Seen).decode


class Reader:
    """Takes chunks apart, and keeps the last ones.

    Args:
        rooms: by id. What comes of others is not looked at.
        listeners: by type of event.
        meter: is told of what is forged.

    Attributes:
        last: the plain chunk that was asked for last: compare with its `data` first, which costs a
            tenth of looking it up.
    """

    __slots__ = ("_entries", "_kept", "_kept_bytes", "_listeners", "_meter", "_rooms", "last")

    def __init__(
        self, rooms: Mapping[str, Room], listeners: Mapping[str, Listener], meter: Meter
    ) -> None:
        self._rooms = rooms
        self._listeners = {t.encode(): listener for t, listener in listeners.items()}
        self._meter = meter
        self._kept: dict[bytes, Chunk] = {}
        self._kept_bytes = 0
        self._entries: dict[bytes, Entry] = {}
        self.last = Chunk(b"", [], b"", 0)

    def read(self, data: bytes, now: int) -> Chunk:
        """What received bytes mean.

        Args:
            now: nanoseconds.
        """
        if len(data) > _LONGEST:
            return self._parse(data, now)
        chunk = self._kept.get(data)
        if chunk is None:
            chunk = self._parse(data, now)
            if chunk.is_plain:
                self._keep(chunk)
        if chunk.is_plain:
            self.last = chunk
        return chunk

    def entry(self, event: Seen, now: int) -> Entry | None:
        """An event as an entry of a log; None: of a room that is not looked at."""
        room = self._rooms.get(event.room)
        if room is None:
            return None
        is_message = event.t == "message"
        if event.t == "delete" and event.target == room.newest:
            room.newest = 0
        if is_message and event.seq > room.newest and not event.deleted:
            room.newest = event.seq
        due = 0
        # Without a body: a message that has been deleted, or an edit of one.
        if event.body or (is_message and not event.deleted):
            found = due_of(event.body, event.room, event.sender)
            if found is None or found > now:
                self._meter.wrong("forged", f"{event.body[:80]!r} at {event.seq} of {event.room}.")
            elif is_message and not event.edited_at:
                due = found
        return Entry(room, event, due)

    def _parse(self, data: bytes, now: int) -> Chunk:
        frames, rest = split_frames(data)
        items = [
            item
            for opcode, payload in frames
            if (item := self._item(opcode, payload, now)) is not None
        ]
        return Chunk(data, items, rest, now)

    def _item(self, opcode: int, payload: bytes, now: int) -> Item | None:
        if opcode > Opcode.BINARY:
            return Control(opcode, payload)
        # {"t":"message", ... as the server writes it.
        t = payload[6 : payload.find(b'"', 6)]
        try:
            if t in _ANSWERS:
                return Answer(see(payload), payload)
            if t in _LOG:
                return self._logged(payload, now)
            if (listener := self._listeners.get(t)) is not None:
                return listener, payload
            if t not in _KNOWN and (event := see(payload)).event_id:
                return self.entry(event, now)  # the server is newer
        except msgspec.DecodeError as error:
            self._meter.wrong("forged", f"{payload[:80]!r} cannot be read: {error}.")
        return None

    def _logged(self, payload: bytes, now: int) -> Entry | None:
        """An entry of a log. Who wrote it has the answer in the same chunk, and the others not."""
        entry = self._entries.get(payload)
        if entry is None and (entry := self.entry(see(payload), now)) is not None:
            if len(self._entries) >= _KEPT_ENTRIES:
                self._entries.clear()
            self._entries[payload] = entry
        return entry

    def _keep(self, chunk: Chunk) -> None:
        # All of them go at once: what is still on its way to somebody is parsed once more.
        if self._kept_bytes > _KEPT_BYTES:
            self._kept.clear()
            self._kept_bytes = 0
        self._kept[chunk.data] = chunk
        self._kept_bytes += chunk.size
