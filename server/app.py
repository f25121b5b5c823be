"""The composition root: everything is made here, wired by hand, and ended in reverse order."""

import asyncio
import contextlib
import gc
import resource
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from socket import socket

import structlog
from websockets.http11 import Request

from persistence.database import Database
from persistence.room_log import RoomLog
from persistence.secrets import signing_key
from persistence.sessions import delete_expired
from protocol.errors import PlazaError
from protocol.ids import IdMint
from protocol.times import from_ms
from rooms.fanout import Fanout
from rooms.hub import Hub
from server import rest
from server.background import Background
from server.chat import Chat
from server.config import Config
from server.dispatch import Dispatcher
from server.echo import EchoSession
from server.gateway import Gateway, GatewayProtocol, Session
from server.limits import Throttles
from server.listener import bind, listening, url_of
from server.metrics import Metrics, ProcessState
from server.outbox import Tick
from server.passwords import Passwords
from server.presence import Presences
from server.receipts import Receipts
from server.reception import Reception
from server.room_commands import RoomCommands
from server.session import ChatSession, CommandCounts, OpenSessions
from server.storage import open_database
from server.tokens import TokenKey
from server.wheel import TimerWheel

logger = structlog.get_logger(__name__)

SWEEP_SECONDS = 10
EXPIRY_SECONDS = 3600


def now_ms() -> int:
    """Unix time in milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Plaza:
    """One process's server, running.

    Attributes:
        url: at which it is reached.
        gateway: its WebSocket connections.
        log: its rooms' log.
    """

    url: str
    gateway: Gateway
    log: RoomLog


async def serve(
    config: Config, *, progress: Callable[[str], None], started: Callable[[str], None]
) -> None:
    """Serve until SIGTERM, SIGINT, or SIGHUP (the terminal is closed).

    Args:
        config: the effective one.
        progress: gets a sentence at each step of the start that may take a while.
        started: gets the URL, when connections are accepted.

    Raises:
        AddressUnavailable: the port cannot be had.
        DatabaseError, EmbeddedPostgresError, MigrationError: as `open_database`.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # The port first: whether it can be had is known at once, and a database takes seconds.
    with bind(config.server.host, config.server.port) as bound:
        async with (
            open_database(config, progress=progress) as database,
            running(config, database, bound) as plaza,
        ):
            logger.info("started", url=plaza.url)
            started(plaza.url)
            await stop.wait()
            logger.info("stopping", connections=len(plaza.gateway.connections))
    logger.info("stopped")


@asynccontextmanager
async def running(config: Config, database: Database, bound: socket) -> AsyncIterator[Plaza]:
    """Run the server on a bound socket; on exit what was accepted is written and answered."""
    _raise_file_limit()
    async with AsyncExitStack() as stack:
        tokens = await _token_key(config, database)
        metrics = Metrics()
        core = await _start_core(config, database, metrics, stack)
        counts = CommandCounts()
        gateway = _gateway(config, core, database, tokens, counts)
        state = ProcessState(
            gateway=gateway,
            fanout=core.fanout,
            hub=core.hub,
            log=core.log,
            database=database,
            commands=counts,
        )
        metrics.registry.register(state)
        core.background.spawn(metrics.watch_loop())
        core.background.spawn(_turn(gateway.wheel, core.hub))
        core.background.spawn(_forget_expired(database))
        if config.server.metrics_address:
            await _serve_metrics(config, metrics, stack)
        await stack.enter_async_context(
            listening(
                rest.build(_rest_services(config, core, database, tokens, metrics)),
                bound,
                websocket=partial(GatewayProtocol, gateway),
                trusted_proxies=config.server.trusted_proxies,
                grace_seconds=config.server.shutdown_seconds,
            )
        )
        # What has been made so far stays: a full collection need not look at it.
        gc.collect()
        gc.freeze()
        try:
            yield Plaza(url_of(bound), gateway, core.log)
        finally:
            await _drain(gateway, core, within=config.server.shutdown_seconds)


@dataclass(frozen=True, slots=True)
class _Core:
    """What the socket and REST have in common."""

    mint: IdMint
    tick: Tick
    fanout: Fanout
    hub: Hub
    log: RoomLog
    sessions: OpenSessions
    chat: Chat
    dispatch: Dispatcher
    background: Background
    commands: Background
    """Those under way that are not the log's: their answers are waited for at the end."""


