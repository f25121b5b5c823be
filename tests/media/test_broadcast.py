"""media/broadcast.py and media/broadcasts.py: the life of a stream, in virtual time."""

import pytest

from media.broadcast import WAITING_SECONDS, State
from media.broadcasts import Broadcasts
from media.timers import Timers
from media.viewer import Viewer
from tests.media.show import Show, numbers
from tests.media.watching import (
    H264,
    OPUS,
    VP8,
    FakePublisher,
    FakeTrack,
    NoFlushes,
    RememberingStage,
    WatchingPeer,
    answer,
    video_section,
    watch,
)


def begun() -> tuple[Show, WatchingPeer]:
    """A stream that is live, with a viewer."""
    show = Show()
    peer = show.watch()
    show.send(0, keyframe=True)
    peer.received()
    return show, peer


def said(show: Show) -> list[tuple[object, ...]]:
    """What the stage was told since the last time."""
    told, show.stage.said = show.stage.said, []
    return told


def test_it_is_live_with_the_first_packets() -> None:
    show = Show()
    assert show.broadcast.state is State.WAITING
    assert said(show) == []
    show.packet(0)
    assert show.broadcast.state is State.WAITING
    show.flush()
    show.send(1)
    assert show.broadcast.state is State.LIVE
    assert said(show) == [("live", 1)]


def test_packets_are_sent_when_all_of_a_read_are_here_in_one_burst() -> None:
    show, peer = begun()
    for sequence in range(1, 9):
        show.packet(sequence)
    assert peer.ciphertexts() == []
    assert len(show.relay.flushes) == 1
    show.flush()
    assert numbers(peer.received()) == [*range(1, 9)]
    assert peer.path is not None
    assert peer.path.bursts[-1] == 8
    show.flush()
    assert peer.ciphertexts() == []


def test_viewers_are_counted_from_connected_to_closed() -> None:
    show = Show()
    one, other = show.watch(), show.watch()
    one.close("left", show.now)
    third = show.watch()
    show.watch()
    other.close("timeout", show.now)
    other.session.closed("timeout", show.now)  # no viewer is counted twice
    third.close("left", show.now)
    show.watch()
    assert said(show) == [
        ("viewers", 1, 1, 1),
        ("viewers", 1, 2, 2),
        ("viewers", 1, 1, 2),
        ("viewers", 1, 2, 3),
        ("viewers", 1, 3, 4),
        ("viewers", 1, 2, 4),
        ("viewers", 1, 1, 4),
        ("viewers", 1, 2, 5),
    ]
    assert (show.broadcast.peak, show.broadcast.joined) == (3, 5)
    assert len(show.broadcast.viewers) == 2
    show.send(0, keyframe=True)
    assert one.ciphertexts() == []


def test_a_viewer_that_is_closed_before_it_connects_was_never_here() -> None:
    show = Show()
    show.watch()
    said(show)
    stranger = WatchingPeer(
        Viewer(
            answer=answer(video_section()),
            broadcast=show.broadcast,
            cname="c",
            timers=show.timers,
            now=show.now,
        )
    )
    stranger.close("timeout", show.now)
    assert said(show) == []
    assert show.broadcast.joined == 1


def test_a_publisher_that_is_lost_has_the_grace_time_to_come_back() -> None:
    show, peer = begun()
    said(show)
    show.publisher.close("timeout", show.now)
    assert said(show) == [("interrupted", 1)]
    assert (show.broadcast.publisher, show.broadcast.state) == (None, State.INTERRUPTED)
    show.run(29)
    assert peer.reason == ""
    show.publish(FakeTrack("video", H264))
    show.run(60)
    assert said(show) == []  # connected is not live
    show.send(0, keyframe=True)
    assert said(show) == [("live", 1)]
    assert numbers(peer.video()) == [0]


def test_one_that_does_not_come_back_in_time_has_ended() -> None:
    show, peer = begun()
    said(show)
    show.publisher.close("failed", show.now)
    show.run(30)
    assert said(show) == [("interrupted", 1), ("viewers", 1, 0, 1), ("ended", 1, "timeout")]
    assert show.broadcast.state is State.ENDED
    assert peer.reason == "ended"
    assert show.timers.next() is None


def test_one_that_comes_back_and_is_lost_again_has_the_time_anew() -> None:
    show, _ = begun()
    show.publisher.close("timeout", show.now)
    show.run(29)
    show.publish(FakeTrack("video", H264))
    show.publisher.close("timeout", show.now)
    show.run(29)
    assert show.broadcast.state is State.INTERRUPTED
    show.run(1)
    assert show.broadcast.state is State.ENDED


def test_who_leaves_ends_it_at_once() -> None:
    show, peer = begun()
    said(show)
    show.packet(1)
    show.publisher.close("left", show.now)
    assert numbers(peer.video()) == [1]
    assert peer.reason == "ended"
    assert said(show) == [("viewers", 1, 0, 1), ("ended", 1, "left")]
    stores = [layer.store for track in show.broadcast.tracks.values() for layer in track.layers]
    assert stores
    assert sum(map(len, stores)) == 0  # nothing waits for a look for cycles


