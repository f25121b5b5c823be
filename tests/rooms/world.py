"""A server around a real hub, whose every step is a call, and devices that check what they hear.

`World` has a database (the logs, and what they say of memberships), the committed events on their
way to `Hub.publish`, and the reads that `joined` asks for. A `Device` follows the seqs of its rooms
and believes nothing that does not fit.
"""

from collections import Counter, deque

from protocol.events import (
    Event,
    MemberCause,
    MemberChanged,
    Message,
    RoomAdded,
    RoomEvent,
    RoomGone,
)
from protocol.ids import Id
from protocol.records import Role, Room, RoomKind
from rooms.fanout import Fanout
from rooms.hub import Hub, Person

ADA, BOB, EVE = ACCOUNTS = [Id(1), Id(2), Id(3)]
GARDEN, KITCHEN = ROOMS = [Id(11), Id(12)]


class Database:
    """The rooms' logs."""

    def __init__(self) -> None:
        self.logs: dict[Id, list[RoomEvent]] = {}

    def last_seq(self, room: Id) -> int:
        return len(self.logs[room])

    def is_member(self, account: Id, room: Id, seq: int | None = None) -> bool:
        """Whether an account is a member, or was after the event with a seq."""
        changes = [
            event.role is not None
            for event in self.logs[room][:seq]
            if isinstance(event, MemberChanged) and event.account == account
        ]
        return bool(changes) and changes[-1]

    def record(self, room: Id, account: Id) -> Room:
        member, last_seq = self.is_member(account, room), self.last_seq(room)
        return Room(
            id=room,
            kind=RoomKind.CHANNEL,
            last_seq=last_seq,
            role=Role.MEMBER if member else None,
            read_seq=1,
            unread=last_seq - 1,
        )

    def rooms_of(self, account: Id) -> list[Room]:
        return [self.record(room, account) for room in self.logs if self.is_member(account, room)]


class Format:
    """A wire format that keeps events as they are, and counts how often it encodes each."""

    def __init__(self) -> None:
        self.encoded: Counter[tuple[Id, int]] = Counter()
        self._events: list[Event] = []

    def frame(self, event: Event) -> bytes:
        if isinstance(event, RoomEvent):
            self.encoded[event.room, event.seq] += 1
        self._events.append(event)
        return b"%d " % (len(self._events) - 1)

    def read(self, chunk: bytes) -> list[Event]:
        return [self._events[int(number)] for number in chunk.split()]


class Device:
    """A connection, which follows the seqs of its rooms and believes nothing that does not fit.

    Attributes:
        seqs: room -> the last seq that it knows of; None: it has not settled.
    """

    def __init__(self, account: Id, wire: Format, database: Database) -> None:
        self.account = account
        self.wire = wire
        self.snapshot: list[Room] | None = None
        self.person: Person
        self.seqs: dict[Id, int] | None = None
        self._database = database

    def enqueue(self, chunk: bytes) -> None:
        assert self.seqs is not None, "not settled yet, or gone"
        for event in self.wire.read(chunk):
            match event:
                case RoomAdded(room=room):
                    assert self.seqs.get(room.id, room.last_seq) == room.last_seq, "a hole"
                    self.seqs[room.id] = room.last_seq
                case RoomGone(room=room):
                    self.seqs.pop(room, None)  # which it may know already, from its look
                case RoomEvent(room=room, seq=seq):
                    assert seq == self.seqs[room] + 1, "a hole, or a double"
                    assert self._may_hear(room, seq), "removed before it"
                    self.seqs[room] = seq

    def deliver(self, chunk: bytes) -> None:
        self.enqueue(chunk)

    def _may_hear(self, room: Id, seq: int) -> bool:
        # Their own removal, too. Who came back since may hear what was written meanwhile.
        moments = range(seq - 1, self._database.last_seq(room) + 1)
        return any(self._database.is_member(self.account, room, moment) for moment in moments)


