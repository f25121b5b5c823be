"""The sessions of WHIP and WHEP: made from an offer, changed, ended.

Nothing of HTTP is here, and nothing of packets. An offer becomes an answer, and a peer with a
publisher or a viewer behind it. A session is over when its peer is closed, whoever closes it: the
client by DELETE or by DTLS, a timeout, a publisher that takes over, the end of the stream.
"""

import secrets
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Protocol

import structlog

from media.broadcasts import Broadcasts
from media.description import Candidate, IceCredentials, Local
from media.dtls import Certificate
from media.peer import Peer
from media.publisher import Publisher
from media.receiving import ReceivingCounts
from media.relay import Relay
from media.sdp import Offer, SdpError, parse_offer
from media.sdp_answer import Outgoing, Unsupported, play_answer, publish_answer
from media.sdp_fragment import Fragment, parse, restart_answer
from media.viewer import Viewer
from protocol.errors import (
    BAD_OFFER,
    BAD_REQUEST,
    NOT_FOUND,
    PRECONDITION_FAILED,
    PRECONDITION_REQUIRED,
    STREAM_OFFLINE,
    UNSUPPORTED_OFFER,
    PlazaError,
)
from protocol.ids import Id
from server.live_capacity import Capacity
from server.live_session import LiveSession, Role, new_etag
from server.sections import Media
from server.stream_ports import Received
from server.viewer_events import ViewerEvents

logger = structlog.get_logger(__name__)

OFFLINE_SECONDS = 3.0  # after which to look again whether there is something to see


class StreamAccess(Protocol):
    """Who may do what with a stream. All of it raises a PlazaError where the database is away."""

    async def may_publish(self, stream: Id, key: str) -> None:
        """Whether the key is the stream's, and its owner may stream at all; raises otherwise."""

    async def may_watch(self, stream: Id, viewer: Id | None) -> None:
        """Whether somebody may watch it; raises otherwise.

        Args:
            viewer: None: somebody who has not said who they are.
        """

    async def still_may_watch(
        self, stream: Id, viewers: Collection[Id | None]
    ) -> Collection[Id | None]:
        """Those of some viewers who may watch it."""


