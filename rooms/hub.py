"""The rooms and people that are online in this process.

What is written is published here, in the order of each room's seq. Memberships are those of the
database as it was when a connection said hello, kept up by the membership events published since.

The delicate moment is hello: between the read of the database and the attaching of the connection,
memberships may change. So a person is entered before the read, and what changes for them until the
attaching is remembered and applied on top.
"""

from collections.abc import Callable, Collection, Iterable

import msgspec

from protocol.events import Event, MemberChanged, RoomAdded, RoomEvent, RoomGone
from protocol.ids import Id
from protocol.records import Room
from rooms.fanout import Fanout, LiveRoom
from rooms.ports import Attendance, Receiver, WireFormat


class Person:
    """An account with at least one connection here, settled or saying hello.

    Attributes:
        rooms: that the person is a member of, once a connection has settled.
        receivers: the settled connections.
        arriving: connections that are between `enter` and `settle` or `forsake`.
        lost: rooms that the person was removed from while connections were arriving.
        gained: room -> its record, of those added while connections were arriving.
        joining: room -> seq of the membership event, while the room's record is being read.
    """

    __slots__ = ("account", "arriving", "gained", "joining", "lost", "receivers", "rooms")

    def __init__(self, account: Id) -> None:
        self.account = account
        self.rooms: set[Id] = set()
        self.receivers: dict[Receiver, None] = {}
        self.arriving = 0
        self.lost: set[Id] = set()
        self.gained: dict[Id, Room] = {}
        self.joining: dict[Id, int] = {}

    def notify(self, notice: Event) -> None:
        """Tell every connection of the person."""
        for receiver in self.receivers:
            receiver.enqueue(receiver.wire.frame(notice))


Joined = Callable[[Id, Id, int], None]
"""`joined(account, room, seq)`: somebody who is online became a member by the event with this seq.
Read the room as they see it, then call `Hub.add_room`."""


