"""The server under load: one that runs somewhere, or one of the harness's own."""

import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version
from typing import NamedTuple, Protocol

import asyncpg
import psutil  # type: ignore[import-untyped]

from loadtest.deployment import Deployment, deployed
from loadtest.endpoint import Endpoint, TargetError
from loadtest.process import StartFailed, cpu_seconds, resident_bytes, tree_cpu_seconds

__all__ = ["OwnTarget", "Target", "TargetError", "Vitals", "opened"]


class Vitals(NamedTuple):
    """What the server uses and says, at a moment.

    Attributes:
        at: time.monotonic().
        cpu: seconds of CPU time of the server's process; None: not known, or not now. Those of an
            own server that was killed count on in the next process.
        postgres: likewise of its database, all processes of it.
        resident: bytes of the server's process; None: not known, or not now.
        metrics: its own, as at /metrics: name with labels -> value. Empty: it does not say, or is
            too busy to.
    """

    at: float
    cpu: float | None
    postgres: float | None
    resident: int | None
    metrics: dict[str, float]


class Target(Protocol):
    """A server.

    Attributes:
        url: such as http://127.0.0.1:8080.
        is_own: whether the harness started it, and so may kill it.
    """

    url: str
    is_own: bool

    async def vitals(self) -> Vitals:
        """Look at it.

        Raises:
            TargetError: it is one of our own, and has ended.
        """
        ...

    async def about(self) -> dict[str, str]:
        """What it says of itself: version and the like."""
        ...

    async def kill(self) -> None:
        """SIGKILL, and start it again on the same port with the same data.

        Raises:
            TargetError: it is not ours to kill, or did not start again.
        """
        ...


@asynccontextmanager
async def opened(
    url: str | None,
    *,
    pid: int | None = None,
    metrics_url: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Target]:
    """Open a target: the server at `url`, or one of our own.

    Args:
        url: http, https, ws or wss; None: start one, with its database in a temporary folder.
        pid: of its process, where that is on this machine: CPU time and memory are then exact.
        metrics_url: where its /metrics are, if they are bound to another address.
        settings: of one of our own, as environment variables.

    Raises:
        TargetError: there is no Plaza, or none that works; the message says what to do.
    """
    if url is None:
        async with _started(settings) as target:
            yield target
        return
    async with Endpoint(url, metrics_url=metrics_url) as endpoint:
        await endpoint.check()
        yield _Served(endpoint, None if pid is None else _process(pid))


class _Process(NamedTuple):
    """The process of a server that runs on this machine, of which somebody gave us the id."""

    pid: int

    def seconds(self) -> float | None:
        try:
            return cpu_seconds(self.pid)
        except OSError:
            return None

    def postgres_seconds(self) -> float | None:
        """CPU time of the database that it started, if it did."""
        try:
            children = psutil.Process(self.pid).children()
            own = [child.pid for child in children if child.name().startswith("postgres")]
            return sum(map(tree_cpu_seconds, own)) if own else None
        except psutil.Error:
            return None

    def resident(self) -> int | None:
        try:
            return resident_bytes(self.pid)
        except psutil.Error:
            return None


def _process(pid: int) -> _Process:
    process = _Process(pid)
    if process.seconds() is None:
        raise TargetError(
            f"There is no process {pid} on this machine. Give the server's own, or leave --pid "
            "out: then its metrics are asked."
        )
    return process


class _Served:
    """A server that somebody else runs."""

    is_own = False

    def __init__(self, endpoint: Endpoint, process: _Process | None) -> None:
        self.url = endpoint.url
        self._endpoint = endpoint
        self._process = process

    async def vitals(self) -> Vitals:
        if self._process is None:
            metrics = await self._endpoint.metrics()
            resident = metrics.get("process_resident_memory_bytes")
            return Vitals(
                time.monotonic(),
                metrics.get("process_cpu_seconds_total"),
                None,
                None if resident is None else int(resident),
                metrics,
            )
        # Its clock first: a busy server takes its time for its metrics.
        at = time.monotonic()
        used = self._process.seconds(), self._process.postgres_seconds(), self._process.resident()
        return Vitals(at, *used, await self._endpoint.metrics())

    async def about(self) -> dict[str, str]:
        return await self._endpoint.about()

    async def kill(self) -> None:
        raise TargetError(
            f"The server at {self.url} is not the harness's own, and is not killed. Leave --url "
            "out for this scenario: then one is started that may be."
        )


class OwnTarget:
    """A server that the harness has started.

    Attributes:
        deployment: it.
    """

    is_own = True

    def __init__(self, deployment: Deployment, endpoint: Endpoint) -> None:
        self.url = deployment.url
        self.deployment = deployment
        self._endpoint = endpoint
        self._killed = False

    async def vitals(self) -> Vitals:
        """See Target."""
        is_up = self.deployment.is_up
        if not is_up and not self._killed:
            raise self._failed("The server has ended by itself.")
        at = time.monotonic()
        cpu, postgres = self.deployment.server_seconds(), self.deployment.postgres_seconds()
        resident = None
        with contextlib.suppress(psutil.Error):  # it is killed just now
            resident = self.deployment.resident_bytes()
        return Vitals(at, cpu, postgres, resident, await self._endpoint.metrics())

    async def about(self) -> dict[str, str]:
        """See Target."""
        connection = await asyncpg.connect(self.deployment.dsn)
        try:
            postgres = str(await connection.fetchval("SHOW server_version"))
        finally:
            await connection.close()
        return {"url": self.url, "version": version("plaza"), "postgres": postgres}

    async def kill(self) -> None:
        """See Target."""
        self._killed = True
        try:
            await self.deployment.restart()
        except StartFailed as error:
            raise self._failed(
                f"The server did not start again after it was killed. {error}"
            ) from None
        self._killed = False

    def _failed(self, sentence: str) -> TargetError:
        words = self.deployment.last_words()
        return TargetError(f"{sentence} Its last words:\n{words}" if words else sentence)


@asynccontextmanager
async def _started(settings: Mapping[str, str] | None) -> AsyncIterator[OwnTarget]:
    async with AsyncExitStack() as stack:
        try:
            deployment = await stack.enter_async_context(deployed(settings))
        except StartFailed as error:
            raise TargetError(f"The server could not be started: {error}") from None
        endpoint = await stack.enter_async_context(Endpoint(deployment.url))
        yield OwnTarget(deployment, endpoint)
