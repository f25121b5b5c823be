"""Light peers against aiortc, on real sockets: what they say, somebody else understands."""

import asyncio
import time
from collections.abc import AsyncIterator
from random import Random

import aioice.ice
import av
import pytest
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack
from aiortc.mediastreams import AudioStreamTrack

from loadtest.webrtc import h264, vp8
from loadtest.webrtc.answer import parse_answer
from loadtest.webrtc.assembly import Frame
from loadtest.webrtc.connection import Connection, new_local
from loadtest.webrtc.description import H264, OPUS, VP8, Codec, Kind
from loadtest.webrtc.dtls import Certificate
from loadtest.webrtc.offer import publish_offer, watch_offer
from loadtest.webrtc.publisher import Publisher
from loadtest.webrtc.udp import UdpPeer, open_peer
from loadtest.webrtc.watcher import Watcher
from tests.media.simulation import footage

CERTIFICATE = Certificate()
SOURCES = {"audio": (1001,), "video": (2001, 2002)}


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda *_, **__: ["127.0.0.1"])


@pytest.fixture
async def far() -> AsyncIterator[RTCPeerConnection]:
    connection = RTCPeerConnection()
    yield connection
    await connection.close()


async def answered(far: RTCPeerConnection, offer: str) -> str:
    await far.setRemoteDescription(RTCSessionDescription(offer, "offer"))
    await far.setLocalDescription(await far.createAnswer())
    return far.localDescription.sdp


@pytest.mark.parametrize("codec", [H264, VP8], ids=lambda codec: codec.name)
async def test_aiortc_plays_what_is_published(far: RTCPeerConnection, codec: Codec) -> None:
    tracks: dict[str, MediaStreamTrack] = {}
    far.on("track", lambda track: tracks.update({track.kind: track}))
    chance = Random(1)
    local = new_local(chance, CERTIFICATE)
    answer = parse_answer(await answered(far, publish_offer(local, [OPUS, codec], sources=SOURCES)))
    publisher = Publisher(answer, SOURCES, chance=chance)
    connection = Connection(local, answer, CERTIFICATE, publisher, chance, now=time.monotonic())
    publisher.attach(connection)
    peer = await open_peer(connection)
    assert set(tracks) == {"audio", "video"}

    async def send() -> None:
        for number, picture in enumerate(footage.groups(codec.name)[0]):
            payloads = (
                h264.packetize(picture.data)
                if codec is H264
                else vp8.packetize(picture.data, number)
            )
            publisher.send("video", payloads, number * 3_000, time.monotonic())
            publisher.send("audio", [footage.sound()[number]], number * 960, time.monotonic())
            peer.flush()
            await asyncio.sleep(0.005)

    sending = asyncio.create_task(send())
    async with asyncio.timeout(10):
        frame = await tracks["video"].recv()
        sound = await tracks["audio"].recv()
    assert isinstance(frame, av.VideoFrame)
    assert (frame.width, frame.height) == (footage.WIDTH, footage.HEIGHT)
    assert isinstance(sound, av.AudioFrame)
    await sending
    peer.close()


@pytest.mark.parametrize("codec", [H264, VP8], ids=lambda codec: codec.name)
async def test_aiortc_is_watched(far: RTCPeerConnection, codec: Codec) -> None:
    far.addTrack(AudioStreamTrack())
    far.addTrack(VideoStreamTrack())
    chance = Random(2)
    local = new_local(chance, CERTIFICATE)
    answer = parse_answer(await answered(far, watch_offer(local, [OPUS, codec])))
    shown: dict[Kind, int] = {"audio": 0, "video": 0}
    enough = asyncio.Event()
    decoder = av.CodecContext.create("h264" if codec is H264 else "libvpx", "r")
    speaker = footage.Speaker()

    def show(kind: Kind, frame: Frame) -> None:
        if kind == "video":
            shown["video"] += len(decoder.decode(av.Packet(frame.payload)))
        else:
            assert speaker.decode(frame.payload) == 960
            shown["audio"] += 1
        if shown["video"] >= 10 and shown["audio"] >= 10:
            enough.set()

    watcher = Watcher(answer, show=show, chance=chance)
    connection = Connection(local, answer, CERTIFICATE, watcher, chance, now=time.monotonic())
    watcher.attach(connection)
    peer: UdpPeer = await open_peer(connection)
    async with asyncio.timeout(10):
        await enough.wait()
    video = watcher.incoming["video"]
    assert video.assembler.given_up == 0
    assert video.reception is not None
    # aiortc's first packets come before its first report, which says what time it is there.
    assert connection.discarded == watcher.unknown == 0
    peer.close()
    async with asyncio.timeout(5):
        await peer.ended
