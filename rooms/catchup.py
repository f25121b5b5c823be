"""What a connection that comes back has missed.

The order of things makes it exact: the connection is attached to its rooms first, and at that
moment each room's `last_seq` is noted; live events after it are held. Then the log is read from the
client's cursor up to the noted seq, and no further; then the held events follow. So there is no
hole and no double, and nothing to merge.
"""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from protocol.events import Gap, RoomGone
from protocol.ids import Id

# How many events are read at once: enough to make use of a query, few enough for its result to be
# small beside limits.outbox_hard_bytes.
BATCH = 500


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


def plan(cursors: Mapping[Id, int], rooms: Mapping[Id, int], *, cap: int) -> CatchUp:
    """Compare what a client has with what there is.

    Args:
        cursors: room -> the last seq that the client has.
        rooms: the account's rooms -> the seq at which the connection was attached.
        cap: more missed events than this are a gap, which the client pages for itself; 0: no cap.
    """
    notices: list[Gap | RoomGone] = []
    spans: list[Span] = []
    for room, cursor in cursors.items():
        upto = rooms.get(room)
        if upto is None:
            notices.append(RoomGone(room=room))
        elif cap and upto - cursor > cap:
            notices.append(Gap(room=room, from_=cursor + 1, to=upto))
        elif upto > cursor:
            spans.append(Span(room, cursor, upto))
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
