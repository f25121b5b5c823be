"""What is told of an account or a room: an event, encoded once for each wire format."""

from presence.ports import WireFormat
from protocol.events import Event, PresenceChanged, RoomPresence
from protocol.ids import Id
from protocol.records import PresenceState
from protocol.times import from_ms, rfc3339


class Sight:
    """What is told, and its frames once somebody needed them.

    The frames are kept: whoever arrives is told the same of everybody who is here. There is a sight
    for everybody, and most people have the same format: a dict for each would be most of it.

    Attributes:
        subject: the account or room that it is about.
    """

    __slots__ = ("_first", "_frame", "_others", "subject")

    def __init__(self, subject: Id) -> None:
        self.subject = subject
        self._first: WireFormat | None = None
        self._frame = b""
        self._others: dict[WireFormat, bytes] | None = None

    def event(self) -> Event:
        """The sight in words."""
        raise NotImplementedError

    def frame(self, wire: WireFormat) -> bytes:
        """The event as it goes over the wire."""
        if wire is self._first:
            return self._frame
        if self._first is None:
            self._first = wire
            self._frame = wire.frame(self.event())
            return self._frame
        others = self._others
        if others is None:
            others = self._others = {}
        frame = others.get(wire)
        if frame is None:
            frame = others[wire] = wire.frame(self.event())
        return frame


class AccountSight(Sight):
    """An account's state.

    Args:
        last_seen: of one who is offline, in milliseconds of Unix time; None: it is not told.
    """

    __slots__ = ("_last_seen", "state")

    def __init__(self, account: Id, state: PresenceState, last_seen: int | None = None) -> None:
        super().__init__(account)
        self.state = state
        self._last_seen = last_seen

    def event(self) -> Event:
        """The sight in words."""
        moment = None if self._last_seen is None else rfc3339(from_ms(self._last_seen))
        return PresenceChanged(account=self.subject, state=self.state, last_seen=moment)


class RoomSight(Sight):
    """How many of a room's members are here."""

    __slots__ = ("_online",)

    def __init__(self, room: Id, online: int) -> None:
        super().__init__(room)
        self._online = online

    def event(self) -> Event:
        """The sight in words."""
        return RoomPresence(room=self.subject, online=self._online)
