"""Live streams as things that people use, put together: for the composition root.

What carries their media (server/broadcasting.py) is made after them, for it asks who may publish
and watch; `Streaming.carried_by` joins the two.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from persistence.database import Database
from protocol.errors import PlazaError
from protocol.ids import IdMint
from rooms.hub import Hub
from server.background import Background
from server.chat import Chat
from server.config import Config
from server.stream_admission import StreamAdmission
from server.stream_news import StreamNews
from server.stream_pages import StreamPages
from server.stream_ports import Air
from server.stream_stage import StreamStage
from server.streams import Streams


@dataclass(frozen=True, slots=True, kw_only=True)
class Streaming:
    """The parts."""

    stage: StreamStage
    streams: Streams
    pages: StreamPages
    admission: StreamAdmission

    def carried_by(self, air: Air) -> None:
        """From now on this carries the media."""
        self.stage.air = air

    def turn(self) -> None:
        """To be called each second."""
        self.stage.turn()
        self.admission.turn()


def make_streaming(
    config: Config,
    database: Database,
    chat: Chat,
    hub: Hub,
    background: Background,
    mint: IdMint,
    clock: Callable[[], int],
) -> Streaming:
    """Make the parts, and wire them.

    Args:
        chat: has the streams' rooms.
        hub: knows who is here.
        background: asks again who may watch.
        mint: makes ids.
        clock: Unix time in milliseconds.
    """
    settings = config.streams
    stage = StreamStage(
        *(database, StreamNews(database, hub)),
        node=config.node.id,
        grace_seconds=settings.grace_seconds,
        clock=clock,
    )
    streams = Streams(database, chat, stage, settings=settings, mint=mint, clock=clock)
    admission = StreamAdmission(database, stage, settings=settings, background=background)
    pages = StreamPages(database, streams, admission, stage, clock=clock)
    return Streaming(stage=stage, streams=streams, pages=pages, admission=admission)


@asynccontextmanager
async def keeping(streaming: Streaming, background: Background) -> AsyncIterator[None]:
    """Take up what was on when the process ended, and write what comes; at the end leave the same.

    To be entered when the media can be published, and left before it goes.

    Args:
        background: runs the writer.

    Raises:
        PlazaError: unavailable.
    """
    await streaming.stage.open()
    background.spawn(streaming.stage.writer.run())
    try:
        yield
    finally:
        with suppress(PlazaError):  # the next process finds what was written last
            await streaming.stage.close()
