"""Who is told about whom: those who share a room that is not large, and those who watch."""

from collections.abc import Collection, Iterable, Iterator

from presence.entries import Account, Room
from presence.ports import Observer
from protocol.ids import Id


class Audience:
    """Finds those who see an account. Keeps the watchers; the rooms are those of the accounts."""

    def __init__(self) -> None:
        self._watchers: dict[Id, dict[Observer, Account]] = {}
        self._watched: dict[Observer, set[Id]] = {}

    def company(self, account: Account) -> set[Account]:
        """Who shares a room with somebody that is not large."""
        company: set[Account] = set()
        company.update(*[room.present for room in account.rooms if not room.large])
        company.discard(account)
        return company

    def strangers(self, account: Account, room: Room) -> set[Account]:
        """Who is in a room with somebody, and shares no other one with them that is not large.

        The room itself does not count if it is large or the account is not in it yet, or no longer.
        """
        strangers = room.present - self.company(account)
        strangers.discard(account)
        return strangers

    def of(self, account: Account) -> Iterator[Observer]:
        """The connections of others that see an account, each once."""
        blocked = account.blocked
        company = self.company(account)
        for other in company:
            if other.id not in blocked:
                yield from other.devices
        for observer, owner in self._watchers.get(account.id, {}).items():
            if owner not in company and owner is not account and owner.id not in blocked:
                yield observer

    def among(self, viewer: Account, subject: Account) -> Iterable[Observer]:
        """The connections of one account that see another one, unless they are blocked."""
        if viewer in self.company(subject):
            return viewer.devices
        return [device for device in viewer.devices if self.watches(device, subject)]

    # --- watching --------------------------------------------------------------------------------

    def watch(self, owner: Account, observer: Observer, accounts: Iterable[Id]) -> None:
        """Let a connection watch accounts."""
        watched = self._watched.setdefault(observer, set())
        for account in accounts:
            watched.add(account)
            self._watchers.setdefault(account, {})[observer] = owner

    def unwatch(self, observer: Observer, accounts: Iterable[Id]) -> None:
        """Let a connection watch accounts no longer."""
        watched = self._watched.get(observer, set())
        for account in watched.intersection(accounts):
            watched.discard(account)
            watchers = self._watchers[account]
            del watchers[observer]
            if not watchers:
                del self._watchers[account]
        if not watched:
            self._watched.pop(observer, None)

    def watched(self, observer: Observer) -> Collection[Id]:
        """The accounts that a connection watches."""
        return self._watched.get(observer, frozenset())

    def watches(self, observer: Observer, account: Account) -> bool:
        """Whether a connection watches an account."""
        return observer in self._watchers.get(account.id, ())