async def _start_core(
    config: Config, database: Database, metrics: Metrics, stack: AsyncExitStack
) -> _Core:
    mint = IdMint(config.node.id)
    tick = Tick(asyncio.get_running_loop(), metrics)
    fanout = Fanout(tick.wake)
    tick.before = fanout.flush
    background = Background()
    commands = Background()
    stack.push_async_callback(background.cancel)
    stack.push_async_callback(commands.cancel)
    presences = Presences()
    # The chat is made below.
    hub = Hub(fanout, joined=lambda *event: chat.admit(*event), attendance=presences)  # noqa: PLW0108
    log = RoomLog(
        database.open_connection,
        mint=mint,
        publish=hub.publish,
        observer=metrics,
        capacity=config.limits.log_queue,
        clock=now_ms,
    )
    await log.open()
    stack.push_async_callback(log.close)
    sessions = OpenSessions()
    chat = Chat(
        database=database,
        log=log,
        hub=hub,
        sessions=sessions,
        background=background,
        mint=mint,
        clock=now_ms,
    )
    dispatch = Dispatcher(
        log,
        RoomCommands(chat, commands).handlers,
        Receipts(chat, commands).handlers,
        presences.handlers,
    )
    return _Core(mint, tick, fanout, hub, log, sessions, chat, dispatch, background, commands)


def _gateway(
    config: Config, core: _Core, database: Database, tokens: TokenKey, counts: CommandCounts
) -> Gateway:
    reception = Reception(
        tokens=tokens,
        database=database,
        hub=core.hub,
        sessions=core.sessions,
        background=core.background,
        heartbeat=config.gateway.heartbeat_seconds,
        replay_events=config.limits.replay_events,
        clock=now_ms,
    )
    paths: dict[str, Callable[[GatewayProtocol, Request], Session]] = {
        "/ws": partial(
            ChatSession,
            dispatch=core.dispatch,
            reception=reception,
            counts=counts,
            max_unanswered=config.limits.unanswered_commands,
        )
    }
    if config.debug.echo:
        paths["/ws/echo"] = EchoSession
    return Gateway(config, core.tick, TimerWheel(), paths)


def _rest_services(
    config: Config, core: _Core, database: Database, tokens: TokenKey, metrics: Metrics
) -> rest.Services:
    return rest.Services(
        config=config,
        database=database,
        chat=core.chat,
        passwords=Passwords(workers=config.auth.password_hashers),
        tokens=tokens,
        throttles=Throttles.of(config.limits),
        mint=core.mint,
        clock=now_ms,
        readiness=partial(_readiness, database, core.log),
        metrics=metrics.render,
    )


async def _serve_metrics(config: Config, metrics: Metrics, stack: AsyncExitStack) -> None:
    host, _, port = config.server.metrics_address.rpartition(":")
    bound = stack.enter_context(bind(host.strip("[]"), int(port)))
    await stack.enter_async_context(listening(rest.metrics_only(metrics.render), bound))
    logger.info("serving metrics", url=f"{url_of(bound)}/metrics")


async def _drain(gateway: Gateway, core: _Core, *, within: float) -> None:
    """Answer what was accepted, then send everybody away."""
    gateway.draining = True
    await core.log.close()
    await core.commands.finish(within=within)
    gateway.tick.flush()
    for connection in tuple(gateway.connections):
        connection.shutdown()


async def _turn(wheel: TimerWheel, hub: Hub) -> None:
    while True:
        await asyncio.sleep(1)
        wheel.turn()
        if wheel.now % SWEEP_SECONDS == 0:
            hub.sweep()


async def _forget_expired(database: Database) -> None:
    """Delete sessions that have ended, now and then."""
    while True:
        with contextlib.suppress(PlazaError):  # the database is away; the next time will do
            async with database.connection() as connection:
                await delete_expired(connection, from_ms(now_ms()))
        await asyncio.sleep(EXPIRY_SECONDS)


async def _token_key(config: Config, database: Database) -> TokenKey:
    secret = config.auth.signing_key.encode()
    if not secret:
        async with database.connection() as connection:
            secret = await signing_key(connection)
    return TokenKey(secret, lifetime=config.auth.access_token_seconds)


async def _readiness(database: Database, log: RoomLog) -> Mapping[str, str | None]:
    reachable = await database.ready() and log.is_open
    return {"database": None if reachable else "The database cannot be reached."}


def _raise_file_limit() -> None:
    """A connection is a file; the usual soft limit of 1,024 is the hard one's to raise."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
