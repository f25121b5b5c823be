"""A table, and beside it the plain truth, by which what the devices believe is judged."""

from collections.abc import Iterable

from presence import Profile, Table
from protocol.events import PresenceChanged, RoomPresence
from protocol.ids import Id
from protocol.records import PresenceState
from tests.presence.devices import AWAY, BUSY, OFFLINE, ONLINE, Device, Format

ACCOUNTS = [Id(number) for number in range(1, 5)]
ROOMS = [Id(number) for number in range(101, 104)]
GRACE = 3_000
NAMED = 2


class Somebody:
    """An account as it is."""

    def __init__(self) -> None:
        self.devices: dict[Device, PresenceState] = {}
        self.before_leaving = OFFLINE
        self.left_at = 0
        self.busy = False
        self.hidden = False
        self.blocked: set[Id] = set()
        self.rooms: set[Id] = set()  # in the database
        self.known_rooms: set[Id] = set()  # what the table was told of them

    def state(self, now: int) -> PresenceState:
        if self.devices:
            here = ONLINE if ONLINE in self.devices.values() else AWAY
        else:
            here = self.before_leaving if now < self.left_at + GRACE else OFFLINE
        return BUSY if self.busy and here is not OFFLINE else here


class World:
    """Everything that can happen to presence, and the truth about it."""

    def __init__(self) -> None:
        self.table = Table(grace=GRACE, named=NAMED)
        self.formats = [Format(), Format()]
        self.now = 1_000_000
        self.people = {account: Somebody() for account in ACCOUNTS}
        self.devices: list[Device] = []
        self.watched: dict[Device, set[Id]] = {}
        self.told_twice_allowed: set[Device] = set()

    # --- what happens ----------------------------------------------------------------------------

    def arrive(self, account: Id, format: int) -> Device:
        person = self.people[account]
        device = Device(account, self.formats[format])
        self.table.arrived(
            account,
            device,
            [(room, self.members(room)) for room in person.rooms],
            Profile(person.busy, person.hidden, frozenset(person.blocked)),
        )
        person.devices[device] = ONLINE
        person.known_rooms = set(person.rooms)
        self.devices.append(device)
        self.watched[device] = set()
        return device

    def greet(self, device: Device) -> None:
        device.ready = True
        self.table.greet(device.owner, device)

    def leave(self, device: Device) -> None:
        person = self.people[device.owner]
        before = ONLINE if ONLINE in person.devices.values() else AWAY
        self.table.left(device.owner, device, self.now)
        del person.devices[device]
        if not person.devices:
            person.before_leaving = before
            person.left_at = self.now
        self.devices.remove(device)
        del self.watched[device]

    def use(self, device: Device, state: PresenceState) -> None:
        self.table.use(device.owner, device, state)
        self.people[device.owner].devices[device] = state

    def join(self, account: Id, room: Id) -> None:
        person = self.people[account]
        person.rooms.add(room)
        self._resize(room)
        if person.devices:
            person.known_rooms.add(room)
            self.table.entered(account, room, self.members(room))

    def part(self, account: Id, room: Id) -> None:
        person = self.people[account]
        person.rooms.discard(room)
        self._resize(room)
        if person.devices:
            person.known_rooms.discard(room)
            self.check_nothing_was_repeated()
            self.table.removed(account, room)
        for device in person.devices:  # its client forgets what it knew of the room
            device.counts.pop(room, None)
            device.known.pop(room, None)

    def _resize(self, room: Id) -> None:
        # The hub does so if anybody listens; the rest is told when somebody arrives.
        if any(room in person.known_rooms and person.devices for person in self.people.values()):
            self.table.resized(room, self.members(room))

    def watch(self, device: Device, accounts: Iterable[Id]) -> None:
        self.watched[device] |= set(accounts)
        self.told_twice_allowed.add(device)  # the answer is the state, known or not
        self.table.watch(device.owner, device, accounts)
        self.table.show(device.owner, device, dict.fromkeys(accounts))

    def unwatch(self, device: Device, account: Id) -> None:
        self.watched[device].discard(account)
        self.table.unwatch(device.owner, device, [account])
        person = self.people[device.owner]
        if account != device.owner and not self._meet(person, self.people[account]):
            self.check_nothing_was_repeated()
            device.states.pop(account, None)  # its client forgets the account
            device.known.pop(account, None)

    def set(self, account: Id, *, busy: bool, hidden: bool) -> None:
        person = self.people[account]
        person.busy, person.hidden = busy, hidden
        self.table.set(account, busy=busy, hidden=hidden)

    def block(self, account: Id, other: Id) -> None:
        self.people[account].blocked.add(other)
        self.table.block(account, other)

    def unblock(self, account: Id, other: Id) -> None:
        self.people[account].blocked.discard(other)
        self.table.unblock(account, other)

    def flush(self, milliseconds: int = 1_000) -> None:
        """Flush, and see that nobody was told twice since the last flush."""
        self.now += milliseconds
        for account in self.table.flush(self.now):
            self.people[account].known_rooms = set()
        self.check_nothing_was_repeated()
        for room in ROOMS:
            if not self.is_large(room):  # when it is again, the count is told anew
                for device in self.devices:
                    device.known.pop(room, None)
        self.told_twice_allowed -= {
            device for device in self.told_twice_allowed if device.ready and not device.slow
        }

    # --- the truth -------------------------------------------------------------------------------

    def members(self, room: Id) -> int:
        return sum(room in person.rooms for person in self.people.values())

    def is_large(self, room: Id) -> bool:
        return self.members(room) > NAMED

    def _meet(self, one: Somebody, other: Somebody) -> bool:
        return any(not self.is_large(room) for room in one.known_rooms & other.known_rooms)

    def seen_by(self, device: Device, account: Id) -> PresenceState:
        person = self.people[account]
        if account == device.owner:
            return person.state(self.now)
        sees = account in self.watched[device] or self._meet(self.people[device.owner], person)
        if not sees or person.hidden or device.owner in person.blocked:
            return OFFLINE
        return person.state(self.now)

    def online_in(self, room: Id) -> int:
        return sum(
            room in person.known_rooms
            and not person.hidden
            and person.state(self.now) is not OFFLINE
            for person in self.people.values()
        )

    # --- judgement -------------------------------------------------------------------------------

    def check(self) -> None:
        """What every device believes is true."""
        for device in self.devices:
            if not device.ready or device.slow:
                continue
            for account in ACCOUNTS:
                assert device.state_of(account) is self.seen_by(device, account), account
            for room in self.people[device.owner].known_rooms:
                if self.is_large(room):
                    assert device.counts.get(room) == self.online_in(room)
        for format in self.formats:
            assert all(times == 1 for times in format.times.values())

    def check_nothing_was_repeated(self) -> None:
        """No device was told what it had been told before."""
        for device in self.devices:
            known = device.known
            for event in device.take():
                key, value = (
                    (event.account, event.state)
                    if isinstance(event, PresenceChanged)
                    else (event.room, event.online)  # type: ignore[attr-defined]
                )
                default = OFFLINE if isinstance(event, PresenceChanged) else None
                if device not in self.told_twice_allowed:
                    assert known.get(key, default) != value, event
                if isinstance(event, RoomPresence):
                    known.pop(key, None)
                known[key] = value
