"""A server around a real hub, whose every step is a call, and devices that check what they hear.

`World` has a database (the logs, and what they say of rooms and memberships), the committed events
on their way to `Hub.publish`, and the reads that `joined` asks for. A `Device` comes and goes with
its cursors, keeps each room's log and record, and believes nothing that does not fit.
"""

import copy
from collections import Counter, deque
from collections.abc import Iterable

from msgspec.structs import replace

from protocol.events import (
    Deleted,
    Edited,
    Event,
    Gap,
    MemberCause,
    MemberChanged,
    Message,
    ReadMarker,
    Renamed,
    RoomAdded,
    RoomEvent,
    RoomGone,
)
from protocol.ids import Id
from protocol.records import Role, Room, RoomKind
from rooms.catchup import Attached, Span, plan
from rooms.fanout import Fanout
from rooms.hub import Hub, Person
from rooms.live_rooms import KEEP_SECONDS
from rooms.tail import Tails

ADA, BOB, EVE = ACCOUNTS = [Id(1), Id(2), Id(3)]
GARDEN, KITCHEN = ROOMS = [Id(11), Id(12)]

CAP = 6
TAIL = 4


def take_effect(log: list[RoomEvent], event: RoomEvent) -> None:
    """What an event changes in a log that begins anywhere: the messages show their last state."""
    first = log[0].seq if log else 0
    target = getattr(event, "target", 0) - first
    message = log[target] if 0 <= target < len(log) else None
    if isinstance(event, Edited) and message is not None:
        log[target] = replace(message, body=event.body, mentions=event.mentions, edited_at=event.at)
    elif isinstance(event, Deleted):
        if message is not None:
            log[target] = replace(message, body="", mentions=[], deleted=True)
        for index, edit in enumerate(log):
            if isinstance(edit, Edited) and edit.target == event.target:
                log[index] = replace(edit, body="", mentions=[], former_mentions=[])


def after(room: Room, event: RoomEvent, account: Id) -> Room:
    """A room as an account sees it, with one more event: the rules of protocol.records.Room."""
    room = replace(room, last_seq=event.seq)
    match event:
        case Message(sender=sender) if sender == account:
            return replace(room, read_seq=event.seq, unread=0, mentions=0)
        case Message(mentions=mentions):
            mentioned = room.mentions + (account in mentions)
            return replace(room, unread=room.unread + 1, mentions=mentioned)
        case Deleted(target=target, mentions=mentions) if target > room.read_seq:
            mentioned = room.mentions - (account in mentions)
            return replace(room, unread=room.unread - 1, mentions=mentioned)
        case Edited(target=target, mentions=now, former_mentions=former) if target > room.read_seq:
            return replace(room, mentions=room.mentions + (account in now) - (account in former))
        case Renamed(title=title):
            return replace(room, title=title)
        case MemberChanged(members=members):
            role = event.role if event.account == account else room.role
            return replace(room, members=members, role=role)
    return room


