"""The rooms of an account, kept up by what the server says. Pure: events in, state out.

protocol.records.Room has the rules of the counts. Each room's begin with the record that the server
gave, which knows of the events up to its `last_seq`: those may still come, and count no more. A
marker of one's own reading brings them up to date in the same way.
"""

from msgspec import UNSET
from msgspec.structs import replace

from plaza_client.wire import ClientEvent, UnknownEvent
from protocol.events import (
    Deleted,
    Edited,
    LevelChanged,
    MemberChanged,
    MemberMuted,
    Message,
    ReadMarker,
    Ready,
    Renamed,
    RoomAdded,
    RoomEvent,
    RoomGone,
    SlowModeSet,
)
from protocol.ids import Id
from protocol.records import Room, User


class RoomList:
    """What a client knows about its account's rooms.

    Attributes:
        user: whose rooms they are; None before the first `ready`.
        rooms: by id.
    """

    def __init__(self) -> None:
        self.user: User | None = None
        self.rooms: dict[Id, Room] = {}

    def renew(self, ready: Ready) -> list[RoomAdded | RoomGone]:
        """Take over what a new connection was told.

        Returns:
            What changed while there was no connection, as the notices that would have come.
        """
        before, self.rooms = self.rooms, {room.id: room for room in ready.rooms}
        self.user = ready.user
        gone = [RoomGone(room=room) for room in before if room not in self.rooms]
        added = [RoomAdded(room=room) for room in ready.rooms if room.id not in before]
        return [*gone, *added]

    def apply(self, event: ClientEvent) -> None:
        """Take in an event."""
        if isinstance(event, RoomEvent):
            room = self.rooms.get(event.room)
            if room is not None and self.user is not None and event.seq > room.last_seq:
                self.rooms[room.id] = _after(event, replace(room, last_seq=event.seq), self.user.id)
        elif isinstance(event, RoomAdded):
            self.rooms[event.room.id] = event.room
        elif isinstance(event, RoomGone):
            self.rooms.pop(event.room, None)
        elif isinstance(event, UnknownEvent):
            self._grow(event)
        elif isinstance(event, ReadMarker):
            self._read(event)
        elif isinstance(event, LevelChanged) and (level_of := self.rooms.get(event.room)):
            self.rooms[event.room] = replace(level_of, notify=event.level)

    def mark_read(self, room: Id, seq: int) -> None:
        """Take in that the server knows now that everything up to `seq` has been read."""
        known = self.rooms.get(room)
        # What is left above a seq in the middle is the server's to say, by its notice.
        if known is not None and seq >= known.last_seq:
            self.rooms[room] = replace(known, read_seq=known.last_seq, unread=0, mentions=0)

    def _read(self, marker: ReadMarker) -> None:
        room = self.rooms.get(marker.room)
        if room is None or self.user is None or marker.account != self.user.id:
            return
        if marker.seq < room.read_seq:
            return  # older than what is known
        # Where its last_seq is lower than the room's, events that were in the room's counts when it
        # was read have yet to come: they are not in these counts, and will count.
        self.rooms[room.id] = replace(
            room,
            last_seq=room.last_seq if marker.last_seq is UNSET else marker.last_seq,
            read_seq=marker.seq,
            unread=room.unread if marker.unread is UNSET else marker.unread,
            mentions=room.mentions if marker.mentions is UNSET else marker.mentions,
        )

    def _grow(self, event: UnknownEvent) -> None:
        """An entry of the log that only a newer version understands still has its place in it."""
        known = self.rooms.get(event.room) if event.room is not None else None
        if known is not None and event.seq is not None and event.seq > known.last_seq:
            self.rooms[known.id] = replace(known, last_seq=event.seq)


def _after(event: RoomEvent, room: Room, me: Id) -> Room:
    """A room after one more event."""
    match event:
        case Message(sender=sender) if sender == me:
            return replace(room, read_seq=event.seq, unread=0, mentions=0)
        case Message():
            return _count(room, unread=1, mentions=int(me in event.mentions))
        case Deleted(target=target) if target > room.read_seq:
            return _count(room, unread=-1, mentions=-int(me in event.mentions))
        case Edited(target=target) if target > room.read_seq:
            return _count(room, mentions=(me in event.mentions) - (me in event.former_mentions))
        case MemberChanged():
            room = replace(room, members=event.members)
            return replace(room, role=event.role) if event.account == me else room
        case MemberMuted(account=account) if account == me:
            return replace(room, muted_until=event.until)
        case Renamed():
            return replace(room, title=event.title)
        case SlowModeSet():
            return replace(room, slow_mode=event.seconds)
    return room


def _count(room: Room, *, unread: int = 0, mentions: int = 0) -> Room:
    # Never below zero: an event that was read from the log shows the present state, which may have
    # lost a mention that the edit, coming later, takes away again.
    return replace(
        room, unread=max(0, room.unread + unread), mentions=max(0, room.mentions + mentions)
    )
