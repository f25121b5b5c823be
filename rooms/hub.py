"""The rooms and people that are online in this process.

What is written is published here, in the order of each room's seq. Memberships are those of the
database as it was when a connection said hello, kept up by the membership events published since.

Two moments are delicate. At hello, between the read of the database and the attaching of the
connection, the account's memberships and settings may change: then the read is void, and to be made
again (`Person.changes`). And a room's record and the place at which a connection is attached to it
are hardly ever at the same seq:

    the room is ahead      what was published since the record was read is in the room's tail, and
                           follows the record, as it was written
    the record is ahead    what is committed and has yet to be published comes live. It is in the
                           record already: clients count only what is above a record's last_seq

So a record is shown as it was read, with all its numbers of one moment, and it and the events above
its last_seq are what a later read would show.
"""

from collections.abc import Callable, Collection, Iterable, Sequence

from protocol.events import Event, MemberChanged, ReadMarker, RoomAdded, RoomEvent, RoomGone
from protocol.ids import Id
from protocol.records import Room
from rooms.catchup import Attached
from rooms.fanout import Fanout, LiveRoom
from rooms.guests import Guests
from rooms.live_rooms import LiveRooms
from rooms.ports import Attendance, Receiver, WireFormat
from rooms.tail import Tails


class Person:
    """An account with at least one connection here, settled or saying hello.

    Attributes:
        rooms: that the person is a member of, while a connection is settled.
        receivers: the settled connections.
        arriving: connections that are between `enter` and `settle` or `forsake`.
        changes: how often something has changed that the person's rooms, as they are read from the
            database, show and the events of these rooms do not tell.
        joining: room -> what `joined` was called with, while the room's record is being read.
    """

    __slots__ = ("account", "arriving", "changes", "joining", "receivers", "rooms")

    def __init__(self, account: Id) -> None:
        self.account = account
        self.rooms: set[Id] = set()
        self.receivers: dict[Receiver, None] = {}
        self.arriving = 0
        self.changes = 0
        self.joining: dict[Id, int] = {}


Joined = Callable[[Id, Id, int], None]
"""`joined(account, room, seq)`: somebody who is online became a member by the event with this seq.
Read the room as they see it, then call `Hub.add_room`. A negative seq: it is to be read once more.
"""


