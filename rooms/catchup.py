"""What a connection that comes back has missed.

The order of things makes it exact: the connection is attached to its rooms first, and at that
moment each room's place is noted; live events after it are held. Then comes what was missed, from
the client's cursor up to that place; then the held events. So there is no hole and no double, and
nothing to merge.

What was missed is in two parts. Up to the last_seq of the room's record it is read from the log:
messages show what has become of them, as the record does. What was published between the reading of
the record and the attaching follows as it was written, as if the connection had been attached
before: it changes the record, by the rules of protocol.records.Room, which a message that shows its
later deletion could not.
"""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from protocol.events import Gap, RoomEvent, RoomGone
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
        since: the events after the record's last_seq, up to the place.
    """

    record: Room
    place: int
    since: Sequence[RoomEvent] = ()


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
    """Compare what a client has with what its list of rooms shows.

    Args:
        cursors: room -> the last seq that the client has.
        rooms: the account's.
        cap: more missed events than this are a gap, which the client pages for itself; 0: no cap.
    """
    notices: list[Gap | RoomGone] = []
    spans: list[Span] = []
    for attached in rooms:
        room = attached.record.id
        upto = min(attached.record.last_seq, attached.place)
        cursor = cursors.get(room, upto)
        if cap and upto - cursor > cap:
            notices.append(Gap(room=room, from_=cursor + 1, to=upto))
        elif upto > cursor:
            spans.append(Span(room, cursor, upto))
    if cursors:
        here = {attached.record.id for attached in rooms}
        notices += [RoomGone(room=room) for room in cursors if room not in here]
    return CatchUp(notices, spans)


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
