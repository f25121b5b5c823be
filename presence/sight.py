"""What is told of an account or a room: an event, encoded once for each wire format."""

from presence.ports import WireFormat
from protocol.events import Event, PresenceChanged, RoomPresence
from protocol.ids import Id
from protocol.records import PresenceState
from protocol.times import from_ms, rfc3339


class Sight:
    """An event, and its frames once somebody needed them.

    The frames are kept: whoever arrives is told the same of everybody who is here.

    Attributes:
        subject: the account or room that it is about.
    """

    __slots__ = ("_event", "_frames", "subject")

    def __init__(self, subject: Id, event: Event) -> None:
        self.subject = subject
        self._event = event
        self._frames: dict[WireFormat, bytes] | None = None

    def frame(self, wire: WireFormat) -> bytes:
        """The event as it goes over the wire."""
        frames = self._frames
        if frames is None:
            frames = self._frames = {}
        frame = frames.get(wire)
        if frame is None:
            frame = frames[wire] = wire.frame(self._event)
        return frame


class AccountSight(Sight):
    """An account's state.

    Args:
        last_seen: of one who is offline, in milliseconds of Unix time; None: it is not told.
    """

    __slots__ = ("state",)

    def __init__(self, account: Id, state: PresenceState, last_seen: int | None = None) -> None:
        moment = None if last_seen is None else rfc3339(from_ms(last_seen))
        super().__init__(account, PresenceChanged(account=account, state=state, last_seen=moment))
        self.state = state


class RoomSight(Sight):
    """How many of a room's members are here."""

    __slots__ = ()

    def __init__(self, room: Id, online: int) -> None:
        super().__init__(room, RoomPresence(room=room, online=online))
