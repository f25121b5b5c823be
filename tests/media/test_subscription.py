"""media/subscription.py, through media/viewer.py and real SRTP: what a viewer gets, and when."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from media import rtcp
from media.extensions import Extension
from media.rtp import original
from media.subscription import REPLAY_BURST, REPLAY_SECONDS
from tests.media.show import FRAME, SECONDS, Show, numbers
from tests.media.watching import (
    H264,
    OPUS,
    RTX_SSRC,
    TO_H264,
    TO_OPUS,
    TO_VP8,
    VIDEO_SSRC,
    VP8,
    FakeTrack,
    Received,
    WatchingPeer,
    audio_section,
    video_section,
)


def nack(*lost: int) -> bytes:
    return bytes(rtcp.Nack(1, VIDEO_SSRC, lost))


# Whoever joins

# What comes while somebody joins: the next packet, later, a flush, a packet that is late by then.
MEANWHILE = st.lists(
    st.one_of(
        st.just("next"),
        st.just("next"),
        st.just("skip"),
        st.just("late"),
        st.just("flush"),
        st.just("wait"),
    ),
    max_size=200,
)


@given(kept=st.integers(1, 150), before=st.integers(0, 20), meanwhile=MEANWHILE)
def test_who_joins_gets_the_group_of_pictures_and_then_all_that_comes_once(
    kept: int, before: int, meanwhile: list[str]
) -> None:
    show = Show()
    for sequence in range(-before, kept):
        show.packet(sequence, keyframe=sequence in {-before, 0})
    peer = show.watch()
    head, missing, arrived = kept, [], set(range(kept))
    for what in meanwhile:
        if what == "next":
            show.packet(head)
            arrived.add(head)
            head += 1
        elif what == "skip":
            missing.append(head)
            head += 1
        elif what == "late" and missing:
            sequence = missing.pop(len(missing) // 2)
            show.packet(sequence)
            arrived.add(sequence)
        elif what == "flush":
            show.flush()
        elif what == "wait":
            show.run(REPLAY_SECONDS)
    show.send(head)
    arrived.add(head)
    show.run(5)
    got = peer.video()
    assert sorted(numbers(got)) == sorted(arrived)
    assert peer.repeated == 0
    # What the publisher has numbered densely is dense for the viewer; what is missing is a gap.
    first = got[0].sequence
    assert [(each.sequence - first) % 0x10000 for each in got] == numbers(got)
    if "late" not in meanwhile:
        assert numbers(got) == sorted(arrived)
        assert all(0 < later.timestamp - each.timestamp < 1 << 31 for each, later in pairwise(got))


def test_a_replay_is_paced_and_ends_in_the_present() -> None:
    show = Show()
    for sequence in range(120):
        show.packet(sequence, keyframe=sequence == 0)
    peer = show.watch()
    counts = []
    got: list[Received] = []
    for _ in range(6):
        packets = peer.video()
        counts.append(len(packets))
        got += packets
        show.run(REPLAY_SECONDS)
    assert counts == [REPLAY_BURST] * 4 + [20, 0]
    # Four seconds of pictures within four frames; and then the frames go on as they come.
    assert got[-1].timestamp - got[0].timestamp == 119 * FRAME >> 5
    show.now += SECONDS
    show.send(120)
    (live,) = peer.video()
    assert live.timestamp - got[-1].timestamp == FRAME


def test_flushes_do_not_make_a_replay_faster() -> None:
    show = Show()
    for sequence in range(200):
        show.packet(sequence, keyframe=sequence == 0)
    peer = show.watch()
    for sequence in range(200, 210):
        show.send(sequence)
    assert len(peer.video()) == REPLAY_BURST


def test_a_keyframe_during_a_replay_cuts_it_short() -> None:
    show = Show()
    for sequence in range(200):
        show.packet(sequence, keyframe=sequence == 0)
    peer = show.watch()
    show.send(200, keyframe=True)
    show.send(201)
    show.run(1)
    got = peer.video()
    assert numbers(got) == [*range(REPLAY_BURST), 200, 201]
    assert [b.sequence - a.sequence for a, b in pairwise(got)] == [1] * (len(got) - 1)
    assert all(b.timestamp > a.timestamp for a, b in pairwise(got))


def test_without_a_group_of_pictures_a_keyframe_is_asked_for_and_waited_for() -> None:
    show = Show()
    for sequence in range(10):
        show.send(sequence)
    peer = show.watch()
    assert show.video.requests
    show.send(10)
    assert peer.video() == []
    for sequence in (11, 12):
        show.packet(sequence, keyframe=sequence == 11)
    show.flush()
    assert numbers(peer.video()) == [11, 12]


def test_parameter_sets_that_their_picture_has_overtaken_are_sent_with_it() -> None:
    show = Show()
    show.send(0)
    peer = show.watch()
    show.video.requests.clear()
    show.video.packet(2, 5 * FRAME, b"\0\0\0\2", keyframe=True)
    show.broadcast.forward(show.video.store.get(2))  # type: ignore[arg-type]
    show.flush()
    show.video.packet(1, 5 * FRAME, b"\0\0\0\1", keyframe=True)
    show.broadcast.forward(show.video.store.get(1))  # type: ignore[arg-type]
    show.flush()
    show.run(1)
    assert numbers(peer.video()) == [2, 1, 2]


def test_a_replay_whose_place_was_let_go_of_waits_for_a_keyframe() -> None:
    show = Show()
    show.video.store = type(show.video.store)(window=8, most_packets=60)
    for sequence in range(50):
        show.packet(sequence, keyframe=sequence == 0)
    peer = show.watch()
    assert len(peer.video()) == REPLAY_BURST
    for sequence in range(50, 100):  # all in one read: beyond what the store holds
        show.packet(sequence)
    show.video.requests.clear()
    show.run(1)
    assert peer.video() == []
    assert show.video.requests
    show.send(100, keyframe=True)
    assert numbers(peer.video()) == [100]


def test_audio_begins_with_the_next_packet() -> None:
    show = Show(FakeTrack("audio", OPUS))
    audio = show.publisher.tracks["audio"].layers[0]
    for sequence in range(3):
        show.send(sequence, layer=audio)
    peer = show.watch(audio_section())
    assert peer.received() == []
    show.send(3, layer=audio)
    (got,) = peer.received()
    assert numbers([got]) == [3]
    assert got.payload_type == TO_OPUS.payload_type


# Live


def live() -> tuple[Show, WatchingPeer, Received]:
    """A stream with a viewer who has caught up, at its first packet."""
    show = Show()
    peer = show.watch()
    show.send(0, keyframe=True)
    (first,) = peer.video()
    return show, peer, first


def test_a_gap_stays_one_and_is_filled_when_the_packet_comes() -> None:
    show, peer, first = live()
    show.send(2)
    show.send(1)
    assert [each.sequence - first.sequence for each in peer.video()] == [2, 1]


def test_probes_close_up_and_late_ones_are_sent_empty() -> None:
    show, peer, first = live()
    show.send(1, payload=b"")
    show.send(2)
    show.send(4)
    show.send(3, payload=b"")
    got = peer.video()
    assert [(each.sequence - first.sequence, len(each.payload)) for each in got] == [
        (1, 4),
        (3, 4),
        (2, 0),
    ]
    assert show.broadcast.counts.left_out == 1


def test_what_comes_before_the_start_is_not_sent() -> None:
    show, peer, _ = live()
    show.send(-1)
    assert peer.video() == []


def test_a_codec_that_the_viewer_does_not_take_is_left_out() -> None:
    show = Show(FakeTrack("video", VP8, H264))
    peer = show.watch(video_section(TO_H264))
    show.send(0, keyframe=True)  # VP8
    assert peer.video() == []
    show.send(1, keyframe=True, payload_type=H264.payload_type)
    show.send(2, payload_type=H264.payload_type)
    show.send(3)
    show.send(4, payload_type=H264.payload_type)
    got = peer.video()
    assert [each.payload_type for each in got] == [TO_H264.payload_type] * 3
    assert numbers(got) == [1, 2, 4]
    assert [b.sequence - a.sequence for a, b in pairwise(got)] == [1, 1]


def test_header_fields_are_the_viewers() -> None:
    ids: dict[int, int] = {Extension.MID: 3, Extension.VIDEO_ORIENTATION: 5}
    show = Show()
    peer = show.watch(video_section(extensions=ids, mid="v"))
    show.send(
        0,
        keyframe=True,
        marker=True,
        extensions={Extension.VIDEO_ORIENTATION: b"\1", Extension.AUDIO_LEVEL: b"\2"},
    )
    (got,) = peer.video()
    assert got.marker
    assert got.payload_type == TO_H264.payload_type
    assert got.block.rstrip(b"\0") == b"\x30v\x50\x01"


# Sent again


def test_without_rtx_a_packet_is_sent_again_byte_for_byte() -> None:
    ids: dict[int, int] = {
        Extension.MID: 1,
        Extension.ABS_SEND_TIME: 2,
        Extension.TRANSPORT_SEQUENCE: 3,
        Extension.VIDEO_ORIENTATION: 4,
    }
    show = Show()
    for sequence in range(40):  # replayed, so that timestamps are drawn near
        show.packet(sequence, keyframe=sequence == 0)
    peer = show.watch(video_section(rtx=False, extensions=ids))
    show.run(1)
    for sequence in range(40, 60):
        show.packet(sequence, extensions={Extension.VIDEO_ORIENTATION: b"\1"})
        if sequence % 5 == 0:
            show.send(sequence + 100, payload=b"")
        show.flush()
    show.send(30)  # a new run, of another time
    sent = {data[2:4]: data for data in peer.ciphertexts()}
    show.run(3)
    peer.ciphertexts()
    for name, data in sent.items():
        peer.session.receive_rtcp(nack(int.from_bytes(name, "big")), show.now)
        assert peer.ciphertexts() == [data]
    # Nothing in them may vary with time: SRTP's nonce is the same.
    assert b"\x22" not in {data[16:17] for data in sent.values()}


def test_with_rtx_a_packet_is_sent_again_as_another() -> None:
    show, peer, first = live()
    for sequence in range(1, 5):
        show.send(sequence, marker=True)
    sent = {each.sequence: each for each in peer.video()}
    wanted = [(first.sequence + n) & 0xFFFF for n in (1, 3)]
    peer.session.receive_rtcp(nack(*wanted), show.now)
    got = peer.received()
    assert [each.ssrc for each in got] == [RTX_SSRC] * 2
    assert [each.payload_type for each in got] == [TO_H264.rtx] * 2
    assert got[1].sequence == got[0].sequence + 1
    for each, sequence in zip(got, wanted, strict=True):
        assert original(each.payload) == (sequence, sent[sequence].payload)
        assert each.timestamp == sent[sequence].timestamp
        assert each.marker
    assert show.broadcast.counts.retransmitted == 2
    assert peer.session.stats.retransmitted == 2


def test_what_the_publisher_has_not_got_through_is_not_invented() -> None:
    show, peer, first = live()
    show.send(2)
    peer.received()
    peer.session.receive_rtcp(nack(first.sequence + 1, first.sequence + 9), show.now)
    assert peer.received() == []
    assert show.broadcast.counts.unanswered == 2
    show.send(1)
    (late,) = peer.video()
    assert late.sequence == first.sequence + 1


def test_nothing_is_sent_again_where_it_was_not_agreed_upon() -> None:
    show = Show(FakeTrack("audio", OPUS))
    peer = show.watch(audio_section({Extension.ABS_SEND_TIME: 1}))
    audio = show.publisher.tracks["audio"].layers[0]
    show.send(0, layer=audio)
    show.send(1, layer=audio)
    got = peer.received()
    peer.session.receive_rtcp(bytes(rtcp.Nack(1, got[0].ssrc, (got[0].sequence,))), show.now + 1)
    assert peer.ciphertexts() == []


# Layers and publishers


def simulcast() -> FakeTrack:
    return FakeTrack("video", VP8, rates={"l": 150_000, "m": 500_000, "h": 1_500_000})


def vp8(picture: int, tl0: int, *, key: bool = False) -> bytes:
    """A frame with 15 bits of picture id, TL0PICIDX and a temporal layer."""
    return bytes((0x90, 0xE0, 0x80 | picture >> 8, picture & 255, tl0, 0, 0 if key else 1))


def test_a_layer_is_changed_at_its_keyframe_and_everything_runs_on() -> None:
    show = Show(simulcast())
    low, _, high = show.publisher.tracks["video"].layers
    for layer in (low, high):
        layer.packet(0, 0, vp8(0, 0), now=show.now)
    peer = show.watch(video_section(TO_VP8))
    show.packet(1, layer=high, payload=vp8(500, 60, key=True), keyframe=True)
    show.packet(7, layer=low, payload=vp8(900, 9))
    show.flush()
    assert peer.session.stats.rid == "h"
    assert peer.session.choose("l", show.now)
    show.packet(2, layer=high, payload=vp8(501, 61))
    show.packet(8, layer=low, payload=vp8(901, 10))
    show.flush()
    assert low.requests
    show.now += SECONDS
    show.packet(9, layer=low, payload=vp8(0x7FFF, 255, key=True), keyframe=True)
    show.packet(3, layer=high, payload=vp8(502, 62))
    show.packet(10, layer=low, payload=vp8(0, 0))
    show.flush()
    show.run(1)
    got = peer.video()
    assert peer.session.stats.rid == "l"
    assert [each.payload for each in got] == [
        vp8(500, 60, key=True),
        vp8(501, 61),
        vp8(502, 62, key=True),
        vp8(503, 63),
    ]
    assert [b.sequence - a.sequence for a, b in pairwise(got)] == [1, 1, 1]
    assert all(b.timestamp > a.timestamp for a, b in pairwise(got))
    assert show.broadcast.counts.switches == 1
    # What was sent of the former layer can still be asked for, as it was.
    peer.session.receive_rtcp(nack(got[1].sequence, got[3].sequence), show.now)
    again = [original(each.payload) for each in peer.received()]
    assert again == [(got[1].sequence, vp8(501, 61)), (got[3].sequence, vp8(503, 63))]


def test_layers_line_up_by_the_publishers_reports() -> None:
    show = Show(simulcast())
    low, _, high = show.publisher.tracks["video"].layers
    # Both reports are of one moment; the layers count from different numbers.
    low.sender_report = (50 << 32, 7_000_000, show.now)
    high.sender_report = (50 << 32, 90_000, show.now)
    peer = show.watch(video_section(TO_VP8))
    high.packet(0, 90_000, vp8(0, 0, key=True), keyframe=True, now=show.now)
    show.broadcast.forward(high.store.get(0))  # type: ignore[arg-type]
    show.flush()
    low.packet(0, 7_000_000, vp8(0, 0), now=show.now)
    peer.session.choose("l", show.now)
    # Arrives late by 200 ms, but was taken 40 ms after the other one.
    show.now += 0.24
    packet = low.packet(1, 7_003_600, vp8(1, 1, key=True), keyframe=True, now=show.now)
    show.broadcast.forward(packet)
    show.flush()
    one, other = peer.video()
    assert other.timestamp - one.timestamp == 3600


def test_another_publisher_goes_on_where_the_first_one_was() -> None:
    show = Show(FakeTrack("video", H264))
    peer = show.watch()
    show.send(0, keyframe=True)
    show.send(1)
    show.publisher.close("timeout", show.now)
    show.run(12)
    show.publish(FakeTrack("video", VP8))
    show.send(40_000, keyframe=False)
    show.send(40_001, keyframe=True)
    show.send(40_002)
    show.run(1)
    got = peer.video()
    assert numbers(got) == [0, 1, 40_001, 40_002]
    assert [each.payload_type for each in got] == [102, 102, 104, 104]
    assert {each.ssrc for each in got} == {VIDEO_SSRC}
    assert [b.sequence - a.sequence for a, b in pairwise(got)] == [1, 1, 1]
    assert got[2].timestamp - got[1].timestamp == 12 * 90_000
    # Numbers of the former publisher are answered from its packets, in its codec.
    peer.session.receive_rtcp(nack(got[1].sequence), show.now)
    (again,) = peer.received()
    assert (again.payload_type, original(again.payload)) == (103, (got[1].sequence, b"\0\0\0\1"))


def test_who_joins_in_the_grace_time_sees_the_last_picture() -> None:
    show = Show()
    show.send(0, keyframe=True)
    show.send(1)
    show.publisher.close("timeout", show.now)
    show.run(10)
    show.video.silent = True
    peer = show.watch()
    assert numbers(peer.video()) == [0, 1]
    show.publish(FakeTrack("video", H264))
    show.send(5, keyframe=True)
    show.run(1)
    (got,) = peer.video()
    assert numbers([got]) == [5]
