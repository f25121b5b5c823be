"""The composition root: everything is made here, wired by hand, and ended in reverse order."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from socket import socket

import structlog
from websockets.http11 import Request

from media.addresses import Bound
from persistence.database import Database
from persistence.room_log import RoomLog
from rooms.hub import Hub
from server import garbage, rest
from server.arrivals import Arrivals
from server.broadcasting import broadcasting
from server.clock import now_ms
from server.config import Config
from server.drain import Drain, Report, close_jobs, unheard
from server.echo import EchoSession
from server.gateway import Gateway, GatewayProtocol, Session
from server.grace import Grace
from server.limits import Throttles
from server.listener import bind, listening, url_of
from server.live_sessions import LiveSessions
from server.metrics import FeedState, Metrics, ProcessState, UploadState
from server.parts import Parts, start_parts
from server.passwords import Passwords
from server.reception import Reception
from server.search import Search
from server.session import ChatSession, CommandCounts
from server.streaming import Streaming, keeping
from server.tokens import TokenKey, token_key
from server.upkeep import every_second, forget_expired_sessions
from server.wheel import TimerWheel

logger = structlog.get_logger(__name__)

SWEEP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Plaza:
    """One process's server, running.

    Attributes:
        url: at which it is reached.
        gateway: its WebSocket connections.
        log: its rooms' log.
        grace: for its end.
        streaming: its live streams.
    """

    url: str
    gateway: Gateway
    log: RoomLog
    grace: Grace
    streaming: Streaming


@asynccontextmanager
async def running(
    config: Config,
    database: Database,
    bound: socket,
    *,
    media: Bound | None = None,
    draining: Report = unheard,
) -> AsyncIterator[Plaza]:
    """Run the server on a bound socket; on exit what was accepted is written and answered.

    Args:
        config: the effective one.
        database: with the schema up to date.
        bound: to listen on.
        media: the media port; None: no live streams are carried.
        draining: is told how the sending away of connections goes.
    """
    async with AsyncExitStack() as stack:
        tokens = await token_key(config.auth, database)
        metrics = Metrics()
        parts = await start_parts(config, database, metrics, stack)
        counts = CommandCounts()
        gateway = _gateway(config, parts, database, tokens, counts)
        _start_upkeep(parts, gateway, database, counts, metrics)
        live = await stack.enter_async_context(
            broadcasting(config, media, parts.streaming, metrics)
        )
        await stack.enter_async_context(keeping(parts.streaming, parts.background))
        parts.background.spawn(parts.jobs.run())
        stack.push_async_callback(close_jobs, parts.jobs, parts.grace)
        if config.server.metrics_address:
            await _serve_metrics(config, metrics, stack)
        await stack.enter_async_context(
            listening(
                rest.build(_rest_services(config, parts, database, tokens, metrics, live)),
                bound,
                websocket=partial(GatewayProtocol, gateway),
                trusted_proxies=config.server.trusted_proxies,
                grace=parts.grace,
            )
        )
        if live is not None:  # they are requests without an end, for which the port would wait
            stack.callback(live.events.close)
        garbage.settle()
        try:
            yield Plaza(url_of(bound), gateway, parts.log, parts.grace, parts.streaming)
        finally:
            seconds = config.server.drain_seconds
            await Drain(gateway, parts.grace, seconds=seconds, report=draining).run()


def _start_upkeep(
    parts: Parts, gateway: Gateway, database: Database, counts: CommandCounts, metrics: Metrics
) -> None:
    state = ProcessState(
        gateway=gateway,
        fanout=parts.fanout,
        hub=parts.hub,
        presences=parts.presences,
        log=parts.log,
        database=database,
        commands=counts,
        reads=parts.reader.counts,
    )
    for shown in (state, FeedState(parts.feeds.live), UploadState(parts.uploading.conversions)):
        metrics.registry.register(shown)
    spawn = parts.background.spawn
    spawn(metrics.watch_loop(parts.admission.pressure.lagged))
    spawn(
        every_second(
            gateway.wheel.turn,
            parts.presences.flush,
            parts.receipts.turn,
            parts.feeds.live.turn,
            parts.streaming.turn,
            partial(_sweep, parts.hub, gateway.wheel),
        )
    )
    spawn(forget_expired_sessions(database, now_ms))
    spawn(parts.indexer.run())
    spawn(parts.feeds.live.run())


def _gateway(
    config: Config, parts: Parts, database: Database, tokens: TokenKey, counts: CommandCounts
) -> Gateway:
    reception = Reception(
        claims=lambda token: tokens.read(token, now_ms() / 1000),
        arrivals=Arrivals(database, parts.background, parts.reader.counts),
        reader=parts.reader,
        hub=parts.hub,
        presences=parts.presences,
        sessions=parts.sessions,
        background=parts.background,
        config=config,
    )
    paths: dict[str, Callable[[GatewayProtocol, Request], Session]] = {
        "/ws": partial(
            ChatSession,
            dispatch=parts.dispatch,
            reception=reception,
            counts=counts,
            max_unanswered=config.limits.unanswered_commands,
        )
    }
    if config.debug.echo:
        paths["/ws/echo"] = EchoSession
    return Gateway(config, parts.tick, TimerWheel(), paths, parts.admission)


def _rest_services(
    config: Config,
    parts: Parts,
    database: Database,
    tokens: TokenKey,
    metrics: Metrics,
    live: LiveSessions | None,
) -> rest.Services:
    return rest.Services(
        config=config,
        database=database,
        chat=parts.chat,
        relations=parts.relations,
        receipts=parts.receipts,
        search=Search(database, parts.indexer),
        feeds=parts.feeds,
        uploading=parts.uploading,
        chores=parts.chores,
        streaming=parts.streaming,
        passwords=Passwords(workers=config.auth.password_hashers),
        tokens=tokens,
        throttles=Throttles.of(config.limits),
        admission=parts.admission,
        mint=parts.mint,
        clock=now_ms,
        readiness=partial(_readiness, database, parts.log, parts.grace),
        metrics=metrics.render,
        live=live,
    )


async def _serve_metrics(config: Config, metrics: Metrics, stack: AsyncExitStack) -> None:
    host, _, port = config.server.metrics_address.rpartition(":")
    bound = stack.enter_context(bind(host.strip("[]"), int(port)))
    await stack.enter_async_context(listening(rest.metrics_only(metrics.render), bound))
    logger.info("serving metrics", url=f"{url_of(bound)}/metrics")


def _sweep(hub: Hub, wheel: TimerWheel) -> None:
    if wheel.now % SWEEP_SECONDS == 0:
        hub.rooms.sweep(wheel.now)


async def _readiness(database: Database, log: RoomLog, grace: Grace) -> Mapping[str, str | None]:
    reachable = await database.ready() and log.is_open
    return {
        "database": None if reachable else "The database cannot be reached.",
        "process": "The server is shutting down." if grace.begun else None,
    }
