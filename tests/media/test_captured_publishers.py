"""Publishers as they are: the offers and packets of real peers."""

from typing import Any, cast

import pytest

from media import rtp
from media.description import Candidate, Fingerprint, IceCredentials, Local
from media.extensions import Extension, write
from media.publisher import Publisher
from media.sdp import parse_offer
from media.sdp_answer import publish_answer
from media.timers import Timers
from tests.media.captured import PACKETS, offer
from tests.media.publishing import OURS, Sink, Source, Studio, Wire

LOCAL = Local(
    IceCredentials("u" * 8, "p" * 24),
    (Candidate("127.0.0.1", 8189),),
    Fingerprint("sha-256", "AA:BB"),
    session_id=1,
)


class Offered(Studio):
    """A publisher by the offer of a real peer."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.timers, self.sink, self.wire = Timers(), Sink(), Wire()
        self.answer = publish_answer(parse_offer(offer(name)), LOCAL)
        self.publisher = Publisher(
            answer=self.answer,
            broadcast=self.sink,
            timers=self.timers,
            ssrc=OURS,
            bitrate_cap=0,
            now=self.now,
            counts=self.counts,
        )
        self.wire.session = self.publisher
        self.publisher.attached(cast(Any, self.wire))
        self.publisher.connected(self.now)


@pytest.mark.parametrize(
    ("offered", "captured", "payload_types"),
    [
        ("chromium_publish", "chromium_vp8", {96, 111}),
        ("chromium_publish", "chromium_h264", {102, 111}),
    ],
)
def test_packets_of_chromium(offered: str, captured: str, payload_types: set[int]) -> None:
    """With SSRCs that the offer, of another session, does not announce."""
    studio = Offered(offered)
    for data in map(bytes.fromhex, PACKETS[captured]["rtp"]):
        studio.publisher.receive_rtp(data, studio.now)
        studio.wait(0.005)
    for data in map(bytes.fromhex, PACKETS[captured]["rtcp"]):
        studio.publisher.receive_rtcp(data, studio.now)
    assert {packet.payload_type for packet in studio.sink.packets} == payload_types
    assert studio.counts.foreign == 0
    assert studio.counts.retransmissions >= 2, "it probes with them from the first packet on"
    seen = [(packet.layer, packet.sequence) for packet in studio.sink.packets]
    assert len(seen) == len(set(seen))
    video = studio.publisher.tracks["video"]
    assert video.codec.payload_type in payload_types
    assert any(packet.keyframe for packet in studio.sink.packets)
    assert video.layers[0].width


@pytest.mark.parametrize("name", ["ffmpeg", "obs", "aiortc_publish", "chromium_publish"])
def test_one_layer_by_what_is_announced(name: str) -> None:
    studio = Offered(name)
    for section in studio.answer.sections:
        track = studio.publisher.tracks[section.kind]
        (group, *_) = section.ssrcs
        source = Source(section.codecs[0], ssrc=group[0])
        first, second, third = source.frames(3)
        assert len(studio.receive(first, third)) == 2
        assert track.layers[0].ssrc == group[0]
        if len(group) > 1:
            assert track.layers[0].rtx_ssrc == group[1]
            assert len(studio.receive(source.repair(second, ssrc=group[1]))) == 1


@pytest.mark.parametrize("name", ["chromium_simulcast", "obs_simulcast"])
def test_layers_by_rid(name: str) -> None:
    studio = Offered(name)
    section = next(section for section in studio.answer.sections if section.kind == "video")
    for number, rid in enumerate(section.rids):
        source = Source(section.codecs[0], ssrc=100 + number)
        (data,) = source.frame(keyframe=True)
        header = rtp.parse(data)
        assert header is not None
        named = rtp.build(
            payload_type=header[1],
            sequence=header[2],
            timestamp=header[3],
            ssrc=header[4],
            payload=data[header[-2] :],
            extensions=write([(section.extensions[Extension.RID], rid.encode())]),
        )
        (packet,) = studio.receive(named)
        assert packet.layer.rid == rid
        assert packet.keyframe
