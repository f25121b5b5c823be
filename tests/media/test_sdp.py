"""media/sdp.py: offers of real peers, and of those who are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.description import Codec, IceCredentials
from media.sdp import Offer, SdpError, parse_offer
from media.sdp_answer import Unsupported, play_answer, publish_answer
from tests.media.captured import OFFERS, offer
from tests.media.offering import AUDIO, LOCAL, OUTGOING, SESSION, VIDEO, text_of


def refusal(text: str) -> str:
    with pytest.raises(SdpError) as refused:
        parse_offer(text)
    return str(refused.value)


def codecs(of: Offer, index: int) -> dict[int, Codec]:
    return {codec.payload_type: codec for codec in of.sections[index].codecs}


def test_an_offer() -> None:
    found = parse_offer(text_of(SESSION, AUDIO, VIDEO))
    audio, video = found.sections
    assert (audio.mid, audio.media, audio.direction) == ("0", "audio", "sendrecv")
    assert audio.sends
    assert audio.receives
    assert (audio.rtcp_rsize, video.rtcp_rsize) == (False, True)
    assert audio.codecs == (
        Codec("opus", 111, 48_000, 2, (("minptime", "10"), ("useinbandfec", "1"))),
    )
    feedback = frozenset({"nack", "nack pli", "transport-cc", "x-unheard-of"})
    assert video.codecs == (
        Codec("VP8", 96, 90_000, feedback=feedback, rtx=97),
        Codec(
            "H264",
            98,
            90_000,
            parameters=(("packetization-mode", "1"), ("profile-level-id", "42e01f")),
            feedback=frozenset({"nack pli"}),
        ),
    )
    assert found.bundle == ("0", "1")
    assert found.credentials == IceCredentials("abcd", "abcdefghijklmnopqrstuv")
    assert found.setup == "actpass"
    assert [one.algorithm for one in found.fingerprints] == ["sha-256"]
    assert not found.mixed


def test_line_ends_without_carriage_returns_and_a_last_line_without_any() -> None:
    assert parse_offer(text_of(SESSION, AUDIO, VIDEO, end="\n").rstrip("\n")) == parse_offer(
        text_of(SESSION, AUDIO, VIDEO)
    )


def test_chromium_s_simulcast() -> None:
    found = parse_offer(offer("chromium_simulcast"))
    video = found.sections[1]
    assert video.rids == ("q", "h", "f")
    assert codecs(found, 1)[96].rtx == 97
    assert "nack pli" in codecs(found, 1)[96].feedback
    assert video.extensions["urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"] == 10
    assert found.mixed


def test_ffmpeg_s() -> None:
    found = parse_offer(offer("ffmpeg"))
    assert found.setup == "passive"
    [first, second] = found.sections[1].ssrcs[0]
    assert second == first + 1
    assert codecs(found, 1)[106].rtx == 105


@pytest.mark.parametrize(("name", "rids"), [("obs", ()), ("obs_simulcast", ("0", "1", "2"))])
def test_obs_s(name: str, rids: tuple[str, ...]) -> None:
    """ICE and DTLS stand in front of the sections, and a group beside BUNDLE."""
    found = parse_offer(offer(name))
    assert found.credentials.ufrag == "kP3v"
    assert found.bundle == ("0", "1")
    assert found.sections[1].rids == rids
    assert dict(codecs(found, 0)[111].parameters)["sprop-stereo"] == "1"
    assert dict(codecs(found, 1)[96].parameters)["profile-level-id"] == "42e01f"


def test_bundle_only_sections_are_in_use() -> None:
    """Firefox offers them like this, and session-wide directions, too (RFC 8843, 6)."""
    video = text_of(VIDEO, m="m=video 0 UDP/TLS/RTP/SAVPF 96", sendrecv="a=bundle-only")
    found = parse_offer(text_of(SESSION, ("a=recvonly",), AUDIO) + video)
    assert found.sections[1].live
    assert found.sections[1].direction == "recvonly"
    assert found.sections[0].direction == "sendrecv"


def test_rejected_sections_are_not() -> None:
    video = text_of(VIDEO, m="m=video 0 UDP/TLS/RTP/SAVPF 96", rtcp_mux="")
    found = parse_offer(text_of(SESSION, AUDIO) + video)
    assert [section.live for section in found.sections] == [True, False]


def test_the_first_of_the_group_has_the_transport() -> None:
    group = text_of(SESSION, group="a=group:BUNDLE 1 0", ice="")
    there = ("a=ice-ufrag:video", "a=ice-pwd:" + "v" * 22)
    here = ("a=ice-ufrag:audio", "a=ice-pwd:" + "a" * 22)
    found = parse_offer(group + text_of(AUDIO, here, VIDEO, there))
    assert found.credentials.ufrag == "video"


def test_one_section_needs_no_group_and_no_mid() -> None:
    found = parse_offer(text_of(SESSION, group="") + text_of(AUDIO, mid=""))
    assert found.bundle == ()
    assert found.sections[0].mid == ""


@pytest.mark.parametrize(
    ("lines", "rids"),
    [
        (("a=rid:a send", "a=rid:b send", "a=simulcast:send b;a"), ("b", "a")),
        (("a=rid:a send", "a=rid:b send", "a=simulcast:send a,b"), ("a",)),
        (("a=rid:a send", "a=rid:b send", "a=simulcast:send ~b;a"), ("b", "a")),
        (("a=rid:a send", "a=rid:b send", "a=simulcast: send rid=b;a"), ("b", "a")),
        (("a=rid:a send", "a=rid:b recv", "a=simulcast:recv b send a"), ("a",)),
        (("a=rid:a send", "a=simulcast:send a;unheard"), ("a",)),
        (("a=rid:a recv", "a=simulcast:recv a"), ()),
        (("a=rid:a send pt=96;max-width=640",), ("a",)),
        (("a=rid:a\u20acb send", "a=simulcast:send"), ()),
    ],
)
def test_layers(lines: tuple[str, ...], rids: tuple[str, ...]) -> None:
    assert parse_offer(text_of(SESSION, AUDIO, VIDEO, lines)).sections[1].rids == rids


@pytest.mark.parametrize(
    ("lines", "ssrcs"),
    [
        (("a=ssrc-group:FID 1 2", "a=ssrc:1 cname:a", "a=ssrc:2 cname:a"), ((1, 2),)),
        (("a=ssrc:7 cname:a", "a=ssrc:7 msid:a b"), ((7,),)),
        (
            ("a=ssrc:1 x", "a=ssrc-group:SIM 3 1", "a=ssrc-group:FID 3 4", "a=ssrc-group:FID 1 2"),
            ((3, 4), (1, 2)),
        ),
        (("a=ssrc:4294967296 cname:a", "a=ssrc:x cname:a", "a=ssrc:", "a=ssrc-group:FID"), ()),
    ],
)
def test_sources(lines: tuple[str, ...], ssrcs: tuple[tuple[int, ...], ...]) -> None:
    assert parse_offer(text_of(SESSION, AUDIO, VIDEO, lines)).sections[1].ssrcs == ssrcs


def test_extensions() -> None:
    lines = (
        "a=extmap:1 urn:a",
        "a=extmap:2/sendonly urn:b with attributes",
        "a=extmap:2 urn:taken",
        "a=extmap:3 urn:a",
        "a=extmap:4/inactive urn:c",
        "a=extmap:0 urn:d",
        "a=extmap:15 urn:e",
        "a=extmap:256 urn:f",
        "a=extmap:x urn:g",
    )
    text = text_of(SESSION, AUDIO, VIDEO, lines)
    assert parse_offer(text).sections[1].extensions == {"urn:a": 1, "urn:b": 2}
    mixed = text.replace("a=setup", "a=extmap-allow-mixed\r\na=setup", 1)
    assert parse_offer(mixed).sections[1].extensions["urn:e"] == 15


def test_codecs_that_cannot_be() -> None:
    """No rtpmap, not offered, a number that would be taken for RTCP, none at all."""
    lines = ("a=rtpmap:72 VP8/90000", "a=rtpmap:99 VP8/90000", "a=rtpmap:98 H264", "a=fmtp:97 x")
    text = text_of(VIDEO, lines, m="m=video 9 UDP/TLS/RTP/SAVPF 96 72 100 x 96", rtpmap__98="")
    found = parse_offer(text_of(SESSION, AUDIO) + text)
    assert [codec.payload_type for codec in found.sections[1].codecs] == [96]
    assert found.sections[1].codecs[0].rtx is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "v=0"),
        ('{"sdp": "v=0"}', "v=0"),
        ("v=0" + "\r\n" * 40_000, "65536"),
        (text_of(SESSION), "no m= section"),
        (text_of(SESSION, AUDIO, ("nonsense",)), "Line 17"),
        (text_of(SESSION, AUDIO, ("a=x\0",)), "Line 17"),
        (text_of(SESSION, AUDIO, ("a=x\ry",)), "Line 17"),
        (text_of(SESSION, AUDIO, VIDEO, *[("m=video 0 RTP/SAVPF 0",)] * 63), "64"),
        (text_of(SESSION, AUDIO, VIDEO, ("m=video x RTP/SAVPF 0",)), "m= line"),
        (text_of(SESSION, AUDIO, VIDEO, ("m=video 65536 RTP/SAVPF 0",)), "m= line"),
        (text_of(SESSION, AUDIO, VIDEO, ("m=video 9 RTP/SAVPF",)), "m= line"),
        (text_of(SESSION, AUDIO, VIDEO, group=""), "BUNDLE"),
        (text_of(SESSION, AUDIO, VIDEO, group="a=group:BUNDLE 0 2"), "BUNDLE"),
        (text_of(SESSION, AUDIO, VIDEO, mid="a=mid:0"), "same a=mid"),
        (text_of(SESSION, AUDIO, VIDEO, mid__0="a=mid:a b"), "a=mid"),
        (text_of(SESSION, AUDIO, VIDEO, mid__0=f"a=mid:{'a' * 65}"), "a=mid"),
        (text_of(SESSION, AUDIO, VIDEO, rtcp_mux=""), "a=rtcp-mux"),
        (text_of(SESSION, AUDIO, VIDEO, fingerprint=""), "a=fingerprint"),
        (text_of(SESSION, AUDIO, VIDEO, fingerprint="a=fingerprint:sha-1 AB"), "a=fingerprint"),
        (text_of(SESSION, AUDIO, VIDEO, fingerprint="a=fingerprint:sha-256 AB"), "a=fingerprint"),
        (text_of(SESSION, AUDIO, VIDEO, ice_ufrag=""), "a=ice-ufrag"),
        (text_of(SESSION, AUDIO, VIDEO, ice_pwd=""), "a=ice-pwd"),
        (text_of(SESSION, AUDIO, VIDEO, ice_pwd="a=ice-pwd:short"), "a=ice-pwd"),
        (text_of(SESSION, AUDIO, VIDEO, ice_ufrag=f"a=ice-ufrag:{'u' * 257}"), "a=ice-ufrag"),
        (text_of(SESSION, AUDIO, VIDEO, setup="a=setup:holdconn"), "a=setup"),
        (text_of(SESSION, ("a=ice-lite",), AUDIO, VIDEO), "a=ice-lite"),
    ],
)
def test_what_is_refused(text: str, sentence: str) -> None:
    assert sentence in refusal(text)


def test_without_setup_the_offerer_is_active() -> None:
    assert parse_offer(text_of(SESSION, AUDIO, VIDEO, setup="")).setup == "active"


def answer_all(text: str) -> None:
    """Nothing but `SdpError` escapes; what is answered says what it says it says."""
    try:
        found = parse_offer(text)
    except SdpError:
        return
    for answered in (
        lambda: publish_answer(found, LOCAL, bitrate=10**6),
        lambda: play_answer(found, LOCAL, tracks=OUTGOING, cname="c", stream="s"),
    ):
        try:
            answer = answered()
        except Unsupported:
            continue
        assert answer.sdp.isascii()
        assert answer.sdp.count("\r\nm=") == len(found.sections)
        assert not set(answer.sdp) & {"\0", "\t"}
        assert all(line[1:2] == "=" for line in answer.sdp.split("\r\n")[:-1])
        assert answer.sections


LINES = [line for name in OFFERS for line in offer(name).splitlines()]


@given(st.text(max_size=200) | st.text("vmcsoa=:0 \r\n", max_size=200).map("v=0\r\n".__add__))
def test_anything_at_all(text: str) -> None:
    answer_all(text)


@given(
    st.sampled_from(OFFERS),
    st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(LINES) | st.text(max_size=20))),
    st.lists(st.integers(0, 10**6), max_size=6),
)
def test_offers_with_lines_that_do_not_belong_there(
    name: str, inserted: list[tuple[int, str]], deleted: list[int]
) -> None:
    lines = offer(name).splitlines()
    for place in deleted:
        del lines[1 + place % (len(lines) - 1)]
    for place, line in inserted:
        lines.insert(1 + place % len(lines), line)
    answer_all("\r\n".join(lines))


@given(
    st.sampled_from(OFFERS),
    st.lists(st.tuples(st.integers(0, 10**6), st.characters()), min_size=1, max_size=6),
)
def test_offers_with_characters_exchanged(name: str, changes: list[tuple[int, str]]) -> None:
    characters = list(offer(name))
    for place, character in changes:
        characters[place % len(characters)] = character
    answer_all("".join(characters))
