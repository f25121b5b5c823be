"""What is left to be read, and who is told how far others have got.

A marker's counts are of the moment at which the database moved it. By the time they are told, the
listeners may have heard more of the room, and what they have heard must be in the counts: so it is
counted on top. Where the database was ahead, the counts wait until they have heard as much.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from protocol.events import (
    Deleted,
    DeliveredMarker,
    Edited,
    Event,
    MemberChanged,
    Message,
    ReadMarker,
    RoomEvent,
)
from protocol.ids import Id

# Markers of a room that the others are told in a second. In a room of 100 where all read every
# message, each marker that moves would be 99 events, and each message 9,900. Those that have to
# wait are overtaken by their successors: only the last place counts.
MARKERS_PER_TURN = 20


class Counts(NamedTuple):
    """What a room has for one of its members.

    Attributes:
        read: the read marker.
        unread: messages after it that stand.
        mentions: those of them that mention the member.
    """

    read: int
    unread: int
    mentions: int

    def after(self, event: RoomEvent, account: Id) -> "Counts":
        """With one more event, as it was published: the rules of protocol.records.Room."""
        read, unread, mentions = self
        match event:
            case Message(sender=sender) if sender == account:
                return Counts(event.seq, 0, 0)
            case Message():
                return Counts(read, unread + 1, mentions + (account in event.mentions))
            case Deleted(target=target) if target > read:
                return Counts(read, unread - 1, mentions - (account in event.mentions))
            case Edited(target=target) if target > read:
                more = (account in event.mentions) - (account in event.former_mentions)
                return Counts(read, unread, mentions + more)
        return self


def brought_up(counts: Counts, events: Iterable[RoomEvent], account: Id) -> Counts | None:
    """Counts with more events; None: the account was no member all the time."""
    for event in events:
        if type(event) is MemberChanged and event.account == account:
            return None
        counts = counts.after(event, account)
    return counts


Offer = Callable[[Id, Event, Id], None]
"""`offer(room, sign, account)`: tell a room's listeners, but not the account's own."""


class _Marker:
    __slots__ = ("delivered", "read")

    def __init__(self) -> None:
        self.read = 0
        self.delivered = 0


class Announcements:
    """How far members have got, told to the others: at once, but not too much of it.

    Args:
        offer: tells them.
    """

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._spent: dict[Id, int] = {}  # room -> markers told in this turn
        self._waiting: dict[Id, dict[Id, _Marker]] = {}

    def read(self, room: Id, account: Id, seq: int) -> None:
        """A read marker has moved."""
        self._marker(room, account).read = seq
        self._tell(room)

    def delivered(self, room: Id, account: Id, seq: int) -> None:
        """A delivered marker has moved."""
        self._marker(room, account).delivered = seq
        self._tell(room)

    def turn(self) -> None:
        """Tell what has waited. To be called every second."""
        self._spent.clear()
        for room in list(self._waiting):
            self._tell(room)

    def __len__(self) -> int:
        """How many markers wait."""
        return sum(map(len, self._waiting.values()))

    def _marker(self, room: Id, account: Id) -> _Marker:
        markers = self._waiting.setdefault(room, {})
        marker = markers.get(account)
        if marker is None:
            marker = markers[account] = _Marker()
        return marker

    def _tell(self, room: Id) -> None:
        markers, spent = self._waiting[room], self._spent.get(room, 0)
        while markers and spent < MARKERS_PER_TURN:
            account = next(iter(markers))
            for sign in _signs(room, account, markers.pop(account)):
                self._offer(room, sign, account)
                spent += 1
        self._spent[room] = spent
        if not markers:
            del self._waiting[room]


def _signs(room: Id, account: Id, marker: _Marker) -> Iterable[ReadMarker | DeliveredMarker]:
    if marker.read:
        yield ReadMarker(room=room, account=account, seq=marker.read)
    if marker.delivered > marker.read:
        yield DeliveredMarker(room=room, account=account, seq=marker.delivered)
