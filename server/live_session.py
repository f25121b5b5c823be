"""One session of WHIP or WHEP: what is behind a session URL."""

import secrets
from collections.abc import Callable
from typing import Literal

from media.broadcast import Broadcast
from media.description import Answer, IceCredentials
from media.peer import Peer
from media.publisher import Publisher
from media.viewer import Viewer
from protocol.ids import Id

Role = Literal["whip", "whep"]


def new_etag() -> str:
    """An entity tag that nothing had before."""
    return secrets.token_hex(8)


class LiveSession:
    """A `media.ports.Session`: the publisher's or the viewer's, of which it also hears the end.

    Args:
        role: `whip`: it publishes; `whep`: it watches.
        stream: which one.
        account: who watches; None: nobody known. A publisher has a key instead.
        answer: to its offer.
        broadcast: of the stream.
        end: the publisher, or the viewer.
        gone: is called when it is over, with the reason.

    Attributes:
        id: of its URL; a secret.
        etag: of its ICE session, without quotes: another one after each ICE restart.
        remote: the peer's ICE credentials, as of the last restart.
        peer: its connection.
        since: when it was connected, by the clock of media; None: it is not yet.
        receive_rtp: the publisher's or viewer's own, so that a packet costs no call more.
        receive_rtcp: likewise.
    """

    __slots__ = (
        "_gone",
        "account",
        "answer",
        "broadcast",
        "end",
        "etag",
        "id",
        "peer",
        "receive_rtcp",
        "receive_rtp",
        "remote",
        "role",
        "since",
        "stream",
    )

    peer: Peer

    def __init__(
        self,
        *,
        role: Role,
        stream: Id,
        account: Id | None,
        answer: Answer,
        broadcast: Broadcast,
        end: Publisher | Viewer,
        gone: Callable[["LiveSession", str], None],
    ) -> None:
        self.id = secrets.token_urlsafe(24)
        self.role = role
        self.stream = stream
        self.account = account
        self.answer = answer
        self.etag = new_etag()
        self.broadcast = broadcast
        self.end = end
        self.remote: IceCredentials = answer.remote
        self.since: float | None = None
        self.receive_rtp = end.receive_rtp
        self.receive_rtcp = end.receive_rtcp
        self._gone = gone

    @property
    def path(self) -> str:
        """Of its URL."""
        return f"/{self.role}/{self.stream}/{self.id}"

    @property
    def video_line(self) -> int | None:
        """Which m= section has the video that is sent, counted from 0; None: none has."""
        lines = (line for line in self.answer.sdp.splitlines() if line.startswith("m="))
        for index, line in enumerate(lines):
            if line.startswith("m=video ") and not line.startswith("m=video 0 "):
                return index
        return None

    def attached(self, peer: Peer) -> None:
        """The peer is made."""
        self.peer = peer
        self.end.attached(peer)

    def connected(self, now: float) -> None:
        """Packets can be sent."""
        self.since = now
        self.end.connected(now)

    def closed(self, reason: str, now: float) -> None:
        """The peer is gone."""
        self.end.closed(reason, now)
        self._gone(self, reason)
