"""Accounts and their devices: who comes, goes, and is told; and the flush that tells it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from presence.audience import Audience
from presence.entries import OFFLINE, Account
from presence.places import Places
from presence.ports import Observer
from presence.post import Post
from presence.sight import AccountSight, RoomSight, Sight
from protocol.ids import Id
from protocol.records import PresenceState


class Bounds(NamedTuple):
    """What one flush does at most, so that a storm of changes does not keep the event loop.

    With the defaults that is some 20 ms, and as much again for the writes. The rest is left to the
    next one. What waits is overtaken by what comes: the larger the storm, the more of it is never
    told.

    Attributes:
        told: events times the connections that they are for.
        letters: connections that something is handed over to; each is a write to a socket.
    """

    told: int = 50_000
    letters: int = 2_000


class Profile(NamedTuple):
    """What the database knows of an account that matters here."""

    busy: bool = False
    hidden: bool = False
    blocked: frozenset[Id] = frozenset()


class Table:
    """Who is here.

    Moments are milliseconds of Unix time, and may step back.

    Args:
        grace: milliseconds between the last device's leaving and the account's being offline.
        named: members of the largest room in which they are told of each other by name.
        bounds: of one flush.
    """

    def __init__(self, *, grace: int, named: int, bounds: Bounds | None = None) -> None:
        self._grace = grace
        self._bounds = bounds or Bounds()
        self._accounts: dict[Id, Account] = {}
        self._audience = Audience()
        self._post = Post()
        self._places = Places(self._audience, self._post, named=named)
        self._changed: dict[Account, None] = {}
        self._leaving: dict[Account, None] = {}  # who left first, first

    # --- devices ---------------------------------------------------------------------------------

    def arrived(
        self, account: Id, observer: Observer, rooms: Iterable[tuple[Id, int]], profile: Profile
    ) -> None:
        """A device is here. It takes in nothing yet; `greet` tells it who else is here.

        Args:
            rooms: that the account is a member of, and how many members each has.
            profile: counts for an account that is not in the table; later changes come one by one.
        """
        entry = self._accounts.get(account)
        if entry is None:
            entry = self._accounts[account] = Account(account, **profile._asdict())
        self._places.move(entry, dict(rooms))
        entry.devices += (observer,)
        self._leaving.pop(entry, None)
        self._settle(entry)
        self._post.deliver()

    def greet(self, account: Id, observer: Observer) -> None:
        """A device that has arrived can take in who is here."""
        viewer = self._accounts.get(account)
        if viewer is None or observer not in viewer.devices:
            return
        sights: list[Sight] = [
            other.told
            for other in self._audience.company(viewer)
            if other.told is not None and account not in other.blocked
        ]
        for room in viewer.rooms:
            if room.large and room.counted is not None:
                sights.append(RoomSight(room.id, room.counted))
        if viewer.own is not None:
            sights.append(viewer.own)
        # What was kept meanwhile is in the above, but for those that it watches.
        kept = self._post.take_back(observer)
        sights += [kept[each] for each in self._audience.watched(observer) if each in kept]
        self._post.write_to(observer, sights)

    def left(self, account: Id, observer: Observer, now: int) -> None:
        """A device is gone."""
        entry = self._accounts[account]
        entry.devices = tuple(device for device in entry.devices if device is not observer)
        entry.away -= {observer}
        self._audience.unwatch(observer, tuple(self._audience.watched(observer)))
        self._post.take_back(observer)
        if entry.devices:
            self._settle(entry)
        else:
            entry.left_at = now
            self._leaving[entry] = None

    def use(self, account: Id, observer: Observer, state: PresenceState) -> None:
        """A device is in use (ONLINE), or is not (AWAY)."""
        entry = self._accounts[account]
        if state is PresenceState.AWAY:
            entry.away |= {observer}
        else:
            entry.away -= {observer}
        self._settle(entry)

    def _settle(self, entry: Account) -> None:
        entry.settle()
        self._changed[entry] = None

    # --- rooms -----------------------------------------------------------------------------------

    def entered(self, account: Id, room: Id, members: int) -> None:
        """Somebody who is here has become a member of a room."""
        self._places.enter(self._accounts[account], room, members)
        self._post.deliver()

    def removed(self, account: Id, room: Id) -> None:
        """Somebody who is here is a member of a room no longer."""
        self._places.remove(self._accounts[account], room)
        self._post.deliver()

    def resized(self, room: Id, members: int) -> None:
        """A room has another number of members."""
        self._places.resize(room, members)
        self._post.deliver()

    # --- watching --------------------------------------------------------------------------------

    def watched(self, observer: Observer) -> frozenset[Id]:
        """The accounts that a connection watches."""
        return frozenset(self._audience.watched(observer))

    def watch(self, account: Id, observer: Observer, accounts: Iterable[Id]) -> None:
        """Let a connection watch accounts. `show` tells it what they are."""
        self._audience.watch(self._accounts[account], observer, accounts)

    def show(self, account: Id, observer: Observer, last_seen: Mapping[Id, int | None]) -> None:
        """Tell a connection what accounts are that it has begun to watch.

        Args:
            last_seen: the accounts, and when they were here, as far as the watcher may know.
        """
        owner = self._accounts[account]
        for subject, moment in last_seen.items():
            known, sight = self._accounts.get(subject), None
            if known is owner:
                sight = owner.own
            elif known is not None and account not in known.blocked:
                sight = known.told
            self._post.tell((observer,), sight or AccountSight(subject, OFFLINE, moment))
        self._post.deliver()

    def unwatch(self, account: Id, observer: Observer, accounts: Iterable[Id]) -> None:
        """Let a connection watch accounts no longer."""
        self._audience.unwatch(observer, accounts)
        seen = {other.id for other in self._audience.company(self._accounts[account])}
        self._post.drop(observer, set(accounts) - seen - {account})

    # --- settings --------------------------------------------------------------------------------

    def set(self, account: Id, *, busy: bool, hidden: bool) -> None:
        """An account's settings are these."""
        entry = self._accounts.get(account)
        if entry is not None:
            entry.busy, entry.hidden = busy, hidden
            self._changed[entry] = None

    def block(self, account: Id, other: Id) -> None:
        """An account has blocked another one, which sees it offline from now on."""
        entry = self._accounts.get(account)
        if entry is not None and other not in entry.blocked:
            entry.blocked |= {other}
            self._tell_blocked(entry, other, AccountSight(account, OFFLINE))

    def unblock(self, account: Id, other: Id) -> None:
        """An account blocks another one no longer."""
        entry = self._accounts.get(account)
        if entry is not None and other in entry.blocked:
            entry.blocked -= {other}
            self._tell_blocked(entry, other, entry.told)

    def _tell_blocked(self, entry: Account, other: Id, sight: AccountSight | None) -> None:
        viewer = self._accounts.get(other)
        if viewer is not None and entry.told is not None and sight is not None:
            self._post.tell(self._audience.among(viewer, entry), sight)
            self._post.deliver()

    # --- the flush -------------------------------------------------------------------------------

    def flush(self, now: int) -> dict[Id, int]:
        """Tell what has changed. To be called about once a second.

        Returns:
            The accounts that are offline now and not hidden, and when their last devices left.
        """
        self._expire(now)
        upto = self._post.told + self._bounds.told
        departed = self._tell_changes(upto)
        self._places.shrink()
        self._places.tell_counts(now, upto)
        self._post.deliver_some(self._bounds.letters)
        return departed

    def _expire(self, now: int) -> None:
        due = []
        for entry in self._leaving:
            # Left in the future: the clock was set back, and must not keep anybody here.
            if entry.left_at <= now < entry.left_at + self._grace:
                break
            due.append(entry)
        for entry in due:
            del self._leaving[entry]
            entry.here = OFFLINE
            self._changed[entry] = None

    def _tell_changes(self, upto: int) -> dict[Id, int]:
        departed: dict[Id, int] = {}
        done = 0
        for entry in self._changed:
            if self._post.told >= upto:
                break
            done += 1
            self._tell_own(entry)
            self._tell_others(entry)
            if entry.here is OFFLINE:
                del self._accounts[entry.id]
                self._places.forget(entry)
                if not entry.hidden:
                    departed[entry.id] = entry.left_at
        # Not one by one: to look for the first of a dict that lost its first ones is to walk them.
        self._changed = dict.fromkeys(tuple(self._changed)[done:])
        return departed

    def _tell_own(self, entry: Account) -> None:
        state = entry.state
        if state is not (OFFLINE if entry.own is None else entry.own.state):
            sight = AccountSight(entry.id, state)
            entry.own = None if state is OFFLINE else sight
            self._post.tell(entry.devices, sight)

    def _tell_others(self, entry: Account) -> None:
        shown = entry.shown
        if shown is (OFFLINE if entry.told is None else entry.told.state):
            return
        was_here = entry.told is not None
        if shown is OFFLINE:
            entry.told = None
            sight = AccountSight(entry.id, OFFLINE, None if entry.hidden else entry.left_at)
        else:
            entry.told = entry.own  # one does not show another state than one has
            assert entry.told is not None
            sight = entry.told
        if was_here is (entry.told is None):
            self._places.count(entry, -1 if was_here else +1)
        self._post.tell(self._audience.of(entry), sight)

    # --- figures ---------------------------------------------------------------------------------

    def here(self, now: int) -> dict[Id, int]:
        """The accounts in the table that are not hidden, and when they were here last."""
        return {
            entry.id: now if entry.devices else entry.left_at
            for entry in self._accounts.values()
            if not entry.hidden
        }

    def states(self) -> Counter[PresenceState]:
        """How many accounts are in which state, hidden or not."""
        return Counter(entry.state for entry in self._accounts.values())

    @property
    def sent(self) -> int:
        """Events that were handed over since the start, times connections."""
        return self._post.sent

    @property
    def waiting(self) -> int:
        """Accounts whose change has yet to be told."""
        return len(self._changed)
