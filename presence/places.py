"""The rooms of those who are in the table, and what entering, leaving and growing makes seen.

In a room that is not large people see each other; in a large one they are told how many are here.
"""

from presence.audience import Audience
from presence.entries import OFFLINE, Account, Room
from presence.ports import Observer
from presence.post import Post
from presence.sight import AccountSight, RoomSight
from protocol.ids import Id

# A count goes to everybody in a room at once. So it is told again after a millisecond for each.
COUNT_INTERVAL = 1


class Places:
    """Rooms with somebody in them.

    Args:
        audience: knows who sees whom.
        post: takes what is to be told.
        named: members of the largest room in which they see each other.
    """

    def __init__(self, audience: Audience, post: Post, *, named: int) -> None:
        self._audience = audience
        self._post = post
        self._named = named
        self._rooms: dict[Id, Room] = {}
        self._unsettled: dict[Room, None] = {}

    def move(self, entry: Account, rooms: dict[Id, int]) -> None:
        """Somebody is in these rooms, and no others.

        Args:
            rooms: how many members each has.
        """
        for room in entry.rooms:
            if room.id not in rooms:
                self._remove(entry, room)
        known = {room.id for room in entry.rooms}
        for room_id, members in rooms.items():
            if room_id in known:
                self.resize(room_id, members)
            else:
                self._enter(entry, room_id, members)

    def enter(self, entry: Account, room: Id, members: int) -> None:
        """Somebody is in a room."""
        if all(known.id != room for known in entry.rooms):
            self._enter(entry, room, members)

    def remove(self, entry: Account, room: Id) -> None:
        """Somebody is in a room no longer."""
        for known in entry.rooms:
            if known.id == room:
                self._remove(entry, known)

    def resize(self, room: Id, members: int) -> None:
        """A room has another number of members."""
        known = self._rooms.get(room)
        if known is not None:
            self._resize(known, members)

    def forget(self, entry: Account) -> None:
        """Somebody leaves the table, offline, as others know."""
        for room in entry.rooms:
            room.present.discard(entry)
            self._forget_if_empty(room)

    def count(self, entry: Account, step: int) -> None:
        """Others have been told that somebody is here (+1), or is offline (-1)."""
        for room in entry.rooms:
            self._count(room, step)

    def _enter(self, entry: Account, room_id: Id, members: int) -> None:
        room = self._rooms.get(room_id)
        if room is None:
            room = self._rooms[room_id] = Room(room_id, members, large=members > self._named)
        else:
            self._resize(room, members)
        if not room.large:
            if entry.devices or entry.told is not None:  # else it has just come: nobody to be told
                for other in self._audience.strangers(entry, room):
                    self._show(entry, to=other)
                    self._show(other, to=entry)
        elif room.counted is None:
            self._unsettled[room] = None
        else:
            self._post.tell(entry.devices, RoomSight(room.id, room.counted))
        entry.rooms += (room,)
        room.present.add(entry)
        if entry.told is not None:
            self._count(room, +1)

    def _remove(self, entry: Account, room: Room) -> None:
        entry.rooms = tuple(known for known in entry.rooms if known is not room)
        room.present.discard(entry)
        if entry.told is not None:
            self._count(room, -1)
        if not room.large:
            for other in self._audience.strangers(entry, room):
                self._hide(entry, from_=other)
                self._hide(other, from_=entry)
        self._forget_if_empty(room)

    def _resize(self, room: Room, members: int) -> None:
        room.members = members
        if members > self._named and not room.large:
            self._enlarge(room)
        elif members <= self._named and room.large:
            self._unsettled[room] = None

    def _enlarge(self, room: Room) -> None:
        """A room has become large: who shares no other one is to be forgotten."""
        room.large = True
        for entry in room.present:
            for other in self._audience.strangers(entry, room):
                self._hide(entry, from_=other)
        self._unsettled[room] = None

    def _count(self, room: Room, step: int) -> None:
        room.online += step
        if room.large:
            self._unsettled[room] = None

    def _forget_if_empty(self, room: Room) -> None:
        if not room.present:
            del self._rooms[room.id]
            self._unsettled.pop(room, None)

    def _show(self, subject: Account, *, to: Account) -> None:
        """Two accounts share a room now: one learns of the other."""
        if subject.told is not None and to.id not in subject.blocked:
            self._post.tell(self._unaware(to, subject), subject.told)

    def _hide(self, subject: Account, *, from_: Account) -> None:
        """Two accounts share a room no longer: one is to forget the other."""
        if subject.told is not None and from_.id not in subject.blocked:
            self._post.tell(self._unaware(from_, subject), AccountSight(subject.id, OFFLINE))

    def _unaware(self, viewer: Account, subject: Account) -> list[Observer]:
        watches = self._audience.watches
        return [device for device in viewer.devices if not watches(device, subject)]

    # --- the flush -------------------------------------------------------------------------------

    def shrink(self) -> None:
        """Rooms that are large no longer: who shares no other one learns of the others.

        To be called by the flush, so that a room at the border changes sides once a second at most;
        after the states are told, so that they learn the newest ones.
        """
        for room in self._unsettled:
            if room.large and room.members <= self._named:
                for entry in room.present:
                    for other in self._audience.strangers(entry, room):
                        self._show(entry, to=other)
                room.large, room.counted = False, None

    def tell_counts(self, now: int, upto: int) -> None:
        """Tell how many are here in the large rooms where that has changed.

        Args:
            now: in milliseconds.
            upto: when the post was told so much, the rest has to wait for the next flush.
        """
        waiting: dict[Room, None] = {}
        for room in self._unsettled:
            if not room.large or room.online == room.counted:
                continue
            interval = COUNT_INTERVAL * len(room.present)
            # Further away than it can be: the clock was set back.
            if self._post.told >= upto or 0 < room.due - now <= interval:
                waiting[room] = None
                continue
            room.counted = room.online
            room.due = now + interval
            sight = RoomSight(room.id, room.online)
            for entry in room.present:
                self._post.tell(entry.devices, sight)
        self._unsettled = waiting