class Database:
    """The rooms' logs as they were written and as they are to be read, and the read markers."""

    def __init__(self) -> None:
        self.written: dict[Id, list[RoomEvent]] = {}
        self.logs: dict[Id, list[RoomEvent]] = {}
        self._markers: dict[tuple[Id, Id], int] = {}

    def make_room(self, event: RoomEvent) -> None:
        self.written[event.room], self.logs[event.room] = [], []
        self.append(event)

    def append(self, event: RoomEvent) -> None:
        room = event.room
        event.seq = self.last_seq(room) + 1
        event.at = f"moment {event.seq}"
        if isinstance(event, MemberChanged):
            others = [a for a in ACCOUNTS if a != event.account and self.is_member(a, room)]
            event.members = len(others) + (event.role is not None)
            if event.role is not None and not self.is_member(event.account, room):
                self._markers[event.account, room] = event.seq - 1
        elif isinstance(event, Message):
            self.read(event.sender, room, event.seq)
        take_effect(self.logs[room], event)
        self.written[room].append(event)
        self.logs[room].append(copy.copy(event))

    def read(self, account: Id, room: Id, seq: int) -> None:
        self._markers[account, room] = max(seq, self._markers.get((account, room), 0))

    def last_seq(self, room: Id) -> int:
        return len(self.logs[room])

    def messages(self, room: Id) -> list[Message]:
        return [e for e in self.logs[room] if isinstance(e, Message) and not e.deleted]

    def is_member(self, account: Id, room: Id, seq: int | None = None) -> bool:
        """Whether an account is a member, or was after the event with a seq."""
        changes = [
            event.role is not None
            for event in self.written[room][:seq]
            if isinstance(event, MemberChanged) and event.account == account
        ]
        return bool(changes) and changes[-1]

    def record(self, room: Id, account: Id) -> Room:
        marker = self._markers.get((account, room), 0)
        unread = [message for message in self.messages(room) if message.seq > marker]
        events = self.written[room]
        titles = [event.title for event in events if isinstance(event, Renamed)]
        roles = {e.account: e.role for e in events if isinstance(e, MemberChanged)}
        return Room(
            id=room,
            kind=RoomKind.CHANNEL,
            last_seq=self.last_seq(room),
            title=titles[-1] if titles else None,
            role=roles.get(account),
            members=sum(role is not None for role in roles.values()),
            read_seq=marker,
            unread=len(unread),
            mentions=sum(account in message.mentions for message in unread),
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
    """A client: with a connection or without, it keeps the rooms and their logs.

    Attributes:
        rooms: as they were shown, with all later events.
        logs: room -> its events since the first one that was heard, without a hole.
        seqs: room -> the last seq that it knows of; None: it has no connection, or is arriving.
        missed: what is to be read from the log, while live events are held.
        since: what is to be heard then.
    """

    def __init__(self, account: Id, wire: Format, database: Database) -> None:
        self.account = account
        self.wire = wire
        self.snapshot: list[Room] | None = None
        self.as_of = 0
        self.person: Person
        self.rooms: dict[Id, Room] = {}
        self.logs: dict[Id, list[RoomEvent]] = {}
        self.settled = False
        self.missed: list[Span] | None = None
        self.since: list[RoomEvent] = []
        self._begins: dict[Id, int] = {}
        self._held: list[bytes] = []
        self._database = database

    @property
    def seqs(self) -> dict[Id, int] | None:
        if not self.settled:
            return None
        return {room: record.last_seq for room, record in self.rooms.items()}

    @property
    def cursors(self) -> dict[Id, int]:
        """The last seq of each room that was heard, or shown."""
        return {room: self._cursor(room) for room in self.logs}

    def _cursor(self, room: Id) -> int:
        return self.logs[room][-1].seq if self.logs[room] else self._begins[room]

    def ready(self, rooms: Iterable[Room]) -> None:
        """The answer to hello: rooms that one knows go on where they were."""
        self.rooms = {room.id: room for room in rooms}
        for room in self.rooms.values():
            if room.id not in self.logs:
                self._begin(room.id, room.last_seq)

    def _begin(self, room: Id, seq: int) -> None:
        self.logs[room], self._begins[room] = [], seq

    def enqueue(self, chunk: bytes) -> None:
        assert self.settled, "not settled yet, or gone"
        if self.missed is not None:
            self._held.append(chunk)
            return
        for event in self.wire.read(chunk):
            self.hear(event)

    def deliver(self, chunk: bytes) -> None:
        self.enqueue(chunk)

    def offer(self, chunk: bytes) -> None:
        self.enqueue(chunk)

    def hear(self, event: Event) -> None:
        match event:
            case RoomAdded(room=room):
                assert room.id not in self.rooms, "added twice"
                self.rooms[room.id] = room
                self._begin(room.id, room.last_seq)
            case RoomGone(room=room):
                assert room in self.logs, "gone twice"
                self.rooms.pop(room, None)
                del self.logs[room]
            case Gap(room=room, from_=first, to=last):
                assert first == self._cursor(room) + 1, "a hole, or a double"
                self._begin(room, last)
            case ReadMarker(room=room, seq=seq, unread=unread, mentions=mentions):
                if known := self.rooms.get(room):
                    self.rooms[room] = replace(
                        known,
                        last_seq=event.last_seq,
                        read_seq=seq,
                        unread=unread,
                        mentions=mentions,
                    )
            case RoomEvent():
                self._append(event)

    def _append(self, event: RoomEvent) -> None:
        room = event.room
        assert self._may_hear(room, event.seq), "removed before it"
        known = self.rooms[room]
        if event.seq > known.last_seq:
            assert event.seq == known.last_seq + 1, "a hole"
            self.rooms[room] = after(known, event, self.account)
        # What the list of rooms has shown may come live; who has heard of the room since does not
        # need it.
        if event.seq > self._begins[room]:
            assert event.seq == self._cursor(room) + 1, "a hole, or a double"
            take_effect(self.logs[room], event)
            self.logs[room].append(copy.copy(event))

    def caught_up(self) -> None:
        """Hear what came between the look and the settling, and what was held."""
        for event in self.since:
            self.hear(event)
        self.missed, self.since = None, []
        held, self._held = self._held, []
        for chunk in held:
            self.enqueue(chunk)

    def drop(self) -> None:
        """The connection is gone."""
        self.settled, self.missed, self.snapshot, self._held = False, None, None, []

    def check(self) -> None:
        """At rest: the rooms are those that a fresh load shows, and so are the logs."""
        assert self.rooms == {room.id: room for room in self._database.rooms_of(self.account)}
        for room, log in self.logs.items():
            assert log == self._database.logs[room][self._begins[room] :]

    def _may_hear(self, room: Id, seq: int) -> bool:
        # Their own removal, too. Who came back since may hear what was written meanwhile.
        moments = range(seq - 1, self._database.last_seq(room) + 1)
        return any(self._database.is_member(self.account, room, moment) for moment in moments)


class Door:
    """Attendance that believes nothing that does not fit."""

    def __init__(self) -> None:
        self.rooms: dict[Id, set[Id]] = {}
        self.receivers: dict[Id, set[object]] = {}
        self.sizes: dict[Id, int] = {}

    def arrived(self, account: Id, receiver: object, rooms: Iterable[Room]) -> None:
        here = self.receivers.setdefault(account, set())
        assert receiver not in here
        here.add(receiver)
        self.rooms.setdefault(account, set()).update(room.id for room in rooms)

    def left(self, account: Id, receiver: object) -> None:
        self.receivers[account].remove(receiver)
        if not self.receivers[account]:
            del self.rooms[account]

    def entered(self, account: Id, room: Room) -> None:
        assert self.receivers[account]
        assert room.id not in self.rooms[account]
        self.rooms[account].add(room.id)

    def removed(self, account: Id, room: Id) -> None:
        self.rooms[account].remove(room)

    def resized(self, room: Id, members: int) -> None:
        self.sizes[room] = members


class World:
    """A server whose every step is a call. Rooms are there from the start, with nobody in them."""

    def __init__(self) -> None:
        self.database = Database()
        self.fanout = Fanout(self._wake)
        self.door = Door()
        self.hub = Hub(
            self.fanout, self._joined, self.door, Tails(room_events=TAIL, all_events=2 * TAIL)
        )
        self.formats = [Format(), Format()]
        self.devices: list[Device] = []  # those that are settled or arriving
        self.away: list[Device] = []
        self.committed: deque[RoomEvent] = deque()  # not published yet
        self.asked: deque[tuple[Id, Id, int]] = deque()  # by `joined`
        self.read: deque[tuple[Id, Room, int]] = deque()  # the answers, not given yet
        self.awake = False
        self.now = 0.0
        for room in ROOMS:
            self.database.make_room(Message(room=room, sender=ADA, body="first"))

    def _wake(self) -> None:
        self.awake = True

    def _joined(self, account: Id, room: Id, seq: int) -> None:
        self.asked.append((account, room, seq))

    # --- the database ------------------------------------------------------------------------

    def commit(self, event: RoomEvent) -> None:
        self.database.append(event)
        self.committed.append(event)

    def write(self, room: Id, sender: Id = ADA, *mentions: Id) -> None:
        self.commit(Message(room=room, sender=sender, body="hi", mentions=list(mentions)))

    def edit(self, message: Message, *mentions: Id) -> None:
        self.commit(
            Edited(
                room=message.room,
                sender=message.sender,
                target=message.seq,
                body=f"{message.body}!",
                mentions=list(mentions),
                former_mentions=message.mentions,
            )
        )

    def delete(self, message: Message) -> None:
        self.commit(
            Deleted(
                room=message.room,
                sender=message.sender,
                target=message.seq,
                author=message.sender,
                mentions=message.mentions,
            )
        )

    def rename(self, room: Id) -> None:
        title = f"Title {self.database.last_seq(room)}"
        self.commit(Renamed(room=room, sender=ADA, title=title))

    def mark_read(self, account: Id, room: Id) -> None:
        """Read a room to its end. The counts are those of what has been published by then."""
        self.publish()
        before = self.database.record(room, account)
        self.database.read(account, room, before.last_seq)
        if before.read_seq < before.last_seq:
            seq = before.last_seq
            self.hub.tell(
                account,
                ReadMarker(room=room, account=account, seq=seq, unread=0, mentions=0, last_seq=seq),
            )

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
        self.database.make_room(
            MemberChanged(
                room=room, sender=owner, account=owner, cause=MemberCause.JOINED, role=Role.OWNER
            )
        )
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
            if not device.settled and (device.snapshot is not None or not looked)
        ]

    def settled(self) -> list[Device]:
        return [device for device in self.devices if device.settled]

    def behind(self) -> list[Device]:
        """The devices that have settled and have yet to be told what they missed."""
        return [device for device in self.devices if device.missed is not None]

    def enter(self, account: Id) -> Device:
        device = Device(account, self.formats[len(self.devices) % 2], self.database)
        self._enter(device)
        return device

    def come_back(self, device: Device) -> None:
        self.away.remove(device)
        self._enter(device)

    def _enter(self, device: Device) -> None:
        self.devices.append(device)
        device.person = self.hub.enter(device.account)

    def look(self, device: Device) -> None:
        device.as_of = device.person.changes
        device.snapshot = self.database.rooms_of(device.account)

    def settle(self, device: Device) -> bool:
        """Settle, and hold what is live; False: what was looked at is out of date."""
        assert device.snapshot is not None
        places = self.hub.places(device.snapshot)
        if device.person.changes != device.as_of or places is None:
            device.snapshot = None
            return False
        device.settled, device.missed = True, []
        self.hub.settle(device.person, device, places)
        self._settled(device, places)
        return True

    def _settled(self, device: Device, places: list[Attached]) -> None:
        missed = plan(device.cursors, places, cap=CAP)
        device.ready([place.record for place in places])
        for notice in missed.notices:
            device.hear(notice)
        device.missed = missed.spans
        device.since = [event for place in places for event in place.since]

    def catch_up(self, device: Device) -> None:
        """Read one more span, as the server does: from the tail, else from the log as it is now."""
        assert device.missed is not None
        if device.missed:
            room, first, upto = (span := device.missed.pop(0)).room, span.after, span.upto
            found = self.hub.rooms.recent(room, first, upto)
            if found is None:
                found = self.database.logs[room][first:upto]
            for event in found:
                device.hear(event)
        if not device.missed:
            device.caught_up()

    def arrive(self, account: Id) -> Device:
        device = self.enter(account)
        self.look(device)
        assert self.settle(device)
        self.finish(device)
        return device

    def finish(self, device: Device) -> None:
        while device.missed is not None:
            self.catch_up(device)

    def let_in(self, device: Device) -> None:
        """Settle, and look again where that is needed, as the reception does."""
        while not self.settle(device):
            self.look(device)
        self.finish(device)

    def forsake(self, device: Device) -> None:
        self._gone(device)
        self.hub.forsake(device.person)

    def leave(self, device: Device) -> None:
        self._gone(device)
        self.hub.leave(device.person, device)

    def _gone(self, device: Device) -> None:
        self.devices.remove(device)
        self.away.append(device)
        device.drop()

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

    def sweep(self) -> None:
        """As much time passes as may, while somebody has looked at the database."""
        if not self.arriving(looked=True) and not self.read:
            self.now += KEEP_SECONDS
        self.hub.rooms.sweep(self.now)

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
        for device in self.behind():
            self.finish(device)
        for device in self.settled():
            device.check()
            assert self.door.rooms[device.account] == device.rooms.keys()
