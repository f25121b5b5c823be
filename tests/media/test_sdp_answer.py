"""media/sdp_answer.py: what publishers and viewers are answered, and by whom it is understood."""

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from aiortc.sdp import SessionDescription

from media.description import Answer, Candidate, Codec
from media.extensions import Extension
from media.sdp import parse_offer
from media.sdp_answer import Outgoing, Unsupported, play_answer, publish_answer
from tests.media.captured import offer
from tests.media.offering import (
    AUDIO,
    LOCAL,
    OUTGOING,
    SESSION,
    VIDEO,
    h264,
    lines_of,
    text_of,
)

PUBLISHERS = [
    "aiortc_publish",
    "chromium_publish",
    "chromium_sendrecv",
    "chromium_simulcast",
    "ffmpeg",
    "obs",
    "obs_simulcast",
]
PLAYERS = ["aiortc_play", "chromium_play", "chromium_sendrecv"]


def publish(text: str, bitrate: int = 0) -> Answer:
    return publish_answer(parse_offer(text), LOCAL, bitrate=bitrate)


def play(text: str, *tracks: Outgoing) -> Answer:
    return play_answer(
        parse_offer(text), LOCAL, tracks=tracks or OUTGOING, cname="cname", stream="live"
    )


def attributes(part: list[str], name: str) -> list[str]:
    return [line.partition(":")[2] for line in part if line.startswith(f"a={name}:")]


def test_a_publisher_s_answer_line_by_line() -> None:
    answer = publish(offer("ffmpeg"), bitrate=2_500_000)
    session, audio, video = lines_of(answer.sdp)
    assert session == [
        "v=0",
        "o=- 4711 2 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        "a=ice-options:trickle ice2",
        "a=group:BUNDLE 0 1",
        "a=extmap-allow-mixed",
        "a=msid-semantic: WMS *",
    ]
    transport = [
        "a=ice-ufrag:plazaplaza",
        f"a=ice-pwd:{'p' * 32}",
        f"a=fingerprint:sha-256 {':'.join(['CD'] * 32)}",
        "a=setup:active",
    ]
    assert audio == [
        "m=audio 8189 UDP/TLS/RTP/SAVPF 111",
        "c=IN IP4 192.0.2.1",
        "a=candidate:1 1 udp 2130706431 2001:db8::1 8189 typ host",
        "a=candidate:2 1 udp 2130706175 192.0.2.1 8189 typ host",
        "a=candidate:3 1 tcp 1520434687 192.0.2.1 8189 typ host tcptype passive",
        "a=end-of-candidates",
        *transport,
        "a=mid:0",
        "a=recvonly",
        "a=rtcp-mux",
        "a=rtpmap:111 opus/48000/2",
    ]
    assert video == [
        "m=video 8189 UDP/TLS/RTP/SAVPF 106 105",
        "c=IN IP4 192.0.2.1",
        "b=AS:2500",
        "b=TIAS:2500000",
        *transport,
        "a=mid:1",
        "a=recvonly",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        "a=rtpmap:106 H264/90000",
        "a=rtcp-fb:106 nack",
        "a=fmtp:106 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001e",
        "a=rtpmap:105 rtx/90000",
        "a=fmtp:105 apt=106",
    ]


@pytest.mark.parametrize("name", PUBLISHERS)
def test_publishers(name: str) -> None:
    answer = publish(offer(name))
    assert [section.kind for section in answer.sections] == ["audio", "video"]
    audio, video = answer.sections
    assert [codec.name for codec in audio.codecs] == ["opus"]
    assert {codec.name for codec in video.codecs} <= {"H264", "VP8", "VP9", "AV1"}
    offered = parse_offer(offer(name))
    assert answer.remote == offered.credentials
    assert answer.fingerprints == offered.fingerprints
    assert answer.dtls_role == ("client" if name == "ffmpeg" else "server")
    assert "a=setup:passive" in answer.sdp or name == "ffmpeg"
    assert len(lines_of(answer.sdp)) == 1 + len(offered.sections)
    assert "a=sendonly" not in answer.sdp
    # Codecs stand as the publisher prefers them.
    numbers = [codec.payload_type for codec in offered.sections[1].codecs]
    assert sorted(video.codecs, key=lambda codec: numbers.index(codec.payload_type)) == list(
        video.codecs
    )


