"""Offers that others can read, and answers of theirs."""

import pytest
from aiortc.sdp import SessionDescription

from loadtest.webrtc.answer import Refusal, parse_answer
from loadtest.webrtc.description import H264, MID, OPUS, RID, VP8, Local
from loadtest.webrtc.offer import publish_offer, watch_offer

LOCAL = Local("ufrag", "a password of at least 22", "AA:BB", 7)


def test_an_offer_of_two_sections() -> None:
    text = publish_offer(LOCAL, [OPUS, VP8, H264], sources={"audio": (11,), "video": (21, 22)})
    offer = SessionDescription.parse(text)
    audio, video = offer.media
    assert (audio.kind, audio.direction, audio.rtp.muxId) == ("audio", "sendonly", "0")
    assert (video.kind, video.direction, video.rtp.muxId) == ("video", "sendonly", "1")
    assert [(c.name, c.payloadType) for c in video.rtp.codecs] == [
        ("VP8", 96), ("rtx", 97), ("H264", 106), ("rtx", 107),
    ]  # fmt: skip
    assert video.ssrc_group[0].items == [21, 22]
    assert audio.ssrc[0].ssrc == 11
    assert offer.group[0].items == ["0", "1"]
    # The same ids in all sections (RFC 8843, 9.2), and none twice.
    ids = {one.uri: one.id for media in offer.media for one in media.rtp.headerExtensions}
    assert len(set(ids.values())) == len(ids)


def test_layers_are_named_and_not_announced() -> None:
    text = publish_offer(LOCAL, [VP8], rids=("q", "h", "f"))
    assert "a=simulcast:send q;h;f\r\n" in text
    assert text.count("a=rid:") == 3
    assert RID in text
    assert "a=ssrc" not in text


def test_extensions_can_be_left_out() -> None:
    text = watch_offer(LOCAL, [VP8], extensions=[MID])
    assert text.count("a=extmap:") == 1
    assert "a=recvonly\r\n" in text


ANSWER = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=ice-lite
a=group:BUNDLE 0 1
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=mid:0
a=sendonly
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=ssrc:5 cname:x
a=candidate:1 1 udp 2130706431 192.0.2.1 8189 typ host
a=candidate:2 1 tcp 1671430143 192.0.2.1 8189 typ host tcptype passive
a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
a=fingerprint:sha-256 AA:BB
a=setup:passive
m=video 9 UDP/TLS/RTP/SAVPF 96 97
a=mid:1
a=sendonly
a=rtcp-mux
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=ssrc-group:FID 6 7
a=ssrc:6 cname:x
a=ssrc:7 cname:x
a=ice-ufrag:abcd
a=ice-pwd:0123456789012345678901
a=fingerprint:sha-256 AA:BB
a=setup:passive
"""


def test_an_answer() -> None:
    answer = parse_answer(ANSWER)
    assert answer.candidates == (("192.0.2.1", 8189),)
    assert (answer.ufrag, answer.pwd, answer.setup) == ("abcd", "0123456789012345678901", "passive")
    audio, video = answer.sections
    assert (audio.preferred.name, audio.ssrc, audio.preferred.channels) == ("opus", 5, 2)
    assert (video.preferred.name, video.ssrc, video.rtx_ssrc) == ("VP8", 6, 7)
    assert video.preferred.feedback == ("nack", "nack pli")
    assert video.repaired == {97: 96}
    assert video.extensions == {MID: 4}


@pytest.mark.parametrize(
    ("without", "what"),
    [
        ("a=setup:passive\n", "setup"),
        ("a=ice-pwd:0123456789012345678901\n", "credentials"),
        ("a=rtcp-mux\n", "rtcp-mux"),
        ("a=group:BUNDLE 0 1\n", "bundle"),
    ],
)
def test_what_webrtc_demands(without: str, what: str) -> None:
    with pytest.raises(Refusal, match=what):
        parse_answer(ANSWER.replace(without, ""))


def test_an_answer_that_takes_nothing() -> None:
    with pytest.raises(Refusal, match="no section"):
        parse_answer(ANSWER.replace("m=audio 9", "m=audio 0").replace("m=video 9", "m=video 0"))
