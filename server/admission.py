"""Who may connect, and how often: caps and rates of accounts and networks, and of the process.

A network is turned away at the upgrade, where no more than a request has been spent on it; an
account at hello, which is when it is known.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from http import HTTPStatus
from math import ceil

from protocol import close
from protocol.close import Close
from protocol.errors import RATE_LIMITED, TOO_MANY_CONNECTIONS, ErrorSpec, PlazaError
from protocol.ids import Id
from server.allowance import Allowance
from server.config import Config
from server.costs import REQUEST
from server.handshake import TurnedAway
from server.limits import TokenBucket, client_network
from server.pressure import Pressure
from server.proxies import TrustedProxies
from server.quota import Quotas, Terms, byte_bucket, command_bucket
from server.sections import Limits

# How long those who are turned away are to stay away, drawn anew for each: they come back spread.
RETRY_SECONDS = (1.0, 5.0)


class NotAdmitted(PlazaError):
    """An account may not have this connection.

    Args:
        spec: the line of the catalogue.
        message: what happened and what to do.
        code: to close with; the delay is added to it.
        retry_after: seconds after which another try makes sense.
    """

    def __init__(self, spec: ErrorSpec, message: str, code: Close, *, retry_after: float) -> None:
        super().__init__(spec, message, retry_after=round(retry_after, 1))
        self.code = close.with_delay(code, retry_after)


class Admission:
    """Lets connections in, counts them, and charges what is not a connection's.

    Args:
        config: of the process.
        queued: how many events wait in the log's queue.
        clock: seconds; never set back.
        chance: uniform on [0, 1).

    Attributes:
        refused: how many connections were turned away, by reason.
        arriving: how many connections wait for the answer to hello.
        pressure: whether the process is behind.
    """

    def __init__(
        self,
        config: Config,
        *,
        queued: Callable[[], int] = lambda: 0,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        limits = config.limits
        self.clock = clock
        self._chance = chance
        self._proxies = TrustedProxies(config.server.trusted_proxies)
        self._accounts: Quotas[Id] = Quotas(_of_accounts(limits))
        self._networks: Quotas[str] = Quotas(_of_networks(limits))
        self._commands = command_bucket(limits.commands_per_connection_second)
        self._bytes = byte_bucket(limits.bytes_per_connection_second)
        self.refused: Counter[str] = Counter()
        self.arriving = 0
        self._queued = queued
        self.pressure = Pressure(
            loop_lag=limits.loop_lag_ms / 1000, queue=limits.log_queue, arriving=limits.arriving
        )

    # --- connections -----------------------------------------------------------------------------

    def admit(self, peer: str, forwarded: Iterable[str]) -> Allowance | TurnedAway:
        """Let a connection in, or not. Who was let in has to leave.

        Args:
            peer: the address at the other end.
            forwarded: the values of X-Forwarded-For.
        """
        now = self.clock()
        behind_with = self.pressure.trouble(queued=self._queued(), arriving=self.arriving)
        if behind_with is not None:
            return TurnedAway(
                behind_with,
                HTTPStatus.SERVICE_UNAVAILABLE,
                "The server is behind with its work. Try again in a moment.",
                ceil(self.delay()),
            )
        own = () if self._commands is None else (self._commands.like(),)
        allowance = Allowance(self.clock, commands=own, read_bytes=self._bytes)
        if self._networks.terms.any:
            network = client_network(self._proxies.client(peer, forwarded))
            turned_away = self._crowded(network, now)
            if turned_away is not None:
                return turned_away
            allowance.network = network
            allowance.share(self._networks.join(network, now))
        return allowance

    def join(self, allowance: Allowance, account: Id) -> None:
        """A connection says that it is an account's: hello has come.

        Raises:
            NotAdmitted: the account has too many, or makes new ones too often.
        """
        now = self.clock()
        terms, quota = self._accounts.terms, self._accounts.of(account, now)
        if terms.connections and quota.connections >= terms.connections:
            self.refused["account's connections"] += 1
            raise NotAdmitted(
                TOO_MANY_CONNECTIONS,
                f"You have {quota.connections} connections open. Close one of them first.",
                close.TOO_MANY_CONNECTIONS,
                retry_after=self.delay(),
            )
        wait = quota.connects.take(now) if quota.connects is not None else 0.0
        if wait:
            self.refused["account's connects"] += 1
            raise NotAdmitted(
                RATE_LIMITED,
                "You connect too often. Keep a connection, or wait for retry_after seconds.",
                close.RATE_LIMITED,
                retry_after=self.delay(wait),
            )
        allowance.account = account
        allowance.share(self._accounts.join(account, now))
        allowance.arriving = True
        self.arriving += 1

    def arrived(self, allowance: Allowance) -> None:
        """Hello has been answered, or never will be. Idempotent."""
        if allowance.arriving:
            allowance.arriving = False
            self.arriving -= 1

    def leave(self, allowance: Allowance) -> None:
        """A connection is gone."""
        self.arrived(allowance)
        now = self.clock()
        if allowance.network is not None:
            self._networks.leave(allowance.network, now)
        if allowance.account is not None:
            self._accounts.leave(allowance.account, now)

    # --- REST ------------------------------------------------------------------------------------

    def charge_network(self, address: str) -> None:
        """A REST request has come from an address. Raises PlazaError rate_limited."""
        if self._networks.terms.commands:
            now = self.clock()
            self._charge(self._networks.of(client_network(address), now).commands, now)

    def charge_account(self, account: Id) -> None:
        """A REST request has come from an account. Raises PlazaError rate_limited."""
        if self._accounts.terms.commands:
            now = self.clock()
            self._charge(self._accounts.of(account, now).commands, now)

    def _charge(self, bucket: TokenBucket | None, now: float) -> None:
        wait = bucket.take(now, REQUEST) if bucket is not None else 0.0
        if wait:
            raise PlazaError(RATE_LIMITED, retry_after=wait)

    # --- refusals --------------------------------------------------------------------------------

    def delay(self, at_least: float = 0.0) -> float:
        """Seconds for which somebody who is turned away is to stay away."""
        low, high = RETRY_SECONDS
        return at_least + low + (high - low) * self._chance()

    def _crowded(self, network: str, now: float) -> TurnedAway | None:
        quota = self._networks.of(network, now)
        most = self._networks.terms.connections
        if most and quota.connections >= most:
            return TurnedAway(
                "address's connections",
                HTTPStatus.TOO_MANY_REQUESTS,
                f"Your address has {quota.connections} connections open. Close one of them first.",
                ceil(self.delay()),
            )
        wait = quota.connects.take(now) if quota.connects is not None else 0.0
        if wait:
            return TurnedAway(
                "address's connects",
                HTTPStatus.TOO_MANY_REQUESTS,
                "Your address connects too often. Keep a connection, or wait.",
                ceil(self.delay(wait)),
            )
        return None


def _of_accounts(limits: Limits) -> Terms:
    return Terms(
        commands=limits.commands_per_account_second,
        bytes=limits.bytes_per_account_second,
        connects=limits.connects_per_account_minute,
        connections=limits.connections_per_account,
    )


def _of_networks(limits: Limits) -> Terms:
    return Terms(
        commands=limits.commands_per_ip_second,
        bytes=limits.bytes_per_ip_second,
        connects=limits.connects_per_ip_minute,
        connections=limits.connections_per_ip,
    )