def test_chromium_publishes_in_layers() -> None:
    answer = publish(offer("chromium_simulcast"))
    video = answer.sections[1]
    assert video.rids == ("q", "h", "f")
    part = lines_of(answer.sdp)[2]
    assert attributes(part, "rid") == ["q recv", "h recv", "f recv"]
    assert attributes(part, "simulcast") == ["recv q;h;f"]
    assert video.extensions[Extension.RID] == 10
    assert video.extensions[Extension.TRANSPORT_SEQUENCE] == 3
    assert [(codec.name, codec.payload_type, codec.rtx) for codec in video.codecs[:2]] == [
        ("VP8", 96, 97),
        ("H264", 102, 103),
    ]
    assert all(
        codec.feedback == {"nack", "nack pli", "ccm fir", "goog-remb", "transport-cc"}
        for codec in video.codecs
    )
    assert " red/" not in answer.sdp
    assert "ulpfec" not in answer.sdp
    # H.264 of packetization mode 0 is of no use beside that of mode 1.
    assert 104 not in [codec.payload_type for codec in video.codecs]


def test_stereo_is_answered_as_offered() -> None:
    parameters = publish(offer("obs")).sections[0].codecs[0].parameters
    assert dict(parameters) == {
        "minptime": "10",
        "maxaveragebitrate": "160000",
        "stereo": "1",
        "sprop-stereo": "1",
        "useinbandfec": "1",
    }
    sent = text_of(SESSION, AUDIO, VIDEO, fmtp__111="a=fmtp:111 sprop-stereo=1")
    assert publish(sent).sections[0].codecs[0].parameters == (
        ("sprop-stereo", "1"),
        ("stereo", "1"),
    )


def test_further_sections_are_rejected() -> None:
    """Of each kind the first that sends is taken; data channels never are."""
    answer = publish(offer("chromium_sendrecv"))
    session, _, _, video, data = lines_of(answer.sdp)
    assert attributes(session, "group") == ["BUNDLE 0 1"]
    assert video[0].startswith("m=video 0 ")
    assert video[-2:] == ["a=inactive", "a=mid:2"]
    assert data == [
        "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        "a=inactive",
        "a=mid:3",
    ]


def test_the_section_with_the_transport_is_not_rejected() -> None:
    """Chromium with bundle policy max-bundle would refuse the whole answer."""
    further = text_of(VIDEO, sendrecv="a=recvonly", mid="a=mid:0")
    answer = publish(text_of(SESSION) + further + text_of(VIDEO))
    session, unused, used = lines_of(answer.sdp)
    assert attributes(session, "group") == ["BUNDLE 0 1"]
    assert unused[0] == "m=video 8189 UDP/TLS/RTP/SAVPF 96 97 98"
    assert "a=inactive" in unused
    assert "a=end-of-candidates" in unused
    assert "a=recvonly" in used
    assert "a=end-of-candidates" not in used
    assert [section.mid for section in answer.sections] == ["1"]


def test_the_group_s_order_is_the_offerer_s() -> None:
    answer = publish(text_of(SESSION, AUDIO, VIDEO, group="a=group:BUNDLE 1 0"))
    session, audio, video = lines_of(answer.sdp)
    assert attributes(session, "group") == ["BUNDLE 1 0"]
    assert "a=end-of-candidates" not in audio
    assert "a=end-of-candidates" in video


def test_sections_outside_of_the_group_are_rejected() -> None:
    answer = publish(text_of(SESSION, AUDIO, VIDEO, group="a=group:BUNDLE 1"))
    assert [section.kind for section in answer.sections] == ["video"]
    assert lines_of(answer.sdp)[1][0] == "m=audio 0 UDP/TLS/RTP/SAVPF 111"