class World:
    """A server whose every step is a call. Rooms are there from the start, with nobody in them."""

    def __init__(self) -> None:
        self.database = Database()
        self.fanout = Fanout(self._wake)
        self.hub = Hub(self.fanout, self._joined)
        self.formats = [Format(), Format()]
        self.devices: list[Device] = []
        self.committed: deque[RoomEvent] = deque()  # not published yet
        self.asked: deque[tuple[Id, Id, int]] = deque()  # by `joined`
        self.read: deque[tuple[Id, Room, int]] = deque()  # the answers, not given yet
        self.awake = False
        for room in ROOMS:
            self.database.logs[room] = [Message(room=room, sender=ADA, seq=1)]

    def _wake(self) -> None:
        self.awake = True

    def _joined(self, account: Id, room: Id, seq: int) -> None:
        self.asked.append((account, room, seq))

    # --- the database ------------------------------------------------------------------------

    def commit(self, event: RoomEvent) -> None:
        log = self.database.logs[event.room]
        event.seq = len(log) + 1
        log.append(event)
        self.committed.append(event)

    def write(self, room: Id) -> None:
        self.commit(Message(room=room, sender=ADA))

    def admit(self, account: Id, room: Id, role: Role = Role.MEMBER) -> None:
        self.commit(
            MemberChanged(
                room=room, sender=ADA, account=account, cause=MemberCause.INVITED, role=role
            )
        )

    def remove(self, account: Id, room: Id) -> None:
        self.commit(MemberChanged(room=room, sender=ADA, account=account, cause=MemberCause.KICKED))

    def make_room(self, owner: Id) -> Id:
        room = Id(11 + len(self.database.logs))
        created = MemberChanged(
            room=room, sender=owner, account=owner, cause=MemberCause.JOINED, role=Role.OWNER, seq=1
        )
        self.database.logs[room] = [created]
        self.hub.admit(owner, room, 1)
        return room

    def publish(self, count: int | None = None) -> None:
        for _ in range(len(self.committed) if count is None else count):
            self.hub.publish(self.committed.popleft())

    # --- devices -----------------------------------------------------------------------------

    def arriving(self, *, looked: bool = False) -> list[Device]:
        """The devices that have not settled; of them, perhaps, those that have looked."""
        return [
            device
            for device in self.devices
            if device.seqs is None and (device.snapshot is not None or not looked)
        ]

    def settled(self) -> list[Device]:
        return [device for device in self.devices if device.seqs is not None]

    def enter(self, account: Id) -> Device:
        device = Device(account, self.formats[len(self.devices) % 2], self.database)
        self.devices.append(device)
        device.person = self.hub.enter(account)
        return device

    def look(self, device: Device) -> None:
        device.snapshot = self.database.rooms_of(device.account)

    def settle(self, device: Device) -> None:
        assert device.snapshot is not None
        rooms = self.hub.settle(device.person, device, device.snapshot)
        device.seqs = {room.id: room.last_seq for room in rooms}
        assert len(device.seqs) == len(rooms)
        assert all(room.unread == room.last_seq - room.read_seq for room in rooms)

    def arrive(self, account: Id) -> Device:
        device = self.enter(account)
        self.look(device)
        self.settle(device)
        return device

    def forsake(self, device: Device) -> None:
        self.devices.remove(device)
        self.hub.forsake(device.person)

    def leave(self, device: Device) -> None:
        self.devices.remove(device)
        device.seqs = None
        self.hub.leave(device.person, device)

    # --- what `joined` asks for ----------------------------------------------------------------

    def fetch(self) -> None:
        account, room, seq = self.asked.popleft()
        record = self.database.record(room, account)
        if record.role is not None:
            self.read.append((account, record, seq))

    def answer(self) -> None:
        account, record, seq = self.read.popleft()
        self.hub.add_room(account, record, joined_seq=seq)

    # --- the end -------------------------------------------------------------------------------

    def flush(self) -> None:
        self.awake = False
        self.fanout.flush()

    def come_to_rest(self) -> None:
        """All that is under way arrives; then every device knows all that is its to know."""
        while self.committed or self.asked or self.read:
            self.publish()
            while self.asked:
                self.fetch()
            while self.read:
                self.answer()
        if self.awake:
            self.flush()
        for device in self.settled():
            mine = self.database.rooms_of(device.account)
            assert device.seqs == {room.id: room.last_seq for room in mine}
