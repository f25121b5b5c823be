"""Devices that believe what they are told."""

from collections import Counter
from collections.abc import Iterator

from presence.ports import WireFormat
from protocol.events import Event, PresenceChanged, RoomPresence
from protocol.ids import Id
from protocol.records import PresenceState

ONLINE, AWAY = PresenceState.ONLINE, PresenceState.AWAY
BUSY, OFFLINE = PresenceState.BUSY, PresenceState.OFFLINE


class Format:
    """A wire format whose frames are numbers, and which knows what they stand for."""

    def __init__(self) -> None:
        self.encoded: list[Event] = []

    def frame(self, event: Event) -> bytes:
        self.encoded.append(event)
        return b"%d;" % (len(self.encoded) - 1)

    def events(self, chunk: bytes) -> Iterator[Event]:
        for number in chunk.split(b";")[:-1]:
            yield self.encoded[int(number)]

    @property
    def times(self) -> Counter[int]:
        """How often each event was encoded."""
        return Counter(map(id, self.encoded))


class Device:
    """A connection. Until it is `ready`, and while it is `slow`, it takes nothing."""

    def __init__(self, owner: Id, wire: WireFormat) -> None:
        self.owner = owner
        self._wire = wire
        self.ready = False
        self.slow = False
        self.states: dict[Id, PresenceState] = {}
        self.last_seen: dict[Id, str | None] = {}
        self.counts: dict[Id, int] = {}
        self.chunks = 0
        self.heard: list[Event] = []
        self.known: dict[Id, object] = {}  # as of when `heard` was looked at last

    @property
    def wire(self) -> WireFormat:
        return self._wire

    def offer(self, chunk: bytes) -> bool:
        if self.slow or not self.ready:
            return False
        assert chunk
        self.chunks += 1
        for event in self._wire.events(chunk):  # type: ignore[attr-defined]
            self.heard.append(event)
            if isinstance(event, PresenceChanged):
                self.states[event.account] = event.state
                self.last_seen[event.account] = event.last_seen
            else:
                assert isinstance(event, RoomPresence)
                self.counts[event.room] = event.online
        return True

    def state_of(self, account: Id) -> PresenceState:
        return self.states.get(account, OFFLINE)

    def take(self) -> list[Event]:
        """What was heard since the last time."""
        heard, self.heard = self.heard, []
        return heard