def test_a_session_of_one_section_without_a_mid() -> None:
    answer = publish(text_of(SESSION, group="") + text_of(AUDIO, mid=""))
    session, audio = lines_of(answer.sdp)
    assert not attributes(session, "group")
    assert not attributes(audio, "mid")
    assert "a=end-of-candidates" in audio


def test_without_candidates_the_port_is_that_of_rfc_9429() -> None:
    local = LOCAL.__class__(LOCAL.credentials, (), LOCAL.fingerprint, 1)
    answer = publish_answer(parse_offer(offer("obs")), local)
    assert "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0" in answer.sdp
    only = LOCAL.__class__(LOCAL.credentials, (Candidate("2001:db8::1", 7),), LOCAL.fingerprint, 1)
    answer = publish_answer(parse_offer(offer("obs")), only)
    assert "m=audio 7 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP6 2001:db8::1" in answer.sdp


@pytest.mark.parametrize(
    "text",
    [
        offer("chromium_data"),
        offer("chromium_play"),
        text_of(SESSION, AUDIO, VIDEO).replace("opus", "PCMA").replace("VP8", "H265"),
        text_of(SESSION, AUDIO, VIDEO, m="m=audio 9 RTP/AVP 111"),
    ],
)
def test_who_sends_nothing_that_is_forwarded(text: str) -> None:
    text = text.replace("H264", "H265")
    with pytest.raises(Unsupported, match="sendonly"):
        publish(text)


def test_a_viewer_s_answer() -> None:
    answer = play(offer("chromium_play"))
    _, video_part, audio_part = lines_of(answer.sdp)
    video, audio = answer.sections
    assert (video.ssrc, video.rtx_ssrc) == (3333, 4444)
    assert (audio.ssrc, audio.rtx_ssrc) == (1111, 0)
    assert video_part[-6:] == [
        "a=msid:live live-video",
        "a=ssrc-group:FID 3333 4444",
        "a=ssrc:3333 cname:cname",
        "a=ssrc:3333 msid:live live-video",
        "a=ssrc:4444 cname:cname",
        "a=ssrc:4444 msid:live live-video",
    ]
    assert audio_part[-3:] == [
        "a=msid:live live-audio",
        "a=ssrc:1111 cname:cname",
        "a=ssrc:1111 msid:live live-audio",
    ]
    assert "a=sendonly" in video_part
    assert Extension.TRANSPORT_SEQUENCE in video.extensions
    assert Extension.ABS_SEND_TIME in video.extensions
    assert Extension.RID not in video.extensions
    assert all(codec.rtx for codec in video.codecs)


@pytest.mark.parametrize("name", PLAYERS)
def test_players(name: str) -> None:
    answer = play(offer(name))
    assert {section.kind for section in answer.sections} == {"audio", "video"}
    assert answer.sdp.count("a=sendonly") == 2


def test_codecs_of_the_stream_come_first() -> None:
    stream = Outgoing("video", (Codec("VP9", 45, 90_000), h264("64001f", payload_type=1)), 1, 2)
    [video] = play(offer("chromium_play"), stream).sections
    assert video.codecs[0].name == "VP9"
    assert video.codecs[0].parameters == (("profile-id", "0"),)
    # Chromium here has no decoder of that profile: the constrained baseline one is tried.
    assert dict(video.codecs[1].parameters)["profile-level-id"] == "42e01f"
    assert {codec.name for codec in video.codecs[2:]} == {"VP8", "VP9", "H264", "AV1"}
    numbers = [codec.payload_type for codec in video.codecs]
    assert len(set(numbers)) == len(numbers)


