"""Presence: who is here, told to those whom it concerns. The rules are in presence/."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping

import structlog

from persistence import presence as stored
from persistence.database import Database
from persistence.relations import Standing
from presence import Profile, Table
from protocol.errors import FORBIDDEN, NOT_FOUND, PlazaError
from protocol.ids import Id
from protocol.records import PresenceState, Room
from protocol.times import from_ms, to_ms
from rooms.ports import Receiver
from server.background import Background
from server.config import Config

logger = structlog.get_logger(__name__)


class Presences:
    """Feeds the table, and keeps in the database what has to outlive it. A rooms.ports.Attendance.

    Args:
        database: keeps when somebody was here last.
        background: runs the writes.
        config: the effective one.
        clock: Unix time in milliseconds.
    """

    def __init__(
        self,
        *,
        database: Database,
        background: Background,
        config: Config,
        clock: Callable[[], int],
    ) -> None:
        self._database = database
        self._background = background
        self._clock = clock
        self._may_watch = config.limits.watched_accounts
        self._table = Table(
            grace=config.presence.grace_seconds * 1000, named=config.presence.room_members
        )
        self._expected: dict[Id, Profile] = {}
        # When accounts were here last, as long as the database does not know it.
        self._unsaved: dict[Id, int] = {}
        self._saving = False

    # --- connections and rooms -------------------------------------------------------------------

    def expect(self, account: Id, standing: Standing) -> None:
        """A connection is about to settle. To be followed by `arrived`, in the same tick."""
        blocked = frozenset(standing.blocked)
        self._expected[account] = Profile(standing.busy, standing.hidden, blocked)

    def arrived(self, account: Id, receiver: Receiver, rooms: Iterable[Room]) -> None:
        """A connection has settled."""
        profile = self._expected.pop(account, Profile())
        self._table.arrived(account, receiver, [(room.id, room.members) for room in rooms], profile)

    def greet(self, account: Id, receiver: Receiver) -> None:
        """A connection that has settled has got what it missed, and takes signs of life."""
        self._table.greet(account, receiver)

    def left(self, account: Id, receiver: Receiver) -> None:
        """A connection is gone."""
        self._table.left(account, receiver, self._clock())

    def entered(self, account: Id, room: Room) -> None:
        """Somebody has become a member."""
        self._table.entered(account, room.id, room.members)

    def removed(self, account: Id, room: Id) -> None:
        """Somebody is a member no longer."""
        self._table.removed(account, room)

    def resized(self, room: Id, members: int) -> None:
        """A room has another number of members."""
        self._table.resized(room, members)

    # --- what people do --------------------------------------------------------------------------

    def use(self, account: Id, receiver: Receiver, state: PresenceState) -> None:
        """A connection's device is in use (ONLINE), or is not (AWAY)."""
        self._table.use(account, receiver, state)

    def set(self, account: Id, *, busy: bool, hidden: bool) -> None:
        """An account's settings have been changed to these."""
        self._table.set(account, busy=busy, hidden=hidden)

    def block(self, account: Id, other: Id, *, blocked: bool) -> None:
        """An account has blocked another one, or does so no longer."""
        (self._table.block if blocked else self._table.unblock)(account, other)

    async def last_seen(self, viewer: Id, accounts: Iterable[Id]) -> dict[Id, int | None]:
        """When accounts were here last, as far as `viewer` may know.

        Raises:
            PlazaError: not_found, when one of them does not exist.
        """
        wanted = tuple(dict.fromkeys(accounts))
        async with self._database.connection() as connection:
            found = await stored.last_seen(connection, viewer, wanted)
        for account in wanted:
            if account not in found:
                raise PlazaError(NOT_FOUND, f"There is no account with the id {account}.")
        return {
            account: None if moment is None else to_ms(moment) for account, moment in found.items()
        }

    def watch(self, account: Id, receiver: Receiver, accounts: Collection[Id]) -> None:
        """Let a connection watch accounts. `show` tells it what they are.

        Raises:
            PlazaError: forbidden, when it would watch too many.
        """
        if self._may_watch and len(self._table.watched(receiver).union(accounts)) > self._may_watch:
            raise PlazaError(
                FORBIDDEN,
                f"A connection can watch {self._may_watch} accounts. Unwatch some of them first.",
            )
        self._table.watch(account, receiver, accounts)

    def show(self, account: Id, receiver: Receiver, last_seen: Mapping[Id, int | None]) -> None:
        """Tell a connection what accounts are that it has begun to watch.

        Args:
            last_seen: the accounts, as `last_seen` returns them.
        """
        known = {
            other: moment and max(moment, self._unsaved.get(other, 0))
            for other, moment in last_seen.items()
        }
        self._table.show(account, receiver, known)

    def unwatch(self, account: Id, receiver: Receiver, accounts: Iterable[Id]) -> None:
        """Let a connection watch accounts no longer."""
        self._table.unwatch(account, receiver, accounts)

    # --- time ------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Tell what has changed: called once a second."""
        try:
            self._unsaved |= self._table.flush(self._clock())
        except Exception:  # a bug must not end the timer that calls this
            logger.exception("presence could not be told")
        if self._unsaved and not self._saving:
            self._saving = True
            self._background.spawn(self._save())

    async def close(self) -> None:
        """Note that everybody who is here was here until now."""
        self._unsaved |= self._table.here(self._clock())
        await self._save()

    async def _save(self) -> None:
        moments = dict(self._unsaved)
        try:
            async with self._database.connection() as connection:
                await stored.save_last_seen(
                    connection, {account: from_ms(moment) for account, moment in moments.items()}
                )
        except PlazaError:
            return  # the database is away: the next flush tries again
        finally:
            self._saving = False
        for account, moment in moments.items():
            if self._unsaved.get(account) == moment:
                del self._unsaved[account]

    # --- figures ---------------------------------------------------------------------------------

    def states(self) -> Counter[PresenceState]:
        """How many accounts are in which state, hidden or not."""
        return self._table.states()

    @property
    def sent(self) -> int:
        """Events that were handed over since the start, times connections."""
        return self._table.sent
