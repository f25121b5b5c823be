"""What the socket and REST have in common, made and put together: for the composition root."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from persistence.database import Database
from persistence.marker_writer import MarkerWriter
from persistence.room_log import RoomLog
from protocol.events import RoomEvent
from protocol.ids import IdMint
from rooms.fanout import Fanout
from rooms.hub import Hub
from rooms.tail import Tails
from server.admission import Admission
from server.background import Background
from server.chat import Chat
from server.chores import Chores
from server.clock import now_ms
from server.config import Config
from server.dispatch import Dispatcher
from server.drain import close_log
from server.feeds import Feeds
from server.grace import Grace
from server.indexer import Indexer
from server.jobs import Jobs
from server.log_reader import LogReader
from server.metrics import Metrics
from server.outbox import Tick
from server.posting import posting
from server.presence import Presences
from server.presence_commands import PresenceCommands
from server.receipts import Receipts
from server.relations import Relations
from server.room_commands import RoomCommands
from server.session import OpenSessions
from server.streaming import Streaming, make_streaming
from server.subscriptions import Subscriptions
from server.typing import Typings
from server.uploading import Uploading
from server.watch_commands import WatchCommands

LAST_SECONDS = 1.0  # for the last markers, when the grace time is used up


@dataclass(frozen=True, slots=True)
class Parts:
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
    streaming: Streaming
    background: Background
    commands: Background
    """Those under way that are not the log's: their answers are waited for at the end."""
    grace: Grace


async def start_parts(
    config: Config, database: Database, metrics: Metrics, stack: AsyncExitStack
) -> Parts:
    """Make the parts, and start what has to be; `stack` ends them, in reverse order."""
    mint = IdMint(config.node.id)
    tick = Tick(asyncio.get_running_loop(), metrics)
    fanout = Fanout(tick.wake)
    background, commands = Background(), Background()
    stack.push_async_callback(background.cancel)
    stack.push_async_callback(commands.cancel)
    presences = Presences(database=database, background=background, config=config, clock=now_ms)
    stack.push_async_callback(presences.close)
    limits = config.limits
    tails = Tails.ample(room_events=limits.replay_events, all_events=limits.tail_events)
    # The chat is made below.
    hub = Hub(fanout, lambda *event: chat.admit(*event), presences, tails)  # noqa: PLW0108
    reader, grace = LogReader(database, hub), Grace(config.server.shutdown_seconds)
    indexer = Indexer(database, waiting=lambda: len(log))
    receipts = await _start_receipts(config, database, hub, tick, commands, grace, stack)
    # What is told of markers counts what the rooms have sent.
    tick.before = _one_after_the_other(fanout.flush, receipts.flush)
    publish = _one_after_the_other(
        *(hub.publish, indexer.note),
        lambda event: streaming.admission.written(event),  # noqa: PLW0108 - made below
    )
    log = await _start_log(config, database, mint, publish, metrics)
    stack.push_async_callback(close_log, log, commands, grace)
    sessions, admission = OpenSessions(), Admission(config, queued=log.__len__)
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
    streaming = make_streaming(config, database, chat, hub, background, mint, now_ms)
    relations = Relations(
        *(database, hub, presences),
        limit=limits.blocked_accounts,
        blocked=streaming.admission.blocked,
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
    return Parts(
        *(mint, tick, fanout, hub, presences, reader, log, sessions, admission, chat, relations),
        *(receipts, dispatch, indexer, *posts, streaming, background, commands, grace),
    )


def _one_after_the_other(*steps: Callable[..., None]) -> Callable[..., None]:
    def run(*given: RoomEvent) -> None:
        for step in steps:
            step(*given)

    return run


async def _start_log(
    config: Config,
    database: Database,
    mint: IdMint,
    publish: Callable[[RoomEvent], None],
    metrics: Metrics,
) -> RoomLog:
    log = RoomLog(
        database.open_connection,
        mint=mint,
        publish=publish,
        observer=metrics,
        capacity=config.limits.log_queue,
        clock=now_ms,
    )
    await log.open()
    return log


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
