"""Marks that wait to be written: one for each room and account, the furthest.

Whoever reads a busy room moves a marker several times a second, on several devices, and only the
last place counts. Every command that waits is answered all the same.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import structlog

from persistence.markers import Mark
from protocol.errors import OVERLOADED, PlazaError
from protocol.ids import Id

logger = structlog.get_logger(__name__)

Done = Callable[[list[PlazaError]], None]
"""Gets the refusals: none, if all was written."""


class Ticket:
    """A command that waits for marks."""

    __slots__ = ("_done", "_refusals", "_waiting")

    def __init__(self, done: Done, waiting: int) -> None:
        self._done = done
        self._waiting = waiting
        self._refusals: list[PlazaError] = []

    def expect(self) -> None:
        """Wait for one more mark; to be called before the last of the others is settled."""
        self._waiting += 1

    def settle(self, refusal: PlazaError | None) -> None:
        """One of the marks is written, or refused."""
        if refusal is not None:
            self._refusals.append(refusal)
        self._waiting -= 1
        if not self._waiting:
            try:
                self._done(self._refusals)
            except Exception:  # a bug of the command's must not stop the writer
                logger.exception("the answer to a marker failed")


class Entry:
    """The furthest of the marks that wait for a room and account, and who waits for it.

    Attributes:
        locked_since: when it was found locked first; None: it was not.
    """

    __slots__ = ("locked_since", "mark", "tickets")

    def __init__(self, mark: Mark) -> None:
        self.mark = mark
        self.tickets: list[Ticket] = []
        self.locked_since: float | None = None

    def add(self, mark: Mark) -> None:
        """Go as far as another mark of the same room and account."""
        room, account, read, delivered, anyway = self.mark
        self.mark = Mark(
            room,
            account,
            max(read, mark.read),
            max(delivered, mark.delivered),
            anyway or mark.anyway,
        )


class Sweep:
    """An account all of whose rooms are to be marked at their ends, and who waits for it.

    Attributes:
        anyway: the markers are to be told even if they do not move.
    """

    __slots__ = ("account", "anyway", "tickets")

    def __init__(self, account: Id) -> None:
        self.account = account
        self.anyway = False
        self.tickets: list[Ticket] = []


class MarkerQueue:
    """What waits.

    Args:
        capacity: how many marks may wait to be answered; 0: any number.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: dict[tuple[Id, Id], Entry] = {}
        self._sweeps: dict[Id, Sweep] = {}
        self._waiting = 0

    def append(self, marks: Sequence[Mark], done: Done) -> None:
        """Queue the marks of a command. Raises PlazaError overloaded."""
        ticket = self._ticket(len(marks), done)
        for mark in marks:
            self.enter(mark).tickets.append(ticket)

    def append_all(self, account: Id, done: Done) -> None:
        """Queue marks at the ends of all rooms of an account. Raises PlazaError overloaded."""
        self._sweep(account).tickets.append(self._ticket(1, done))

    def enter(self, mark: Mark) -> Entry:
        """Queue a mark that nobody waits for, or not yet."""
        entry = self._entries.get((mark.room, mark.account))
        if entry is None:
            entry = self._entries[mark.room, mark.account] = Entry(mark)
        else:
            entry.add(mark)
        return entry

    def wait_for(self, mark: Mark, tickets: Iterable[Ticket]) -> None:
        """Queue a mark; those who have waited for something else wait for it as well."""
        entry = self.enter(mark)
        for ticket in tickets:
            ticket.expect()
            entry.tickets.append(ticket)
            self._waiting += 1

    def take(self, limit: int) -> list[Entry]:
        """The entries that have waited longest."""
        return [self._entries.pop(key) for key in list(islice(self._entries, limit))]

    def take_sweeps(self, limit: int) -> list[Sweep]:
        """The accounts that have waited longest."""
        return [self._sweeps.pop(key) for key in list(islice(self._sweeps, limit))]

    def put_back(self, entry: Entry) -> None:
        """Let an entry wait behind the others."""
        key = (entry.mark.room, entry.mark.account)
        newer = self._entries.pop(key, None)
        if newer is not None:
            entry.add(newer.mark)
            entry.tickets += newer.tickets
        self._entries[key] = entry

    def repeat(self, work: Entry | Sweep) -> None:
        """Queue once more what may have been written, to be told anyway; nobody waits for it."""
        if isinstance(work, Entry):
            self.enter(work.mark._replace(anyway=True))
        else:
            self._sweep(work.account).anyway = True

    def settle(self, work: Entry | Sweep, refusal: PlazaError | None = None) -> None:
        """Answer those who wait for an entry or account."""
        tickets, work.tickets = work.tickets, []
        self._waiting -= len(tickets)
        for ticket in tickets:
            ticket.settle(refusal)

    def refuse(self, refusal: PlazaError) -> None:
        """Answer all who wait. What is to be told anyway stays."""
        for entry in self.take(len(self._entries)):
            self.settle(entry, refusal)
            if entry.mark.anyway:
                self.put_back(entry)
        for sweep in self.take_sweeps(len(self._sweeps)):
            self.settle(sweep, refusal)
            if sweep.anyway:
                self.repeat(sweep)

    def clear(self) -> None:
        """Forget what nobody waits for any more."""
        self._entries.clear()
        self._sweeps.clear()

    @property
    def entries(self) -> int:
        """How many entries there are."""
        return len(self._entries)

    @property
    def waiting(self) -> int:
        """How many marks wait to be answered."""
        return self._waiting

    def __bool__(self) -> bool:
        return bool(self._entries or self._sweeps)

    def _sweep(self, account: Id) -> Sweep:
        sweep = self._sweeps.get(account)
        if sweep is None:
            sweep = self._sweeps[account] = Sweep(account)
        return sweep

    def _ticket(self, marks: int, done: Done) -> Ticket:
        if self._capacity and self._waiting + marks > self._capacity:
            raise PlazaError(OVERLOADED, retry_after=1.0)
        self._waiting += marks
        return Ticket(done, marks)