class LiveSessions:
    """All sessions of the process.

    Args:
        broadcasts: the streams.
        relay: gets the peers.
        candidates: the addresses at which the endpoint is reached.
        certificate: the process's.
        streams: says who may do what.
        config: limits.
        egress: bits per second that leave now.
        clock: of media, in seconds.

    Attributes:
        streams: as given.
        ended: how many sessions are over, by role and reason.
        counts: what publishers have sent, for metrics.
        events: what viewers are told of their stream.
    """

    def __init__(
        self,
        *,
        broadcasts: Broadcasts,
        relay: Relay,
        candidates: Callable[[], tuple[Candidate, ...]],
        certificate: Certificate,
        streams: StreamAccess,
        config: Media,
        egress: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self._broadcasts = broadcasts
        self._relay = relay
        self._candidates = candidates
        self._certificate = certificate
        self.streams = streams
        self._bitrate_cap = config.publisher_bitrate
        self._capacity = Capacity(config, egress)
        self._clock = clock
        self._sessions: dict[str, LiveSession] = {}
        self._of_stream: dict[tuple[Role, Id], set[LiveSession]] = defaultdict(set)
        self._counts: Counter[Role] = Counter()
        self._withdrawals = 0
        self.ended: Counter[tuple[Role, str]] = Counter()
        self.counts = ReceivingCounts()
        self.events = ViewerEvents()

    def count(self, role: Role) -> int:
        """How many there are, those that are not connected yet included."""
        return self._counts[role]

    # --- what clients ask for --------------------------------------------------------------------

    async def publish(self, stream: Id, key: str, offer: str) -> LiveSession:
        """Answer an offer to publish. With its first connection it takes the stream over.

        Raises:
            PlazaError: as `StreamAccess.may_publish`; bad_offer, unsupported_offer, media_full.
        """
        await self._asked(lambda: self.streams.may_publish(stream, key))
        offered = _read(offer)
        rivals = self._of_stream.get(("whip", stream), ())
        if not rivals:
            self._capacity.judge_publisher(publishing=self._counts["whip"])
        local, now = self._local(), self._clock()
        try:
            answer = publish_answer(offered, local, bitrate=self._bitrate_cap)
        except Unsupported as error:
            raise PlazaError(UNSUPPORTED_OFFER, str(error)) from None
        # One that is connected stays until this one is: an offer alone replaces nobody.
        for rival in [rival for rival in rivals if rival.since is None]:
            rival.peer.close("replaced", now)
        broadcast = self._broadcasts.open(stream, now)
        publisher = Publisher(
            answer=answer,
            broadcast=broadcast,
            timers=self._relay.timers,
            ssrc=_ssrc(),
            bitrate_cap=self._bitrate_cap,
            now=now,
            counts=self.counts,
        )
        session = LiveSession(
            role="whip",
            stream=stream,
            account=None,
            answer=answer,
            broadcast=broadcast,
            end=publisher,
            gone=self._gone,
        )
        return self._begin(session, local, now)

    async def watch(self, stream: Id, viewer: Id | None, offer: str) -> LiveSession:
        """Answer an offer to watch.

        Raises:
            PlazaError: as `StreamAccess.may_watch`; bad_offer, unsupported_offer, stream_offline,
                media_full.
        """
        await self._asked(lambda: self.streams.may_watch(stream, viewer))
        offered = _read(offer)
        broadcast = self._broadcasts.get(stream)
        if broadcast is None or not broadcast.tracks:
            raise PlazaError(STREAM_OFFLINE, retry_after=OFFLINE_SECONDS)
        local, now = self._local(), self._clock()
        self._capacity.judge_viewer(
            broadcast,
            watching=self._counts["whep"],
            here=len(self._here("whep", stream)),
            sessions=self._sessions.values(),
            now=now,
        )
        cname = secrets.token_urlsafe(12)  # RFC 7022, 4.2: at least 96 random bits
        tracks = [
            Outgoing(kind, codecs, ssrc=_ssrc(), rtx_ssrc=_ssrc())
            for kind, codecs in broadcast.codecs.items()
        ]
        try:
            answer = play_answer(offered, local, tracks=tracks, cname=cname, stream=str(stream))
        except Unsupported as error:
            raise PlazaError(UNSUPPORTED_OFFER, str(error)) from None
        session = LiveSession(
            role="whep",
            stream=stream,
            account=viewer,
            answer=answer,
            broadcast=broadcast,
            end=Viewer(
                answer=answer,
                broadcast=broadcast,
                cname=cname,
                timers=self._relay.timers,
                now=now,
            ),
            gone=self._gone,
        )
        return self._begin(session, local, now)

    def find(self, role: Role, stream: Id, session: str) -> LiveSession:
        """The session of a URL. Raises PlazaError not_found."""
        found = self._sessions.get(session)
        if found is None or (found.role, found.stream) != (role, stream):
            raise PlazaError(NOT_FOUND, "This session is over, or never was. Begin a new one.")
        return found

    def patch(self, session: LiveSession, tags: Collection[str] | None, text: str) -> str | None:
        """Take an SDP fragment (RFC 9725, 4.3).

        Args:
            tags: those of If-Match, `*` among them; None: there was no such header.

        Returns:
            None: it had candidates, of which ICE-lite needs none. A fragment: ICE begins anew with
            what is in it; `session.etag` is another one.

        Raises:
            PlazaError: bad_offer, precondition_required, precondition_failed.
        """
        try:
            fragment = parse(text)
        except SdpError as error:
            raise PlazaError(BAD_OFFER, str(error)) from None
        if tags is None:
            raise PlazaError(PRECONDITION_REQUIRED)
        if "*" not in tags and session.etag not in tags:
            raise PlazaError(PRECONDITION_FAILED)
        if fragment.credentials is None or fragment.credentials == session.remote:
            return None
        return self._restart(session, fragment, fragment.credentials)

    def choose(self, session: LiveSession, rid: str | None) -> None:
        """Let a viewer have one layer of a simulcast; None: whichever suits its line.

        Raises:
            PlazaError: bad_request: there is no such layer.
        """
        viewer = session.end
        assert isinstance(viewer, Viewer)
        if not viewer.choose(rid, self._clock()):
            video = session.broadcast.tracks.get("video")
            rids = ", ".join(layer.rid for layer in video.layers if layer.rid) if video else ""
            raise PlazaError(
                BAD_REQUEST, f"There is no layer {rid!r}. There are: {rids or 'none to choose'}."
            )

    def open_events(self, session: LiveSession, wanted: Iterable[str]) -> str:
        """Have a viewer told of its stream; return the id of the feed, a secret."""
        return self.events.open(session, wanted, self._clock())

    def delete(self, session: LiveSession) -> None:
        """End a session as its client asks; a publisher's stream is over with it."""
        session.peer.close("left", self._clock())

    # --- what the owner of a stream, or the server, does ------------------------------------------

    def received(self, stream: Id) -> Received | None:
        """What comes from a stream's publisher; None: there is none here."""
        broadcast = self._broadcasts.get(stream)
        publisher = broadcast.publisher if broadcast is not None else None
        if publisher is None:
            return None
        now = self._clock()
        return Received(publisher.health(now), publisher.warnings(now))

    def end_stream(self, stream: Id, reason: str) -> None:
        """End a stream at once, with all that publish or watch it.

        Args:
            reason: one word, for those who are closed by it.
        """
        self._withdrawals += 1
        now = self._clock()
        broadcast = self._broadcasts.get(stream)
        if broadcast is not None:
            broadcast.end(reason, now)
        for session in (*self._here("whip", stream), *self._here("whep", stream)):
            session.peer.close(reason, now)

    async def recheck(self, stream: Id) -> None:
        """Ask again of everybody who watches a stream whether they may; close who may not."""
        self._withdrawals += 1
        accounts = {session.account for session in self._here("whep", stream)}
        if not accounts:
            return
        try:
            welcome = await self.streams.still_may_watch(stream, accounts)
        except PlazaError:  # the database is away, which says nothing of the viewers
            return
        now = self._clock()
        for session in self._here("whep", stream):
            # Whoever has come meanwhile has been asked about already.
            if session.account in accounts and session.account not in welcome:
                session.peer.close("withdrawn", now)

    def turn(self) -> None:
        """To be called each second: viewers are told what is new."""
        self.events.turn(self._clock())

    def close(self) -> None:
        """The process ends: so does all that is here."""
        self.events.close()
        now = self._clock()
        self._broadcasts.end("ended", now)
        for session in tuple(self._sessions.values()):
            session.peer.close("ended", now)

    # --- within -----------------------------------------------------------------------------------

    async def _asked(self, ask: Callable[[], Awaitable[None]]) -> None:
        """Ask until nothing was withdrawn meanwhile.

        A key may have been rotated since it was read, and whom it let in been closed already.
        """
        asked_at = None
        while asked_at != self._withdrawals:
            asked_at = self._withdrawals
            await ask()

    def _begin(self, session: LiveSession, local: Local, now: float) -> LiveSession:
        peer = Peer(
            local=local.credentials,
            answer=session.answer,
            certificate=self._certificate,
            session=session,
            timers=self._relay.timers,
            now=now,
        )
        self._relay.add(peer)
        self._sessions[session.id] = session
        self._of_stream[session.role, session.stream].add(session)
        self._counts[session.role] += 1
        logger.debug("live session", role=session.role, stream=session.stream)
        return session

    def _gone(self, session: LiveSession, reason: str) -> None:
        self._relay.remove(session.peer)
        del self._sessions[session.id]
        key = session.role, session.stream
        self._of_stream[key].discard(session)
        if not self._of_stream[key]:
            del self._of_stream[key]
        self._counts[session.role] -= 1
        self.ended[session.role, reason] += 1
        self.events.end(session)
        log = logger.info if session.role == "whip" else logger.debug
        log(
            "live session over",
            role=session.role,
            stream=session.stream,
            reason=reason,
            problem=session.peer.failure or None,
        )

    def _restart(self, session: LiveSession, fragment: Fragment, remote: IceCredentials) -> str:
        local = self._local()
        session.peer.restart(local.credentials, remote, self._clock())
        self._relay.restarted(session.peer)
        session.remote = remote
        session.etag = new_etag()
        return restart_answer(fragment, local)

    def _local(self) -> Local:
        return Local(
            credentials=IceCredentials(secrets.token_hex(8), secrets.token_hex(16)),
            candidates=self._candidates(),
            fingerprint=self._certificate.fingerprint,
            session_id=secrets.randbits(62),
        )

    def _here(self, role: Role, stream: Id) -> tuple[LiveSession, ...]:
        return tuple(self._of_stream.get((role, stream), ()))


def _read(text: str) -> Offer:
    try:
        return parse_offer(text)
    except SdpError as error:
        raise PlazaError(BAD_OFFER, str(error)) from None


def _ssrc() -> int:
    return secrets.randbelow(2**32 - 1) + 1  # 0 stands for none (media.description)