class Hub:
    """Who listens to what.

    Args:
        fanout: takes what is published.
        joined: asked to fetch the record of a room that somebody has joined.
        attendance: is told who is in which room.
    """

    def __init__(self, fanout: Fanout, joined: Joined, attendance: Attendance) -> None:
        self._fanout = fanout
        self._joined = joined
        self._attendance = attendance
        self._rooms: dict[Id, LiveRoom] = {}
        self._people: dict[Id, Person] = {}
        self._arriving = 0

    # --- what is written -------------------------------------------------------------------------

    def publish(self, event: RoomEvent) -> None:
        """Deliver an entry of the log. Entries that were published before are ignored."""
        room = self._rooms.get(event.room)
        if room is None:
            # Nobody listens, but somebody may be arriving who read the log before this entry:
            # they need to find the right last_seq.
            room = self._rooms[event.room] = LiveRoom(event.room, event.seq - 1)
        if event.seq <= room.published:
            return
        room.published = event.seq
        # The database may have shown it to somebody already, and with it brought the room into
        # memory; but memberships change here alone.
        if event.seq > room.last_seq:
            room.last_seq = event.seq
            if room:
                self._fanout.publish(room, event)
        if type(event) is MemberChanged:
            self._member_changed(room, event)

    def _member_changed(self, room: LiveRoom, event: MemberChanged) -> None:
        room.members = event.members
        if room:
            self._attendance.resized(room.id, room.members)
        person = self._people.get(event.account)
        if person is None:
            return
        if event.role is None:
            if person.arriving:
                person.lost.add(room.id)
                person.gained.pop(room.id, None)
            person.joining.pop(room.id, None)
            if room.id in person.rooms:
                person.rooms.discard(room.id)
                self._fanout.flush_room(room)  # they still learn that they are out
                for receiver in person.receivers:
                    room.discard(receiver)
                person.notify(RoomGone(room=room.id))
                if person.receivers:
                    self._attendance.removed(person.account, room.id)
        else:
            person.lost.discard(room.id)
            self.admit(event.account, room.id, event.seq)

    def admit(self, account: Id, room: Id, seq: int) -> None:
        """Somebody is a member of a room by the event with this seq. `joined` does the rest."""
        person = self._people.get(account)
        if person is not None and room not in person.rooms:
            person.joining[room] = seq
            self._joined(account, room, seq)

    def add_room(self, account: Id, record: Room, *, joined_seq: int) -> None:
        """Let somebody who is online listen to a room that they are a member of now.

        Args:
            record: the room as they see it.
            joined_seq: what `joined` was called with; the call is void when they were removed or
                joined again since.
        """
        person = self._people.get(account)
        if person is None or person.joining.get(record.id) != joined_seq:
            return
        del person.joining[record.id]
        room = self._room(record)
        self._fanout.flush_room(room)
        self._attach(person, room, _current(record, room))

    # --- who is here -----------------------------------------------------------------------------

    def enter(self, account: Id) -> Person:
        """A connection is about to read its account's rooms.

        To be followed by `settle` or `forsake`.
        """
        person = self._people.get(account)
        if person is None:
            person = self._people[account] = Person(account)
        person.arriving += 1
        self._arriving += 1
        return person

    def settle(self, person: Person, receiver: Receiver, rooms: Iterable[Room]) -> list[Room]:
        """Attach a connection to its rooms.

        Args:
            rooms: as read from the database since `enter`.

        Returns:
            The rooms as they are at this moment; the receiver gets every later event.
        """
        settled = []
        for record in (person.gained | {record.id: record for record in rooms}).values():
            if record.id in person.lost:
                continue
            room = self._room(record)
            # What is pending counts as published already: it must not come a second time.
            self._fanout.flush_room(room)
            current = _current(record, room)
            if record.id not in person.rooms:
                # Joined since the other devices settled, and read here before it is published.
                self._attach(person, room, current)
            room.add(receiver)
            settled.append(current)
        person.receivers[receiver] = None
        self._arrived(person)
        self._attendance.arrived(person.account, receiver, settled)
        return settled

    def forsake(self, person: Person) -> None:
        """A connection that had entered will not settle."""
        self._arrived(person)
        self._forget_if_gone(person)

    def leave(self, person: Person, receiver: Receiver) -> None:
        """A settled connection is gone."""
        person.receivers.pop(receiver, None)
        for room_id in person.rooms:
            if room := self._rooms.get(room_id):
                room.discard(receiver)
        self._attendance.left(person.account, receiver)
        self._forget_if_gone(person)

    # --- what is not written ---------------------------------------------------------------------

    def is_member(self, account: Id, room: Id) -> bool:
        """Whether somebody who has a settled connection is a member of a room."""
        person = self._people.get(account)
        return person is not None and room in person.rooms

    def members(self, room: Id) -> int:
        """How many members a room has; 0: nobody listens to it."""
        live = self._rooms.get(room)
        return live.members if live is not None else 0

    def tell(self, account: Id, notice: Event) -> None:
        """Tell every connection of an account something that must not get lost."""
        person = self._people.get(account)
        if person is not None:
            person.notify(notice)

    def offer(self, room: Id, sign: Event, *, but: Collection[Id] = ()) -> None:
        """Tell a room's listeners a sign of life, except the accounts `but`."""
        live = self._rooms.get(room)
        if live is None:
            return
        spared = {
            receiver
            for account in but
            if (person := self._people.get(account))
            for receiver in person.receivers
        }
        frames: dict[WireFormat, bytes] = {}
        for receiver in live.receivers():
            if receiver in spared:
                continue
            frame = frames.get(receiver.wire)
            if frame is None:
                frame = frames[receiver.wire] = receiver.wire.frame(sign)
            receiver.offer(frame)

    def is_online(self, account: Id) -> bool:
        """Whether an account has a connection here, be it arriving."""
        return account in self._people

    def sweep(self) -> None:
        """Forget rooms that nobody listens to. To be called every few seconds."""
        # Not while somebody is arriving, nor rooms that somebody is joining: see publish.
        if self._arriving == 0:
            joining = {room for person in self._people.values() for room in person.joining}
            for room in [room for room in self._rooms.values() if not room and not room.pending]:
                if room.id not in joining:
                    del self._rooms[room.id]

    @property
    def people(self) -> int:
        """How many accounts are online."""
        return len(self._people)

    @property
    def rooms(self) -> int:
        """How many rooms are in memory."""
        return len(self._rooms)

    def _attach(self, person: Person, room: LiveRoom, record: Room) -> None:
        person.rooms.add(room.id)
        if person.arriving:
            person.gained[room.id] = record
        for receiver in person.receivers:
            room.add(receiver)
        person.notify(RoomAdded(room=record))
        if person.receivers:
            self._attendance.entered(person.account, record)

    def _room(self, record: Room) -> LiveRoom:
        room = self._rooms.get(record.id)
        if room is None:
            room = self._rooms[record.id] = LiveRoom(record.id, record.last_seq)
        if record.last_seq >= room.last_seq:
            room.members = record.members
        return room

    def _arrived(self, person: Person) -> None:
        self._arriving -= 1
        person.arriving -= 1
        if not person.arriving:
            person.lost.clear()
            person.gained.clear()

    def _forget_if_gone(self, person: Person) -> None:
        if not person.receivers and not person.arriving:
            del self._people[person.account]


def _current(record: Room, room: LiveRoom) -> Room:
    """A room as it was read, as of the last event that its receivers have."""
    return msgspec.structs.replace(
        record, last_seq=room.last_seq, unread=max(0, room.last_seq - record.read_seq)
    )
