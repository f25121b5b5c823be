"""What a connection that comes back has missed.

The order of things makes it exact: the connection is attached to its rooms first, and at that
moment each room's place is noted; live events after it are held. Then the log is read from the
client's cursor up to the noted seq, and no further; then the held events follow. So there is no
hole and no double, and nothing to merge.

Where the client has no cursor, the log is read from the record's last_seq: whatever else it wants
to know of the room, it has to hear of what changed since the record was read.
"""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from protocol.events import Gap, MemberChanged, RoomEvent, RoomGone
from protocol.ids import Id
from protocol.records import Room

# How many events are read at once: enough to make use of a query, few enough for its result to be
# small beside limits.outbox_hard_bytes.
BATCH = 500


class Attached(Struct, frozen=True):
    """A connection listens to a room.

    Attributes:
        record: the room, as it is shown to the client.
        place: the seq after which every event comes live. It may be below or above the record's
            last_seq: see rooms/hub.py.
    """

    record: Room
    place: int


class Span(Struct, frozen=True):
    """The events of a room after the seq `after`, up to and including `upto`."""

    room: Id
    after: int
    upto: int

    def __len__(self) -> int:
        return self.upto - self.after


class CatchUp(Struct, frozen=True):
    """What to tell a client that comes back: notices now, spans from the log."""

    notices: list[Gap | RoomGone]
    spans: list[Span]


def plan(cursors: Mapping[Id, int], rooms: Sequence[Attached], *, cap: int) -> CatchUp:
    """Compare what a client has with what there is.

    Args:
        cursors: room -> the last seq that the client has.
        rooms: the account's.
        cap: more missed events than this are a gap, which the client pages for itself; 0: no cap.
            Events above a record's last_seq are never part of it: they change the record.
    """
    notices: list[Gap | RoomGone] = []
    spans: list[Span] = []
    for attached in rooms:
        room, place = attached.record.id, attached.place
        after = cursors.get(room, attached.record.last_seq)
        shown = min(attached.record.last_seq, place)
        if cap and shown - after > cap:
            notices.append(Gap(room=room, from_=after + 1, to=shown))
            after = shown
        if place > after:
            spans.append(Span(room, after, place))
    if cursors:
        here = {attached.record.id for attached in rooms}
        notices += [RoomGone(room=room) for room in cursors if room not in here]
    return CatchUp(notices, spans)


def audible(events: Sequence[RoomEvent], account: Id) -> Sequence[RoomEvent]:
    """Of a room's missed events those that an account may hear: what is behind its removal is not.

    The removal is on disk, and has yet to be published: else the connection were not attached.
    """
    end = len(events)
    for index, event in enumerate(events):
        if type(event) is MemberChanged and event.account == account:
            end = len(events) if event.role is not None else index + 1
    return events if end == len(events) else events[:end]


def batches(spans: Sequence[Span]) -> Iterator[list[Span]]:
    """The spans in groups of about BATCH events: one read of the log each."""
    group: list[Span] = []
    size = 0
    for span in spans:
        if group and size + len(span) > BATCH:
            yield group
            group, size = [], 0
        group.append(span)
        size += len(span)
    if group:
        yield group
