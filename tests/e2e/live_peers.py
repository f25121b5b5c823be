"""aiortc's peer connections over WHIP and WHEP: whole WebRTC peers, in this process."""

import asyncio
import time
from contextlib import suppress
from fractions import Fraction

import av
import httpx
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError

SDP = {"Content-Type": "application/sdp"}
WIDTH, HEIGHT, RATE = 160, 120, 20


class Bar(MediaStreamTrack):
    """A dark picture with a bright bar, which is elsewhere in each frame."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._number = 0
        self._started = time.monotonic()

    async def recv(self) -> av.VideoFrame:
        self._number += 1
        await asyncio.sleep(self._started + self._number / RATE - time.monotonic())
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        for plane, value in zip(frame.planes, (40, 128, 128), strict=True):
            row = bytearray([value]) * plane.line_size
            if value == 40:
                left = self._number * 4 % (WIDTH - 20)
                row[left : left + 20] = b"\xe6" * 20
            plane.update(bytes(row) * plane.height)
        frame.pts, frame.time_base = self._number * 90_000 // RATE, Fraction(1, 90_000)
        return frame


def bar_of(frame: av.VideoFrame) -> int | None:
    """Where the bar begins; None: there is none."""
    plane = frame.planes[0]
    start = HEIGHT // 2 * plane.line_size
    row = bytes(plane)[start : start + WIDTH]
    return next((index for index, value in enumerate(row) if value > 140), None)


class Peer:
    """One peer connection, and its session."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.connection = RTCPeerConnection()
        self.location = ""
        self.connected_at = 0.0
        self._http = http
        self._connected = asyncio.Event()
        self.closed = asyncio.Event()
        self.connection.on("connectionstatechange", self._changed)

    async def connect(self, url: str, token: str | None) -> None:
        """Offer, answer, ICE and DTLS."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        bearer = {"Authorization": f"Bearer {token}"} if token else {}
        offer = self.connection.localDescription.sdp
        answer = await self._http.post(url, content=offer, headers=SDP | bearer)
        assert answer.status_code == 201, answer.text
        self.location = answer.headers["location"]
        await self.connection.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        await asyncio.wait_for(self._connected.wait(), 10)

    async def leave(self) -> None:
        """DELETE, then DTLS."""
        await self._http.delete(self.location)
        await self.connection.close()

    async def vanish(self) -> None:
        """As a process that is killed: nothing is said."""
        [sender, *_] = self.connection.getSenders()
        await sender.transport.transport._connection.close()

    async def close(self) -> None:
        with suppress(ConnectionError):
            await self.connection.close()

    def _changed(self) -> None:
        if self.connection.connectionState == "connected":
            self.connected_at = time.monotonic()
            self._connected.set()
        elif self.connection.connectionState in ("closed", "failed"):
            self.closed.set()


class Camera(Peer):
    """Publishes."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        super().__init__(http)
        self.connection.addTrack(Bar())
        self.connection.addTrack(AudioStreamTrack())


class Player(Peer):
    """Watches, and decodes."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        super().__init__(http)
        self._tracks: dict[str, MediaStreamTrack] = {}
        for kind in ("video", "audio"):
            self.connection.addTransceiver(kind, direction="recvonly")
        self.connection.on("track", lambda track: self._tracks.update({track.kind: track}))

    async def frame(self, kind: str = "video", *, within: float = 10.0) -> av.VideoFrame:
        """The next frame that was decoded."""
        return await asyncio.wait_for(self._tracks[kind].recv(), within)  # type: ignore[return-value]

    async def frames(self, count: int) -> list[av.VideoFrame]:
        return [await self.frame() for _ in range(count)]

    async def drain(self) -> None:
        """Have all that is decoded taken, until the connection ends."""
        with suppress(MediaStreamError):
            while True:
                await self._tracks["video"].recv()
