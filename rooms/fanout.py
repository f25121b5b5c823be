"""A written event reaches every member's connection.

uvloop's transport writes to the socket at once, so N messages to M members would be N x M system
calls. Here events collect per room until the end of the tick; then each room's are encoded once for
each wire format in use and joined, and each receiver gets one chunk. `loadtest/peers/fanout.py`
measures what that is worth.
"""

from protocol.events import Event
from protocol.ids import Id
from rooms.ports import Receiver, Wake, WireFormat
from rooms.tail import Tail


class LiveRoom:
    """A room that somebody listens to, or that was used a short while ago.

    Attributes:
        last_seq: what receivers have got, or will have by the end of the tick.
        published: of the last event that was published; 0: none yet. It is behind `last_seq` where
            a room was read from the database between an event's commit and its publication.
        members: how many it has, listening or not.
        tail: its last events; either empty, or up to `last_seq`.
        idle_since: when the hub found that nobody listens; None: somebody does, or did just now.
    """

    __slots__ = (
        "_receivers",
        "_walk",
        "id",
        "idle_since",
        "last_seq",
        "members",
        "pending",
        "published",
        "tail",
    )

    def __init__(self, room: Id, last_seq: int) -> None:
        self.id = room
        self.last_seq = last_seq
        self.published = 0
        self.members = 0
        self.tail = Tail()
        self.idle_since: float | None = None
        self.pending: list[Event] = []
        self._receivers: dict[Receiver, None] = {}
        self._walk: tuple[Receiver, ...] | None = ()

    def add(self, receiver: Receiver) -> None:
        """Let a receiver listen. Idempotent."""
        self._receivers[receiver] = None
        self._walk = None
        self.idle_since = None

    def discard(self, receiver: Receiver) -> bool:
        """Let a receiver listen no more; whether it did. Idempotent."""
        if receiver not in self._receivers:
            return False
        del self._receivers[receiver]
        self._walk = None
        return True

    def is_heard_by(self, receiver: Receiver) -> bool:
        """Whether a receiver listens."""
        return receiver in self._receivers

    def receivers(self) -> tuple[Receiver, ...]:
        """Who listens, as a tuple that later changes do not touch: it can be walked at leisure."""
        # Made anew after a change, but not before it is walked: 5,000 joins in a row copy once.
        if self._walk is None:
            self._walk = tuple(self._receivers)
        return self._walk

    def __bool__(self) -> bool:
        return bool(self._receivers)


class Fanout:
    """The rooms that have something to say in this tick.

    Args:
        wake: called when the first event of a tick is published.
    """

    __slots__ = ("_dirty", "_wake", "delivered", "published")

    def __init__(self, wake: Wake) -> None:
        self._wake = wake
        self._dirty: list[LiveRoom] = []
        self.published = 0  # events
        self.delivered = 0  # events x receivers

    def publish(self, room: LiveRoom, event: Event) -> None:
        """Queue an event for the room's receivers."""
        if not room.pending:
            self._dirty.append(room)
            self._wake()
        room.pending.append(event)

    def flush(self) -> None:
        """Hand everything that is pending to the receivers: the end of the tick."""
        done, rooms = 0, len(self._dirty)
        try:
            for room in self._dirty:
                done += 1
                # Who is in several of the rooms gets one write for all. The last room's receivers
                # need not wait for another: without the queue a delivery costs a sixth less.
                self._hand_over(room, at_once=done == rooms)
        finally:
            del self._dirty[:done]  # after a bug in one room, the others' turn is the next tick

    def flush_room(self, room: LiveRoom) -> None:
        """Hand one room's pending events to its receivers, ahead of the end of the tick."""
        self._hand_over(room, at_once=False)

    def _hand_over(self, room: LiveRoom, *, at_once: bool) -> None:
        if not room.pending:
            return
        events, room.pending = room.pending, []
        chunks: dict[WireFormat, bytes] = {}
        receivers = room.receivers()
        for receiver in receivers:
            wire = receiver.wire
            chunk = chunks.get(wire)
            if chunk is None:
                chunk = chunks[wire] = b"".join([wire.frame(event) for event in events])
            if at_once:
                receiver.deliver(chunk)
            else:
                receiver.enqueue(chunk)
        self.published += len(events)
        self.delivered += len(events) * len(receivers)
