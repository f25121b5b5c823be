"""The rooms of an account, kept up by what the server says. Pure: events in, state out."""

from msgspec.structs import replace

from plaza_client.wire import ClientEvent, UnknownEvent
from protocol.events import MemberChanged, Ready, Renamed, RoomAdded, RoomEvent, RoomGone
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
            self._append(event)
        elif isinstance(event, RoomAdded):
            self.rooms[event.room.id] = event.room
        elif isinstance(event, RoomGone):
            self.rooms.pop(event.room, None)
        elif isinstance(event, UnknownEvent) and event.room is not None and event.seq is not None:
            self._grow(event.room, event.seq)

    def mark_read(self, room: Id, seq: int) -> None:
        """Take in that everything up to `seq` has been read."""
        known = self.rooms.get(room)
        if known is not None and seq > known.read_seq:
            unread = max(0, known.last_seq - seq)
            self.rooms[room] = replace(known, read_seq=seq, unread=unread)

    def _append(self, event: RoomEvent) -> None:
        self._grow(event.room, event.seq)
        room = self.rooms.get(event.room)
        if room is None:
            return
        if isinstance(event, Renamed):
            self.rooms[room.id] = replace(room, title=event.title)
        elif (
            isinstance(event, MemberChanged)
            and self.user is not None
            and event.account == self.user.id
        ):
            self.rooms[room.id] = replace(room, role=event.role)

    def _grow(self, room: Id, seq: int) -> None:
        known = self.rooms.get(room)
        if known is not None and seq > known.last_seq:
            self.rooms[room] = replace(known, last_seq=seq, unread=max(0, seq - known.read_seq))
