"""`plaza serve`: the process, from its start to the signal that ends it."""

import asyncio
import resource
import signal
from collections.abc import Callable
from pathlib import Path

import structlog

from server.app import running
from server.broadcasting import media_port
from server.config import Config
from server.listener import bind
from server.pidfile import PidFile
from server.storage import open_database

logger = structlog.get_logger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


async def serve(
    config: Config, *, progress: Callable[[str], None], started: Callable[[str], None]
) -> None:
    """Serve until SIGTERM, SIGINT, or SIGHUP (the terminal is closed). A second one makes haste.

    Args:
        config: the effective one.
        progress: gets a sentence at each step of the start that may take a while.
        started: gets the URL, when connections are accepted.

    Raises:
        AddressUnavailable: a port cannot be had.
        DatabaseError, EmbeddedPostgresError, MigrationError: as `open_database`.
    """
    _raise_file_limit()
    stop = asyncio.Event()
    _on_signals(stop.set)
    # The ports first: whether they can be had is known at once, and a database takes seconds.
    with (
        bind(config.server.host, config.server.port) as bound,
        media_port(config) as media,
        PidFile(Path(config.server.data_dir)) as pid_file,
    ):
        async with (
            open_database(config, progress=progress) as database,
            running(config, database, bound, media=media, draining=pid_file.draining) as plaza,
        ):
            pid_file.announce(plaza.url)
            logger.info("started", url=plaza.url)
            started(plaza.url)
            await stop.wait()
            _on_signals(plaza.grace.hurried.set)
            logger.info("stopping", connections=len(plaza.gateway.connections))
    logger.info("stopped")


def _on_signals(callback: Callable[[], object]) -> None:
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, callback)


def _raise_file_limit() -> None:
    """A connection is a file; the usual soft limit of 1,024 is the hard one's to raise."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