class Hub:
    """Who listens to what.

    Args:
        fanout: takes what is published.
        joined: asked to fetch the record of a room that somebody has joined.
        attendance: is told who is in which room.
        tails: keeps the rooms' last events.

    Attributes:
        rooms: those in memory.
    """

    def __init__(
        self, fanout: Fanout, joined: Joined, attendance: Attendance, tails: Tails
    ) -> None:
        self._fanout = fanout
        self._joined = joined
        self._attendance = attendance
        self.rooms = LiveRooms(fanout, tails)
        self._people: dict[Id, Person] = {}
        self._guests = Guests()
        self._voided = 0  # readings of rooms that were joined, counted downwards

    # --- what is written -------------------------------------------------------------------------

    def publish(self, event: RoomEvent) -> None:
        """Deliver an entry of the log. Entries that were published before are ignored."""
        room = self.rooms.append(event)
        if room is not None and type(event) is MemberChanged:
            self._member_changed(room, event)

    def _member_changed(self, room: LiveRoom, event: MemberChanged) -> None:
        room.members = event.members
        if room:
            self._attendance.resized(room.id, room.members)
        if event.role is None:
            self._removed(event.account, room)
        else:
            self.admit(event.account, room.id, event.seq)

    def _removed(self, account: Id, room: LiveRoom) -> None:
        person = self._people.get(account)
        if person is None:
            return
        person.changes += 1
        person.joining.pop(room.id, None)
        if room.id not in person.rooms:
            return
        person.rooms.discard(room.id)
        self._fanout.flush_room(room)  # they still learn that they are out
        gone = RoomGone(room=room.id)
        for receiver in person.receivers:
            if room.discard(receiver):
                receiver.enqueue(receiver.wire.frame(gone))
        if person.receivers:
            self._attendance.removed(account, room.id)

    def admit(self, account: Id, room: Id, seq: int) -> None:
        """Somebody is a member of a room by the event with this seq. `joined` does the rest."""
        person = self._people.get(account)
        if person is None:
            return
        person.changes += 1
        live = self.rooms.get(room)
        # After a promotion, or a repeated creation, all of them listen.
        if person.receivers and not (
            live and all(self._hears(receiver, live) for receiver in person.receivers)
        ):
            self._fetch(person, room, seq)

    def _hears(self, receiver: Receiver, room: LiveRoom) -> bool:
        """Whether a connection listens to a room as its account's."""
        return room.is_heard_by(receiver) and not self._guests.has(receiver, room.id)

    def _fetch(self, person: Person, room: Id, seq: int) -> None:
        person.joining[room] = seq
        self._joined(person.account, room, seq)

    def add_room(self, account: Id, record: Room, *, joined_seq: int) -> None:
        """Let somebody who is online listen to a room that they are a member of now.

        What was published since the record was read follows it. Where that is not to be had, the
        record is asked for again.

        Args:
            record: the room as they see it, read since `joined` was called.
            joined_seq: what `joined` was called with; the call is void when they were removed or
                joined again since.
        """
        person = self._people.get(account)
        if person is None or person.joining.get(record.id) != joined_seq:
            return
        room = self.rooms.shown(record)
        since = self.rooms.written(room.id, record.last_seq, room.last_seq)
        if since is None:
            self._fetch(person, room.id, joined_seq)
            return
        del person.joining[room.id]
        self._become_member(person, record)
        added = RoomAdded(room=record)
        for receiver in person.receivers:
            if not self._hears(receiver, room):
                self._guests.discard(receiver, room.id)
                room.add(receiver)
                frame = receiver.wire.frame
                receiver.enqueue(b"".join(map(frame, (added, *since))))

    # --- who is here -----------------------------------------------------------------------------

    def enter(self, account: Id) -> Person:
        """A connection is about to read its account's rooms.

        To be followed by `settle` or `forsake`.
        """
        person = self._people.get(account)
        if person is None:
            person = self._people[account] = Person(account)
        person.arriving += 1
        return person

    def places(self, rooms: Sequence[Room]) -> list[Attached] | None:
        """Where a connection that settles in this tick is attached to its account's rooms.

        Args:
            rooms: as read from the database since `enter`, and not before `Person.changes` became
                what it is.

        Returns:
            For each room its record, the seq after which every event comes live, and the events in
            between. None: they are too many; the rooms have to be read again.
        """
        places = []
        for record in rooms:
            room = self.rooms.shown(record)
            since = self.rooms.written(room.id, record.last_seq, room.last_seq)
            if since is None:
                return None
            places.append(Attached(record, room.last_seq, since))
        return places

    def settle(self, person: Person, receiver: Receiver, places: Sequence[Attached]) -> None:
        """Attach a connection to its rooms, in the same tick as `places`."""
        records = [place.record for place in places]
        for record in records:
            self.rooms.shown(record).add(receiver)
            if record.id not in person.rooms:
                self._become_member(person, record)
                if person.receivers:
                    # Joined since these have settled, and read here before it is published.
                    self._fetch(person, record.id, record.last_seq)
        person.receivers[receiver] = None
        person.arriving -= 1
        self._attendance.arrived(person.account, receiver, records)

    def forsake(self, person: Person) -> None:
        """A connection that had entered will not settle."""
        person.arriving -= 1
        self._forget_if_gone(person)

    def leave(self, person: Person, receiver: Receiver) -> None:
        """A settled connection is gone."""
        person.receivers.pop(receiver, None)
        for room_id in person.rooms:
            if room := self.rooms.get(room_id):
                room.discard(receiver)
        for room_id in self._guests.leave(receiver):
            if room := self.rooms.get(room_id):
                room.discard(receiver)
        if not person.receivers:
            person.rooms.clear()
        self._attendance.left(person.account, receiver)
        self._forget_if_gone(person)

    # --- guests ----------------------------------------------------------------------------------

    def subscribe(self, person: Person, receiver: Receiver, record: Room) -> Attached | None:
        """Let a settled connection listen to a room, whether its account is a member or not.

        The events of `since` are to follow the record at once: in this tick.

        Args:
            record: the room as they see it, just read.

        Returns:
            As an item of `places`. None: the room has to be read again.
        """
        room = self.rooms.shown(record)
        since = self.rooms.written(room.id, record.last_seq, room.last_seq)
        if since is None:
            return None
        if record.id not in person.rooms:
            room.add(receiver)
            self._guests.add(receiver, record.id)
        return Attached(record, room.last_seq, since)

    def unsubscribe(self, receiver: Receiver, room_id: Id) -> None:
        """Undo `subscribe`. Who is a member goes on listening."""
        if self._guests.discard(receiver, room_id) and (room := self.rooms.get(room_id)):
            self._fanout.flush_room(room)
            room.discard(receiver)

    def subscriptions(self, receiver: Receiver) -> int:
        """How many rooms a connection listens to as a guest."""
        return self._guests.count(receiver)

    # --- what is not written ---------------------------------------------------------------------

    def is_member(self, account: Id, room: Id) -> bool:
        """Whether somebody who has a settled connection is a member of a room."""
        person = self._people.get(account)
        return person is not None and room in person.rooms

    def members(self, room: Id) -> int:
        """How many members a room has; 0: nobody listens to it."""
        live = self.rooms.get(room)
        return live.members if live is not None else 0

    def tell(self, account: Id, notice: Event) -> None:
        """Tell every connection of an account something that must not get lost.

        To be called after the commit: who is just arriving learns it from the database, and so does
        who is just being told of a room.
        """
        person = self._people.get(account)
        if person is not None:
            person.changes += 1
            for joined in person.joining:
                self._voided -= 1
                self._fetch(person, joined, self._voided)
            if isinstance(notice, ReadMarker) and (room := self.rooms.get(notice.room)):
                self._fanout.flush_room(room)  # it counts what is pending
            for receiver in person.receivers:
                receiver.enqueue(receiver.wire.frame(notice))

    def offer(self, room: Id, sign: Event, *, but: Collection[Id] = ()) -> None:
        """Tell a room's listeners a sign of life, except the accounts `but`."""
        live = self.rooms.get(room)
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

    def offer_to(self, accounts: Iterable[Id], sign: Event) -> None:
        """Tell every connection of some accounts a sign of life."""
        frames: dict[WireFormat, bytes] = {}
        for account in accounts:
            person = self._people.get(account)
            for receiver in person.receivers if person else ():
                frame = frames.get(receiver.wire)
                if frame is None:
                    frame = frames[receiver.wire] = receiver.wire.frame(sign)
                receiver.offer(frame)

    def accounts(self) -> list[Id]:
        """The accounts that have a settled connection here."""
        return [account for account, person in self._people.items() if person.receivers]

    def is_online(self, account: Id) -> bool:
        """Whether an account has a connection here, be it arriving."""
        return account in self._people

    @property
    def people(self) -> int:
        """How many accounts are online."""
        return len(self._people)

    def _become_member(self, person: Person, record: Room) -> None:
        if record.id not in person.rooms:
            person.rooms.add(record.id)
            if person.receivers:
                self._attendance.entered(person.account, record)

    def _forget_if_gone(self, person: Person) -> None:
        if not person.receivers and not person.arriving:
            del self._people[person.account]
