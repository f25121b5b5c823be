"""What REST needs from the rest of the process; server/app.py fills it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from persistence.database import Database
from protocol.ids import IdMint
from server.admission import Admission
from server.chat import Chat
from server.chores import Chores
from server.config import Config
from server.feeds import Feeds
from server.limits import Throttles
from server.live_sessions import LiveSessions
from server.passwords import Passwords
from server.receipts import Receipts
from server.relations import Relations
from server.search import Search
from server.streaming import Streaming
from server.tokens import TokenKey
from server.uploading import Uploading

# What is wrong with each part that the process depends on, as a sentence; None: nothing.
Readiness = Callable[[], Awaitable[Mapping[str, str | None]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The parts that the routes are made of.

    Attributes:
        mint: makes ids.
        clock: Unix time in milliseconds.
        readiness: whether the parts that the process depends on can be reached.
        metrics: the text of /metrics and its media type.
        live: who publishes and who watches; None: the process carries no media.
    """

    config: Config
    database: Database
    chat: Chat
    relations: Relations
    receipts: Receipts
    search: Search
    feeds: Feeds
    uploading: Uploading
    chores: Chores
    streaming: Streaming
    passwords: Passwords
    tokens: TokenKey
    throttles: Throttles
    admission: Admission
    mint: IdMint
    clock: Callable[[], int]
    readiness: Readiness
    metrics: Callable[[], tuple[bytes, str]]
    live: LiveSessions | None = None
