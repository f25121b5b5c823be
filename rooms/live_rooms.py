"""The rooms that are in memory, and for how long they are."""

from protocol.events import RoomEvent
from protocol.ids import Id
from protocol.records import Room
from rooms.fanout import Fanout, LiveRoom
from rooms.tail import Tails

# How long a room stays that nobody listens to. After a mass disconnect its tail is what those who
# come back have missed. It has to be longer than any read of the database takes, waiting included:
# what was published since such a read is looked for here.
KEEP_SECONDS = 120


class LiveRooms:
    """The rooms that somebody listens to, or that were used a short while ago.

    Args:
        fanout: has what is pending in them.
        tails: keeps their last events.
    """

    def __init__(self, fanout: Fanout, tails: Tails) -> None:
        self._fanout = fanout
        self._tails = tails
        self._rooms: dict[Id, LiveRoom] = {}

    def get(self, room: Id) -> LiveRoom | None:
        """A room; None: it is not in memory."""
        return self._rooms.get(room)

    def append(self, event: RoomEvent) -> LiveRoom | None:
        """Take in an entry of the log; None: it was published before."""
        room = self._rooms.get(event.room)
        if room is None:
            # Nobody listens, but somebody may be arriving who read the log before this entry.
            room = self._rooms[event.room] = LiveRoom(event.room, event.seq - 1)
        if event.seq <= room.published:
            return None
        room.published = event.seq
        # The database may have shown it to somebody already, and with it brought the room here.
        if event.seq > room.last_seq:
            room.last_seq = event.seq
            room.idle_since = None
            self._tails.append(room.tail, event)
            if room:
                self._fanout.publish(room, event)
        return room

    def shown(self, record: Room) -> LiveRoom:
        """The room of a record, with nothing pending: who is attached now hears what comes."""
        room = self._rooms.get(record.id)
        if room is None:
            room = self._rooms[record.id] = LiveRoom(record.id, record.last_seq)
        self._fanout.flush_room(room)
        if record.last_seq > room.last_seq and not room:
            # Perhaps another process has written to it. Nobody listens who would miss that.
            self._tails.forget(room.tail)
            room.last_seq = record.last_seq
        if record.last_seq >= room.last_seq:
            room.members = record.members
        return room

    def recent(self, room: Id, after: int, upto: int) -> list[RoomEvent] | None:
        """The events of a room after a seq, up to and including another, as the log has them.

        None: not all of them are in memory.
        """
        if after >= upto:
            return []
        live = self._rooms.get(room)
        return None if live is None else self._tails.span(live.tail, after, upto)

    def written(self, room: Id, after: int, upto: int) -> list[RoomEvent] | None:
        """The same, as they were written and sent live."""
        if after >= upto:
            return []
        live = self._rooms.get(room)
        return None if live is None else live.tail.written(after, upto)

    def rewritten(self, room: Id) -> None:
        """The log of a room has changed otherwise than by its events: it is read anew."""
        live = self._rooms.get(room)
        if live is not None:
            self._tails.forget(live.tail)

    def sweep(self, now: float) -> None:
        """Forget rooms that nobody listens to any more. To be called every few seconds.

        Args:
            now: seconds, of a clock that does not go back.
        """
        for room in list(self._rooms.values()):
            if room:
                room.idle_since = None
            elif room.idle_since is None:
                room.idle_since = now
            elif now - room.idle_since >= KEEP_SECONDS:
                self._tails.forget(room.tail)
                del self._rooms[room.id]

    @property
    def tail_events(self) -> int:
        """How many events the tails have."""
        return len(self._tails)

    def __len__(self) -> int:
        return len(self._rooms)
