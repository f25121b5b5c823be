"""How often one client may ask for what is expensive. Time is an argument.

A token bucket holds `count` tokens, loses some to every request and gains `count` per `seconds`,
evenly. It is kept as a single number, the moment at which it is full again (the generic cell rate
algorithm, ITU-T I.371): no timer refills it, and one that is full carries no information, so it can
be forgotten.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from server.sections import Limits

_FULL = float("-inf")


class TokenBucket:
    """One client's tokens.

    Args:
        count: how many there are at most.
        seconds: how long an empty bucket takes to fill.
    """

    __slots__ = ("_full_at", "_interval", "_seconds")

    def __init__(self, *, count: float, seconds: float) -> None:
        self._interval = seconds / count
        self._seconds = seconds
        self._full_at = _FULL

    def like(self) -> "TokenBucket":
        """Another one of this size, full. Its size is shared, which saves 48 bytes of 130."""
        other = object.__new__(TokenBucket)
        other._interval = self._interval
        other._seconds = self._seconds
        other._full_at = _FULL
        return other

    def take(self, now: float, cost: float = 1.0) -> float:
        """Take tokens; return 0, or the seconds to wait until they are there, and take none.

        Args:
            now: seconds on any clock.
            cost: how many; of more than `count` there will never be enough.
        """
        # No bucket takes longer to fill than an empty one: if this one seems to, the clock was set
        # back, and must not lock anybody out for that long.
        full_at = min(max(self._full_at, now), now + self._seconds) + cost * self._interval
        missing = full_at - now - self._seconds
        # The tolerance is for sums of floats: the last of `count` tokens must not fail by 1e-16.
        if missing > 1e-6:
            return missing
        self._full_at = full_at
        return 0.0

    def spend(self, now: float, cost: float) -> float:
        """Take tokens, there or not; return 0, or the seconds until what is missing is made up for.

        For what has happened already, such as bytes that were read. The clock must not be one that
        can be set back.

        Args:
            now: seconds.
            cost: how many.
        """
        self._full_at = max(self._full_at, now) + cost * self._interval
        missing = self._full_at - now - self._seconds
        return missing if missing > 1e-6 else 0.0

    def put_back(self, cost: float = 1.0) -> None:
        """Undo a `take`."""
        self._full_at -= cost * self._interval

    def full(self, now: float) -> bool:
        """Whether all tokens are there."""
        return self._full_at <= now

    @property
    def seconds(self) -> float:
        """How long an empty bucket takes to fill."""
        return self._seconds

    @property
    def count(self) -> float:
        """How many tokens there are at most."""
        return self._seconds / self._interval


def take_from_all(buckets: Sequence[TokenBucket], now: float, cost: float) -> float:
    """Take tokens from each bucket; return 0, or the seconds to wait until all have them, and take
    none.

    As `TokenBucket.take` of each, but in 0.07 us a bucket instead of 0.1: every command comes here.

    Args:
        now: seconds on a clock that is never set back.
        cost: at most what the smallest bucket holds.
    """
    wait = 0.0
    for bucket in buckets:
        full_at = bucket._full_at
        if full_at < now:
            bucket._full_at = now + cost * bucket._interval
        else:
            full_at += cost * bucket._interval
            missing = full_at - now - bucket._seconds
            if missing > wait + 1e-6:
                wait = missing
            bucket._full_at = full_at
    if wait:
        for bucket in buckets:
            bucket._full_at -= cost * bucket._interval
    return wait


class Throttle:
    """A token bucket for each key.

    Memory is bounded: buckets that are full are dropped as others are used, and past `keys` of them
    the one that was used longest ago goes, full or not. So an attacker with more addresses than
    `keys` gets tokens back early; each of them costs a request, which is what the throttle is for.

    Args:
        count: how many requests of one key may come at once; 0: no limit.
        seconds: how long an empty bucket takes to fill.
        keys: how many are remembered at most.
    """

    def __init__(self, *, count: int, seconds: float, keys: int = 100_000) -> None:
        self._count = count
        self._seconds = seconds
        self._keys = keys
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()  # least recently used first

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str, now: float) -> float:
        """Take a token of `key`; return 0, or the seconds to wait until there is one.

        Args:
            now: seconds on any clock.
        """
        if self._count == 0:
            return 0.0
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = TokenBucket(count=self._count, seconds=self._seconds)
        self._buckets.move_to_end(key)
        retry_after = bucket.take(now)
        self._forget(now)
        return retry_after

    def put_back(self, key: str) -> None:
        """Undo a `take`: the request turned out not to count."""
        if bucket := self._buckets.get(key):
            bucket.put_back()

    def _forget(self, now: float) -> None:
        # Two a request outpace the one that it can add, and keep each request's work constant.
        for _ in range(2):
            key, oldest = next(iter(self._buckets.items()))
            if not (oldest.full(now) or len(self._buckets) > self._keys):
                return
            del self._buckets[key]


class Throttles(NamedTuple):
    """What is throttled.

    Attributes:
        signups: new accounts, by the client's network.
        logins: tries to log in, right or wrong, by the client's network.
        passwords: wrong passwords, by account.
        stream_keys: wrong stream keys, by the client's network.
        offers: offers to publish or watch, by the client's network.
    """

    signups: Throttle
    logins: Throttle
    passwords: Throttle
    stream_keys: Throttle
    offers: Throttle

    @classmethod
    def of(cls, limits: Limits) -> "Throttles":
        """The throttles that the configuration asks for."""
        return cls(
            signups=Throttle(count=limits.signups_per_ip_hour, seconds=3600),
            logins=Throttle(count=limits.logins_per_ip_minute, seconds=60),
            passwords=Throttle(count=limits.logins_per_account_minute, seconds=60),
            stream_keys=Throttle(count=limits.stream_keys_per_ip_minute, seconds=60),
            offers=Throttle(count=limits.offers_per_ip_minute, seconds=60),
        )


def client_network(address: str) -> str:
    """The key under which requests from an address are counted.

    An IPv6 subscriber has at least 2**64 addresses to choose from (RFC 6177), so those of one /64
    count as one client.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
