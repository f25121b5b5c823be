"""Posts, uploads and what jobs do for accounts, put together: for the composition root."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from persistence import account_deletion
from persistence.database import Database
from protocol.ids import IdMint
from rooms.hub import Hub
from server.background import Background
from server.chat import Chat
from server.chores import Chores, make_chores
from server.config import Config
from server.deletion import Deletion
from server.feeds import Feeds, make_feeds
from server.jobs import Jobs
from server.metrics import Metrics
from server.uploading import Uploading, uploading


class Posting(NamedTuple):
    """The parts."""

    jobs: Jobs
    feeds: Feeds
    uploading: Uploading
    chores: Chores


@asynccontextmanager
async def posting(
    config: Config,
    database: Database,
    metrics: Metrics,
    chat: Chat,
    hub: Hub,
    background: Background,
    mint: IdMint,
    clock: Callable[[], int],
) -> AsyncIterator[Posting]:
    """Make the parts, and wire them; the jobs have yet to be begun.

    Args:
        chat: writes that deleted accounts leave their rooms.
        hub: is told of rooms whose logs change thereby.
        background: has what a request waits for.
        mint: makes ids.
        clock: Unix time in milliseconds.
    """
    jobs = Jobs(database, observer=metrics.jobs)
    async with uploading(
        config, database, jobs=jobs, background=background, mint=mint, clock=clock
    ) as uploads:
        feeds = make_feeds(
            config, database, jobs=jobs, pushes=metrics.pushes, mint=mint, clock=clock
        )
        chores = make_chores(
            *(config, database),
            jobs=jobs,
            uploading=uploads,
            watchers=feeds.live,
            mint=mint,
            clock=clock,
        )
        deletion = Deletion(database, chat, feeds.live, rewritten=hub.rooms.rewritten, clock=clock)
        jobs.on(account_deletion.DELETE, deletion.run, at_once=1)
        yield Posting(jobs, feeds, uploads, chores)
