"""What viewers are told of their stream beside it: the server-sent events of WHEP.

Nothing is queued: of each event a follower gets the latest, when it is next sent something. Once a
second all are looked at; what has changed is sent, and the same text serves all of a broadcast.
"""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable

import msgspec

from media.broadcast import Broadcast, State
from protocol.errors import NOT_FOUND, PlazaError
from server.live_session import LiveSession

EVENTS: tuple[str, ...] = ("active", "inactive", "layers", "reconnect", "viewercount")
"""The types that are sent (draft-ietf-wish-whep, 4.9.1); `scte35` has no source here."""

# Of one session: a player has one; what has been lost sight of makes room.
FEEDS_OF_A_SESSION = 4
# Proxies close what is silent for long, and a client that is gone is noticed by writing to it.
COMMENT_SECONDS = 15


class EventFeed:
    """One event stream of a session.

    Args:
        wanted: the types that its client wants.
    """

    __slots__ = ("_changed", "_over", "_sent", "_waiting", "wanted")

    def __init__(self, wanted: Iterable[str]) -> None:
        self.wanted = frozenset(wanted)
        self._sent: dict[str, str] = {}
        self._waiting: dict[str, str] = {}
        self._changed = asyncio.Event()
        self._over = False

    def tell(self, topic: str, text: str) -> None:
        """Send the text, unless the last of this topic was the same; instead of one that waits."""
        if self._sent.get(topic) != text:
            self._sent[topic] = self._waiting[topic] = text
            self._changed.set()

    def comment(self) -> None:
        """Send a line that means nothing."""
        self._waiting.setdefault("comment", ":\n\n")
        self._changed.set()

    def end(self) -> None:
        """What waits is sent, and nothing after it."""
        self._over = True
        self._changed.set()

    async def texts(self) -> AsyncIterator[str]:
        """What is sent, as it comes. Of several readers each text goes to one."""
        while True:
            waiting, self._waiting = self._waiting, {}
            self._changed.clear()
            if waiting:
                yield "".join(waiting.values())
            elif self._over:
                return
            else:
                await self._changed.wait()


class ViewerEvents:
    """The event feeds of all sessions."""

    def __init__(self) -> None:
        self._closed = False
        self._feeds: dict[LiveSession, dict[str, EventFeed]] = {}
        self._turns = 0

    def __len__(self) -> int:
        """How many feeds there are."""
        return sum(map(len, self._feeds.values()))

    def open(self, session: LiveSession, wanted: Iterable[str], now: float) -> str:
        """Make a feed; return its id, a secret.

        Args:
            now: of the clock of media.
        """
        feeds = self._feeds.setdefault(session, {})
        while len(feeds) >= FEEDS_OF_A_SESSION:
            feeds.pop(next(iter(feeds))).end()
        name = secrets.token_urlsafe(12)
        feed = feeds[name] = EventFeed(wanted)
        _tell([(session, feed)], session.broadcast, now)
        if self._closed:
            _part(feed)
        return name

    def find(self, session: LiveSession, name: str) -> EventFeed:
        """A session's feed. Raises PlazaError not_found."""
        feed = self._feeds.get(session, {}).get(name)
        if feed is None:
            raise PlazaError(NOT_FOUND, "There is no such event stream. Make one with POST.")
        return feed

    def drop(self, session: LiveSession, name: str) -> None:
        """End a feed. Raises PlazaError not_found."""
        self.find(session, name).end()
        del self._feeds[session][name]

    def end(self, session: LiveSession) -> None:
        """The session is over: so are its feeds."""
        for feed in self._feeds.pop(session, {}).values():
            if session.broadcast.state is not State.LIVE and "inactive" in feed.wanted:
                feed.tell("state", _event("inactive", {}))
            feed.end()

    def close(self) -> None:
        """The process ends: players are to begin again, and no feed keeps its request any more.

        To be called before the port closes, which waits for requests that are under way.
        """
        self._closed = True
        for feeds in self._feeds.values():
            for feed in feeds.values():
                _part(feed)

    def turn(self, now: float) -> None:
        """Tell what has changed. To be called each second."""
        self._turns += 1
        together: dict[Broadcast, list[tuple[LiveSession, EventFeed]]] = defaultdict(list)
        for session, feeds in self._feeds.items():
            together[session.broadcast] += ((session, feed) for feed in feeds.values())
        for broadcast, followers in together.items():
            _tell(followers, broadcast, now)
            if self._turns % COMMENT_SECONDS == 0:
                for _, feed in followers:
                    feed.comment()


def _part(feed: EventFeed) -> None:
    if "reconnect" in feed.wanted:
        feed.tell("reconnect", _event("reconnect", {}))
    feed.end()


def _tell(
    followers: Iterable[tuple[LiveSession, EventFeed]], broadcast: Broadcast, now: float
) -> None:
    # "Not sent at first where there is no publication" (4.9.1.2) is what `_sent` cannot say: a
    # session is only made of a stream that is live, or was a moment ago.
    state = "active" if broadcast.state is State.LIVE else "inactive"
    state_text = _event(state, {})
    count_text = _event("viewercount", {"viewercount": len(broadcast.viewers)})
    layers = layers_of(broadcast, now)
    layers_texts: dict[int, str] = {}
    for session, feed in followers:
        if state in feed.wanted:
            feed.tell("state", state_text)
        if "viewercount" in feed.wanted:
            feed.tell("viewercount", count_text)
        line = session.video_line
        if "layers" in feed.wanted and layers and line is not None:
            if line not in layers_texts:
                layers_texts[line] = _event("layers", {str(line): layers})
            feed.tell("layers", layers_texts[line])


def layers_of(broadcast: Broadcast, now: float) -> list[dict[str, str | int]]:
    """The layers among which a viewer may choose; empty where there is no choice."""
    video = broadcast.tracks.get("video")
    if video is None:
        return []
    layers: list[dict[str, str | int]] = []
    for layer in video.layers:
        if layer.rid:
            shown: dict[str, str | int] = {"rid": layer.rid, "bitrate": _round(layer.bitrate(now))}
            if layer.width and layer.height:
                shown |= {"width": layer.width, "height": layer.height}
            layers.append(shown)
    return layers


def _round(bitrate: int) -> int:
    # A number that changes each second would be an event each second.
    step = int(10 ** max(0, len(str(bitrate)) - 2))
    return bitrate // step * step


def _event(kind: str, content: object) -> str:
    return f"event: {kind}\ndata: {msgspec.json.encode(content).decode()}\n\n"
