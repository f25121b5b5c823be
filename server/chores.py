"""What jobs do for accounts and links: the parts, put together for the composition root."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from feed_push.ports import Watchers
from persistence import account_export
from persistence.database import Database
from persistence.posts import PREVIEW
from protocol.ids import IdMint
from server.config import Config
from server.exports import Exports
from server.jobs import Jobs
from server.outbound import Outbound
from server.previews import Previews
from server.spool import Spool
from server.trends import REFRESH_HOUR, REFRESH_REST, Trends
from server.uploading import Uploading

SWEEP_EXPORTS = "exports.sweep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chores:
    """The parts that somebody asks for."""

    exports: Exports
    trends: Trends


def make_chores(
    config: Config,
    database: Database,
    *,
    jobs: Jobs,
    uploading: Uploading,
    watchers: Watchers,
    mint: IdMint,
    clock: Callable[[], int],
) -> Chores:
    """Make the parts, and wire them.

    Args:
        jobs: get the parts' handlers; they run when everything is made.
        uploading: has the object store, and keeps pictures.
        watchers: are told of posts that change.
        mint: makes ids.
        clock: Unix time in milliseconds.
    """
    outbound = Outbound.of(config)
    previews = Previews(database, outbound, watchers, uploading.pictures, clock=clock)
    jobs.on(PREVIEW, previews.fetch)
    trends = Trends(database, clock=clock)
    jobs.every(REFRESH_HOUR, "* * * * *", trends.refresh_hour)
    jobs.every(REFRESH_REST, "*/10 * * * *", trends.refresh_rest)
    spool = Spool(Path(config.server.data_dir) / "exporting")
    exports = Exports(database, uploading.objects, spool, mint=mint, clock=clock)
    jobs.on(account_export.MAKE, exports.make, at_once=1)
    jobs.on(account_export.ERASE, exports.erase)
    jobs.every(SWEEP_EXPORTS, "43 * * * *", exports.sweep)
    return Chores(exports=exports, trends=trends)