def test_without_rtx_nothing_in_a_packet_may_vary() -> None:
    lines = (
        "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
        "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
        "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
    )
    video = play(text_of(SESSION, AUDIO, VIDEO, lines, rtpmap__97="")).sections[1]
    assert video.extensions == {Extension.MID: 4}
    assert video.rtx_ssrc == 0
    assert {"nack", "nack pli"} <= video.codecs[0].feedback
    assert not any("transport-cc" in codec.feedback for codec in video.codecs)
    with_rtx = play(text_of(SESSION, AUDIO, VIDEO, lines)).sections[1]
    assert len(with_rtx.extensions) == 3
    assert "transport-cc" in with_rtx.codecs[0].feedback


def test_a_kind_that_the_stream_does_not_have_is_inactive() -> None:
    answer = play(offer("aiortc_play"), OUTGOING[1])
    session, audio, video = lines_of(answer.sdp)
    assert attributes(session, "group") == ["BUNDLE 0 1"]
    assert "a=inactive" in audio
    assert not audio[0].startswith("m=audio 0 ")
    assert "a=sendonly" in video
    assert "a=ssrc" not in "".join(audio)
    assert [section.kind for section in answer.sections] == ["video"]


def test_who_can_play_only_a_part_gets_that() -> None:
    """And keeps the section, for a publisher who comes back with another codec."""
    stream = (
        Outgoing("audio", (Codec("opus", 9, 48_000, 2),), 1, 2),
        Outgoing("video", (Codec("AV1", 9, 90_000),), 3, 4),
    )
    audio, video = play(offer("aiortc_play"), *stream).sections
    assert audio.codecs[0].name == "opus"
    assert {codec.name for codec in video.codecs} == {"VP8", "H264"}
    with pytest.raises(Unsupported, match=r"codec of this stream \(AV1\)"):
        play(offer("aiortc_play"), stream[1])


@pytest.mark.parametrize("name", ["chromium_publish", "ffmpeg", "chromium_data"])
def test_who_receives_nothing(name: str) -> None:
    with pytest.raises(Unsupported, match="recvonly"):
        play(offer(name))


@pytest.mark.parametrize("name", PUBLISHERS + PLAYERS)
def test_aiortc_reads_what_is_answered(name: str) -> None:
    answer = play(offer(name)) if name in PLAYERS else publish(offer(name))
    read = SessionDescription.parse(answer.sdp)
    used = [media for media in read.media if media.direction in {"recvonly", "sendonly"}]
    assert [media.rtp.muxId for media in used] == [section.mid for section in answer.sections]
    for media, section in zip(used, answer.sections, strict=True):
        numbers = {codec.payloadType for codec in media.rtp.codecs}
        assert {codec.payload_type for codec in section.codecs} <= numbers
        assert media.ice.usernameFragment == LOCAL.credentials.ufrag
        assert media.ice.iceLite
        assert [one.ssrc for one in media.ssrc] == [
            ssrc for ssrc in (section.ssrc, section.rtx_ssrc) if ssrc
        ]
    tagged = next(media for media in read.media if media.ice_candidates)
    assert tagged.ice_candidates_complete
    assert [one.tcpType for one in tagged.ice_candidates] == [None, None, "passive"]


async def test_aiortc_takes_what_it_is_answered() -> None:
    """As a publisher and as a viewer, with all it offers and with sound alone."""
    for kinds in (OUTGOING, OUTGOING[:1], OUTGOING[1:]):
        viewer = RTCPeerConnection()
        viewer.addTransceiver("audio", direction="recvonly")
        viewer.addTransceiver("video", direction="recvonly")
        await viewer.setLocalDescription(await viewer.createOffer())
        answer = play(viewer.localDescription.sdp, *kinds)
        await viewer.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))
        assert [one.kind for one in viewer.getTransceivers() if one.currentDirection == "recvonly"]
        await viewer.close()
    publisher = RTCPeerConnection()
    publisher.addTransceiver(AudioStreamTrack(), direction="sendonly")
    publisher.addTransceiver(VideoStreamTrack(), direction="sendonly")
    await publisher.setLocalDescription(await publisher.createOffer())
    answer = publish(publisher.localDescription.sdp)
    await publisher.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))
    assert [one.currentDirection for one in publisher.getTransceivers()] == ["sendonly"] * 2
    await publisher.close()
