"""The composition root: everything is made here, wired by hand, and ended in reverse order."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from socket import socket

import structlog
from websockets.http11 import Request

from persistence.database import Database
from persistence.marker_writer import MarkerWriter
from persistence.room_log import RoomLog
from persistence.secrets import signing_key
from protocol.events import RoomEvent
from protocol.ids import IdMint
from rooms.fanout import Fanout
from rooms.hub import Hub
from rooms.tail import Tails
from server import rest
from server.admission import Admission
from server.arrivals import Arrivals
from server.background import Background
from server.chat import Chat
from server.chores import Chores
from server.config import Config
from server.dispatch import Dispatcher
from server.drain import Drain, Report, close_jobs, close_log, unheard
from server.echo import EchoSession
from server.feeds import Feeds
from server.gateway import Gateway, GatewayProtocol, Session
from server.grace import Grace
from server.indexer import Indexer
from server.jobs import Jobs
from server.limits import Throttles
from server.listener import bind, listening, url_of
from server.log_reader import LogReader
from server.metrics import FeedState, Metrics, ProcessState, UploadState
from server.outbox import Tick
from server.passwords import Passwords
from server.posting import posting
from server.presence import Presences
from server.presence_commands import PresenceCommands
from server.receipts import Receipts
from server.reception import Reception
from server.relations import Relations
from server.room_commands import RoomCommands
from server.search import Search
from server.session import ChatSession, CommandCounts, OpenSessions
from server.subscriptions import Subscriptions
from server.tokens import TokenKey
from server.typing import Typings
from server.upkeep import every_second, forget_expired_sessions
from server.uploading import Uploading
from server.watch_commands import WatchCommands
from server.wheel import TimerWheel

logger = structlog.get_logger(__name__)

SWEEP_SECONDS = 10
LAST_SECONDS = 1.0  # for the last markers, when the grace time is used up


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
        grace: for its end.
    """

    url: str
    gateway: Gateway
    log: RoomLog
    grace: Grace


@asynccontextmanager
async def running(
    config: Config, database: Database, bound: socket, *, draining: Report = unheard
) -> AsyncIterator[Plaza]:
    """Run the server on a bound socket; on exit what was accepted is written and answered.

    Args:
        config: the effective one.
        database: with the schema up to date.
        bound: to listen on.
        draining: is told how the sending away of connections goes.
    """
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
            presences=core.presences,
            log=core.log,
            database=database,
            commands=counts,
            reads=core.reader.counts,
        )
        metrics.registry.register(state)
        metrics.registry.register(FeedState(core.feeds.live))
        metrics.registry.register(UploadState(core.uploading.conversions))
        _start_upkeep(core, gateway, database, metrics)
        core.background.spawn(core.jobs.run())
        stack.push_async_callback(close_jobs, core.jobs, core.grace)
        if config.server.metrics_address:
            await _serve_metrics(config, metrics, stack)
        await stack.enter_async_context(
            listening(
                rest.build(_rest_services(config, core, database, tokens, metrics)),
                bound,
                websocket=partial(GatewayProtocol, gateway),
                trusted_proxies=config.server.trusted_proxies,
                grace=core.grace,
            )
        )
        # What has been made so far stays: a full collection need not look at it.
        gc.collect()
        gc.freeze()
        try:
            yield Plaza(url_of(bound), gateway, core.log, core.grace)
        finally:
            seconds = config.server.drain_seconds
            await Drain(gateway, core.grace, seconds=seconds, report=draining).run()


@dataclass(frozen=True, slots=True)
class _Core:
    """What the socket and REST have in common."""

    mint: IdMint
    tick: Tick
    fanout: Fanout
    hub: Hub
    presences: Presences
    reader: LogReader
    log: RoomLog
    sessions: OpenSessions
    admission: Admission
    chat: Chat
    relations: Relations
    receipts: Receipts
    dispatch: Dispatcher
    indexer: Indexer
    jobs: Jobs
    feeds: Feeds
    uploading: Uploading
    chores: Chores
    background: Background
    commands: Background
    """Those under way that are not the log's: their answers are waited for at the end."""
    grace: Grace


def _start_upkeep(core: _Core, gateway: Gateway, database: Database, metrics: Metrics) -> None:
    spawn = core.background.spawn
    spawn(metrics.watch_loop(core.admission.pressure.lagged))
    spawn(
        every_second(
            gateway.wheel.turn,
            core.presences.flush,
            core.receipts.turn,
            core.feeds.live.turn,
            partial(_sweep, core.hub, gateway.wheel),
        )
    )
    spawn(forget_expired_sessions(database, now_ms))
    spawn(core.indexer.run())
    spawn(core.feeds.live.run())


