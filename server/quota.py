"""What the connections of one account, or of one network, may do together.

A client's buckets are kept while it has a connection, and until they are full again; past `KEYS`
clients without one, those go first that were used longest ago. So whoever comes back finds the
limits as they were left, and an attacker with more addresses than that gets tokens back early:
each of them costs a connection or a request, which is what is limited.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from msgspec import Struct

from server.costs import HIGHEST
from server.limits import TokenBucket

BURST_SECONDS = 2
"""An idle client may do at once what it may do in so many seconds."""

KEYS = 100_000

K = TypeVar("K", bound=Hashable)


class Terms(Struct, frozen=True, kw_only=True):
    """What one client may do. 0: no limit.

    Attributes:
        commands: tokens a second.
        bytes: that are read, a second.
        connects: a minute.
        connections: at the same time.
    """

    commands: int = 0
    bytes: int = 0
    connects: int = 0
    connections: int = 0

    @property
    def any(self) -> bool:
        """Whether there is a limit."""
        return bool(self.commands or self.bytes or self.connects or self.connections)


def command_bucket(per_second: int) -> TokenBucket | None:
    """A bucket for so many tokens a second, which the dearest command fits in; 0: none."""
    return _bucket(per_second, max(BURST_SECONDS * per_second, HIGHEST))


def byte_bucket(per_second: int) -> TokenBucket | None:
    """A bucket for so many bytes a second; 0: none."""
    return _bucket(per_second, BURST_SECONDS * per_second)


def connect_bucket(per_minute: int) -> TokenBucket | None:
    """A bucket for so many connects a minute, all of them at once if need be; 0: none.

    After a loss of the network all devices of a household come back at the same moment.
    """
    return _bucket(per_minute / 60, per_minute)


def _bucket(per_second: float, count: float) -> TokenBucket | None:
    return TokenBucket(count=count, seconds=count / per_second) if per_second else None


class Quota:
    """One client's.

    Attributes:
        commands, bytes, connects: its buckets; None: no limit.
        connections: how many it has.
    """

    __slots__ = ("bytes", "commands", "connections", "connects")

    def __init__(
        self,
        commands: TokenBucket | None,
        bytes_: TokenBucket | None,
        connects: TokenBucket | None,
    ) -> None:
        self.commands = commands
        self.bytes = bytes_
        self.connects = connects
        self.connections = 0

    def like(self) -> "Quota":
        """Another one on the same terms, unused."""
        return Quota(
            self.commands and self.commands.like(),
            self.bytes and self.bytes.like(),
            self.connects and self.connects.like(),
        )

    def full(self, now: float) -> bool:
        """Whether nothing would be lost if it was forgotten."""
        return all(
            bucket is None or bucket.full(now)
            for bucket in (self.commands, self.bytes, self.connects)
        )


class Quotas(Generic[K]):
    """Those of all clients of a kind, by a key.

    Args:
        terms: for each of them.
        keys: of clients without a connection, how many are remembered.
    """

    def __init__(self, terms: Terms, *, keys: int = KEYS) -> None:
        self.terms = terms
        self._keys = keys
        self._unused = Quota(
            command_bucket(terms.commands),
            byte_bucket(terms.bytes),
            connect_bucket(terms.connects),
        )
        self._connected: dict[K, Quota] = {}
        self._idle: OrderedDict[K, Quota] = OrderedDict()  # least recently used first

    def __len__(self) -> int:
        return len(self._connected) + len(self._idle)

    def of(self, key: K, now: float) -> Quota:
        """A client's quota, for a moment: to be kept it has to be joined.

        Args:
            now: seconds on a clock that is never set back.
        """
        quota = self._connected.get(key)
        if quota is not None:
            return quota
        quota = self._idle.get(key)
        if quota is None:
            quota = self._idle[key] = self._unused.like()
        self._idle.move_to_end(key)
        self._forget(now)
        return quota

    def join(self, key: K, now: float) -> Quota:
        """A client has one more connection."""
        quota = self.of(key, now)
        if quota.connections == 0:
            self._connected[key] = self._idle.pop(key)
        quota.connections += 1
        return quota

    def leave(self, key: K, now: float) -> None:
        """One of its connections is gone."""
        quota = self._connected[key]
        quota.connections -= 1
        if quota.connections == 0:
            self._idle[key] = self._connected.pop(key)
            self._forget(now)

    def _forget(self, now: float) -> None:
        # Two a call outpace the one that it can add, and keep each call's work constant. The last
        # one is what the caller asked for.
        for _ in range(2):
            if len(self._idle) < 2:
                return
            key, oldest = next(iter(self._idle.items()))
            if not (oldest.full(now) or len(self._idle) > self._keys):
                return
            del self._idle[key]
