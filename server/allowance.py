"""What one connection may still do: its own buckets, its account's and its network's.

A command that finds too few tokens is refused with `rate_limited` and costs none. Refusals are work
as well, so they are counted in a bucket of their own, patience: who heeds `retry_after` hardly
touches it, who does not empties it, and the connection is closed.
"""

from collections.abc import Callable

from protocol.ids import Id
from server.limits import TokenBucket, take_from_all
from server.quota import Quota

# Refusals for each command that the connection may send at once. They come back as fast as that
# bucket fills: who sends at more than four times the rate for long is closed, who sends at less is
# refused the surplus, which costs no more than the commands that he may send.
REFUSALS = 3
# At least so many: what a client had under way when it was told to wait is no disobedience.
FEWEST_REFUSALS = 256

# Tokens that are taken ahead, so that the buckets are asked once in so many commands: 0.1 us a
# command instead of 0.4. A connection can save them up beyond what its buckets hold, so it is done
# where they hold many times as much.
AHEAD = 16
AHEAD_SHARE = 1 / 64

Buckets = tuple[TokenBucket, ...]


class Allowance:
    """Made by `Admission.admit`.

    Args:
        clock: seconds; never set back.
        commands: the connection's own bucket of commands, if there is one.
        read_bytes: what its own bucket of bytes is to be like, if there is to be one. It is made
            when it is needed, which for most connections is never.

    Attributes:
        account: whose connection it is, once it is known.
        network: whence it comes, if networks are limited.
        arriving: whether it has said hello and waits for the answer.
    """

    __slots__ = (
        "_ahead",
        "_clock",
        "_commands",
        "_credit",
        "_own_bytes",
        "_patience",
        "_read_bytes",
        "account",
        "arriving",
        "network",
    )

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        commands: Buckets = (),
        read_bytes: TokenBucket | None = None,
    ) -> None:
        self._clock = clock
        self._commands = commands
        self._own_bytes = read_bytes
        self._read_bytes: Buckets = ()  # of those it is one, once it is there
        self._ahead = _ahead(commands)
        self._credit = 0.0  # tokens that were taken ahead
        self._patience: TokenBucket | None = None  # one connection in a thousand needs it
        self.account: Id | None = None
        self.network: str | None = None
        self.arriving = False

    def share(self, quota: Quota) -> None:
        """Draw on the buckets of an account or of a network from now on, too."""
        if quota.commands is not None:
            for bucket in self._commands:
                bucket.put_back(self._credit)
            self._credit = 0.0
            self._commands = (*self._commands, quota.commands)
            self._ahead = _ahead(self._commands)
        if quota.bytes is not None:
            self._read_bytes = (*self._read_bytes, quota.bytes)

    def take(self, cost: float) -> float:
        """Take a command's tokens; return 0, or the seconds to wait until they are there.

        Args:
            cost: of server/costs.py.
        """
        self._credit -= cost
        return self._top_up(cost) if self._credit < 0 else 0.0

    def _top_up(self, cost: float) -> float:
        now = self._clock()
        if self._ahead and not take_from_all(self._commands, now, self._ahead):
            self._credit += self._ahead
            return 0.0
        self._credit += cost
        return take_from_all(self._commands, now, cost)

    def spend(self, size: int) -> float:
        """Pay for bytes that were read; return 0, or the seconds for which to read no more."""
        if self._own_bytes is not None:
            self._read_bytes = (*self._read_bytes, self._own_bytes.like())
            self._own_bytes = None
        now = self._clock()
        return max((bucket.spend(now, size) for bucket in self._read_bytes), default=0.0)

    def insist(self) -> bool:
        """A command has just been refused; return whether it is one too many."""
        if self._patience is None:
            bucket = self._commands[0]
            count = max(REFUSALS * bucket.count, FEWEST_REFUSALS)
            self._patience = TokenBucket(count=count, seconds=bucket.seconds)
        return self._patience.take(self._clock()) > 0


def _ahead(buckets: Buckets) -> float:
    """How many tokens to take ahead; 0: none."""
    return AHEAD if all(AHEAD_SHARE * bucket.count >= AHEAD for bucket in buckets) else 0