async def _start_core(
    config: Config, database: Database, metrics: Metrics, stack: AsyncExitStack
) -> _Core:
    mint = IdMint(config.node.id)
    tick = Tick(asyncio.get_running_loop(), metrics)
    fanout = Fanout(tick.wake)
    background = Background()
    commands = Background()
    stack.push_async_callback(background.cancel)
    stack.push_async_callback(commands.cancel)
    presences = Presences(database=database, background=background, config=config, clock=now_ms)
    stack.push_async_callback(presences.close)
    limits = config.limits
    tails = Tails.ample(room_events=limits.replay_events, all_events=limits.tail_events)
    # The chat is made below.
    hub = Hub(fanout, lambda *event: chat.admit(*event), presences, tails)  # noqa: PLW0108
    relations = Relations(database, hub, presences, limit=limits.blocked_accounts)
    reader = LogReader(database, hub)
    indexer = Indexer(database, waiting=lambda: len(log))
    grace = Grace(config.server.shutdown_seconds)
    receipts = await _start_receipts(config, database, hub, tick, commands, grace, stack)
    # What is told of markers counts what the rooms have sent.
    tick.before = _one_after_the_other(fanout.flush, receipts.flush)
    log = RoomLog(
        database.open_connection,
        mint=mint,
        publish=_to_all(hub.publish, indexer.note),
        observer=metrics,
        capacity=config.limits.log_queue,
        clock=now_ms,
    )
    await log.open()
    stack.push_async_callback(close_log, log, commands, grace)
    sessions = OpenSessions()
    admission = Admission(config, queued=log.__len__)
    chat = Chat(
        database=database,
        log=log,
        reader=reader,
        hub=hub,
        sessions=sessions,
        background=background,
        mint=mint,
        clock=now_ms,
    )
    posts = await stack.enter_async_context(
        posting(config, database, metrics, chat, hub, background, mint, now_ms)
    )
    dispatch = Dispatcher(
        log,
        RoomCommands(chat, commands).handlers,
        Subscriptions(chat, hub, commands, limit=limits.subscriptions).handlers,
        receipts.handlers,
        Typings(hub, members=limits.typing_members, clock=now_ms).handlers,
        PresenceCommands(presences, relations, commands).handlers,
        WatchCommands(presences, posts.feeds.live, commands).handlers,
    )
    return _Core(
        *(mint, tick, fanout, hub, presences, reader, log, sessions, admission, chat, relations),
        *(receipts, dispatch, indexer, *posts, background, commands, grace),
    )


def _one_after_the_other(*steps: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        for step in steps:
            step()

    return run


async def _start_receipts(
    config: Config,
    database: Database,
    hub: Hub,
    tick: Tick,
    commands: Background,
    grace: Grace,
    stack: AsyncExitStack,
) -> Receipts:
    writer = MarkerWriter(
        database.open_connection,
        moved=lambda news: receipts.moved(news),  # noqa: PLW0108 - made below
        capacity=config.limits.marker_queue,
    )
    receipts = Receipts(
        writer=writer,
        database=database,
        hub=hub,
        background=commands,
        wake=tick.wake,
        members=config.limits.receipts_members,
    )
    await writer.open()
    stack.push_async_callback(lambda: writer.close(within=grace.left(at_least=LAST_SECONDS)))
    return receipts


def _gateway(
    config: Config, core: _Core, database: Database, tokens: TokenKey, counts: CommandCounts
) -> Gateway:
    reception = Reception(
        claims=lambda token: tokens.read(token, now_ms() / 1000),
        arrivals=Arrivals(database, core.background, core.reader.counts),
        reader=core.reader,
        hub=core.hub,
        presences=core.presences,
        sessions=core.sessions,
        background=core.background,
        config=config,
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
    return Gateway(config, core.tick, TimerWheel(), paths, core.admission)


def _rest_services(
    config: Config, core: _Core, database: Database, tokens: TokenKey, metrics: Metrics
) -> rest.Services:
    return rest.Services(
        config=config,
        database=database,
        chat=core.chat,
        relations=core.relations,
        receipts=core.receipts,
        search=Search(database, core.indexer),
        feeds=core.feeds,
        uploading=core.uploading,
        chores=core.chores,
        passwords=Passwords(workers=config.auth.password_hashers),
        tokens=tokens,
        throttles=Throttles.of(config.limits),
        admission=core.admission,
        mint=core.mint,
        clock=now_ms,
        readiness=partial(_readiness, database, core.log, core.grace),
        metrics=metrics.render,
    )


async def _serve_metrics(config: Config, metrics: Metrics, stack: AsyncExitStack) -> None:
    host, _, port = config.server.metrics_address.rpartition(":")
    bound = stack.enter_context(bind(host.strip("[]"), int(port)))
    await stack.enter_async_context(listening(rest.metrics_only(metrics.render), bound))
    logger.info("serving metrics", url=f"{url_of(bound)}/metrics")


def _to_all(*listeners: Callable[[RoomEvent], None]) -> Callable[[RoomEvent], None]:
    def publish(event: RoomEvent) -> None:
        for listener in listeners:
            listener(event)

    return publish


def _sweep(hub: Hub, wheel: TimerWheel) -> None:
    if wheel.now % SWEEP_SECONDS == 0:
        hub.rooms.sweep(wheel.now)


async def _token_key(config: Config, database: Database) -> TokenKey:
    secret = config.auth.signing_key.encode()
    if not secret:
        async with database.connection() as connection:
            secret = await signing_key(connection)
    return TokenKey(secret, lifetime=config.auth.access_token_seconds)


async def _readiness(database: Database, log: RoomLog, grace: Grace) -> Mapping[str, str | None]:
    reachable = await database.ready() and log.is_open
    return {
        "database": None if reachable else "The database cannot be reached.",
        "process": "The server is shutting down." if grace.begun else None,
    }