def test_a_second_publisher_takes_over() -> None:
    show, peer = begun()
    said(show)
    former, line = show.publisher, show.broadcast.line
    show.packet(1)
    show.publish(FakeTrack("video", VP8))
    assert former.closed == ["replaced"]
    assert show.broadcast.line is not line  # another clock
    assert show.broadcast.publisher is show.publisher.as_publisher
    assert show.broadcast.state is State.LIVE
    show.send(0, keyframe=True)
    show.run(60)
    got = peer.video()
    assert numbers(got) == [1, 0]
    assert [each.payload_type for each in got] == [102, 104]
    assert said(show) == []  # viewers and the stage have noticed nothing
    assert show.broadcast.state is State.LIVE


def test_one_that_never_connects_replaces_nobody() -> None:
    show, _ = begun()
    stranger = FakePublisher(show.broadcast, FakeTrack("video", H264))
    stranger.close("timeout", show.now)
    show.run(60)
    assert show.broadcast.state is State.LIVE
    stranger.close("left", show.now)
    assert show.broadcast.state is State.LIVE


def test_a_broadcast_that_was_never_live_ends_without_a_word() -> None:
    show = Show()
    show.publisher.close("timeout", show.now)
    assert show.broadcast.state is State.ENDED
    assert said(show) == []


def test_what_comes_after_the_end_is_sent_away() -> None:
    show, _ = begun()
    show.broadcast.end("closed", show.now)
    assert show.publisher.closed == ["closed"]
    show.publish(FakeTrack("video", H264))
    assert show.publisher.closed == ["ended"]
    late = show.watch()
    assert late.reason == "ended"
    said(show)
    show.send(1)
    show.broadcast.end("closed", show.now)
    assert said(show) == []


def test_codecs_are_known_from_the_answer_on_and_through_the_grace_time() -> None:
    show = Show(FakeTrack("video", VP8, H264), FakeTrack("audio", OPUS))
    assert show.broadcast.codecs == {"video": (VP8, H264), "audio": (OPUS,)}
    show.send(0)
    show.video.codec = H264  # the packets of now have it
    assert show.broadcast.codecs["video"] == (H264, VP8)
    show.publisher.close("timeout", show.now)
    assert show.broadcast.codecs["video"] == (H264, VP8)


class House:
    """The streams of a process."""

    def __init__(self) -> None:
        self.timers = Timers()
        self.relay = NoFlushes()
        self.stage = RememberingStage()
        self.broadcasts = Broadcasts(
            relay=self.relay, stage=self.stage, timers=self.timers, grace_seconds=30
        )


def test_a_stream_has_one_broadcast_until_it_ends() -> None:
    house = House()
    assert house.broadcasts.get(1) is None
    one = house.broadcasts.open(1, 0)
    assert house.broadcasts.open(1, 1) is one
    assert house.broadcasts.get(1) is one
    other = house.broadcasts.open(2, 1)
    assert set(house.broadcasts) == {one, other}
    one.end("left", 2)
    assert house.broadcasts.get(1) is None
    assert house.broadcasts.open(1, 2) is not one
    assert len(house.broadcasts) == 2


def test_one_for_which_nobody_connects_is_forgotten() -> None:
    house = House()
    house.broadcasts.open(1, 0)
    house.timers.run(WAITING_SECONDS - 1)
    assert len(house.broadcasts) == 1
    house.timers.run(WAITING_SECONDS)
    assert len(house.broadcasts) == 0
    assert house.stage.said == []


def test_all_viewers_and_packets_of_the_process_are_counted() -> None:
    house = House()
    for stream in (1, 2):
        broadcast = house.broadcasts.open(stream, 0)
        publisher = FakePublisher(broadcast, FakeTrack("video", H264))
        publisher.connected(0)
        for _ in range(stream):
            watch(broadcast, house.timers, 0)
        broadcast.forward(publisher.tracks["video"].layers[0].packet(0, 0, keyframe=True))
    house.relay.flush(0)
    counts = house.broadcasts.counts
    assert house.broadcasts.viewers == 3
    assert (counts.packets, counts.bursts) == (3, 3)
    assert counts.bytes == sum(
        len(data)
        for broadcast in house.broadcasts
        for viewer in broadcast.viewers
        for data in viewer.peer.ciphertexts()  # type: ignore[union-attr]
    )


def test_all_end_when_the_process_stops() -> None:
    house = House()
    publishers = []
    for stream in (1, 2):
        broadcast = house.broadcasts.open(stream, 0)
        publishers.append(FakePublisher(broadcast, FakeTrack("video", H264)))
        publishers[-1].connected(0)
    house.broadcasts.end("closing", 1)
    assert [publisher.closed for publisher in publishers] == [["closing"], ["closing"]]
    assert len(house.broadcasts) == 0


@pytest.mark.parametrize("reason", ["timeout", "failed", "closed"])
def test_a_publisher_that_never_sent_does_not_hold_a_stream(reason: str) -> None:
    show = Show()
    peer = show.watch()
    show.publisher.close(reason, show.now)
    assert peer.reason == "ended"
