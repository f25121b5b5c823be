"""media/estimate*.py on a simulated line."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.estimate import LEAST, MOST, Estimator, Unknown
from media.estimate_loss import BEYOND, LossEstimator
from media.estimate_receiver import FIRST_SECONDS, ReceiverEstimator
from media.estimate_transport import TransportEstimator
from media.twcc import TransportFeedback, feedbacks

PACKET = 1200
FRAME_SECONDS = 1 / 30
FEEDBACK_SECONDS = 0.1


class Line:
    """A bottleneck with a queue, behind which a viewer gives feedback on each packet.

    Args:
        capacity: in bits per second; may be changed.
        loss: the fraction of packets that is lost for other reasons.
    """

    def __init__(self, capacity: float, *, loss: float = 0.0, queue: float = 0.5) -> None:
        self.capacity = capacity
        self.loss = loss
        self.now = 10.0
        self.delay = 0.0  # of the queue, of the last packet
        self._queue = queue
        self._free = 0.0  # when the line is free again
        self._random = Random(1)
        self._arrivals: dict[int, float | None] = {}
        self._told = 0
        self._count = 0
        self._next_feedback = self.now

    def run(
        self,
        estimator: Estimator,
        seconds: float,
        sending: Callable[[], float],
        *,
        every: int = 0,
    ) -> None:
        """Send frames, each in one burst, for so long.

        Args:
            sending: bits per second.
            every: so many frames a keyframe of six times the size comes; 0: none.
        """
        frames = round(seconds / FRAME_SECONDS)
        for frame in range(frames):
            self.now += FRAME_SECONDS
            size = sending() * FRAME_SECONDS / 8
            if every:
                # As many bytes in all.
                size *= (6 if frame % every == 0 else 1) * every / (every + 5)
            packets = max(1, round(size / PACKET))
            first = estimator.next_sequence
            estimator.sent(first, packets, round(size), self.now)
            for number in range(first, first + packets):
                self._arrivals[number] = self._send(size / packets)
            if self.now >= self._next_feedback:
                self._next_feedback = self.now + FEEDBACK_SECONDS
                self._feed_back(estimator)

    def _send(self, size: float) -> float | None:
        begins = max(self._free, self.now)
        self.delay = begins - self.now
        if self.delay > self._queue or self._random.random() < self.loss:
            return None
        self._free = begins + size * 8 / self.capacity
        return self._free + 0.02

    def _feed_back(self, estimator: Estimator) -> None:
        arrived = [n for n, at in self._arrivals.items() if at is not None and at <= self.now]
        if not arrived:
            return
        told = max(arrived) + 1
        times = [self._arrivals.pop(number, None) for number in range(self._told, told)]
        for feedback in feedbacks(1, 2, self._count, self._told & 0xFFFF, times):
            self._count = feedback.count + 1
            parsed = TransportFeedback.parse(bytes(feedback)[4:])
            assert parsed is not None
            estimator.feedback(parsed, self.now)
        self._told = told


@pytest.mark.parametrize("capacity", [300_000, 1_000_000, 6_000_000])
@pytest.mark.parametrize("every", [0, 60])
def test_it_comes_near_what_the_line_takes(capacity: int, every: int) -> None:
    line, estimator = Line(capacity), TransportEstimator()
    estimator.next_sequence = line._told = 65_000  # numbers wrap

    def sending() -> float:
        return min(estimator.bitrate or capacity * 3, capacity * 3)

    line.run(estimator, 20, sending, every=every)
    found = []
    for _ in range(20):
        line.run(estimator, 1, sending, every=every)
        assert estimator.bitrate is not None
        found.append(estimator.bitrate / capacity)
    assert min(found) > 0.6
    assert max(found) < 1.4


def test_a_line_with_room_is_not_taken_for_full() -> None:
    line, estimator = Line(4_000_000), TransportEstimator()
    line.run(estimator, 20, lambda: 1_000_000, every=60)
    assert estimator.bitrate is not None
    assert estimator.bitrate > 1_000_000
    # What was not sent is not known to get through.
    assert estimator.bitrate < 1_000_000 * BEYOND * 1.7


def test_down_fast_and_up_slowly() -> None:
    line, estimator = Line(3_000_000), TransportEstimator()

    def sending() -> float:
        return min(estimator.bitrate or 2_000_000, 2_800_000)

    line.run(estimator, 15, sending)
    before = estimator.bitrate or 0
    assert before > 1_800_000
    line.capacity = 800_000
    line.run(estimator, 2, sending)
    fallen = estimator.bitrate or 0
    assert fallen < 1_000_000
    line.capacity = 3_000_000
    line.run(estimator, 2, sending)
    assert (estimator.bitrate or 0) < fallen * 1.4
    line.run(estimator, 25, sending)
    assert (estimator.bitrate or 0) > 1_800_000


def test_much_loss_is_too_much_sent_and_little_is_not() -> None:
    line, estimator = Line(10_000_000), TransportEstimator()
    line.run(estimator, 5, lambda: 1_000_000)
    before = estimator.bitrate or 0
    line.loss = 0.01
    line.run(estimator, 5, lambda: 1_000_000)
    assert (estimator.bitrate or 0) >= before
    line.loss = 0.3
    line.run(estimator, 5, lambda: 1_000_000)
    assert (estimator.bitrate or 0) < before * 0.5


def test_nothing_is_estimated_before_something_is_known() -> None:
    line, estimator = Line(1_000_000), TransportEstimator()
    assert estimator.bitrate is None
    line.run(estimator, 1.5, lambda: 500_000)
    assert estimator.bitrate is None


@given(
    base=st.integers(0, 0xFFFF),
    deltas=st.lists(st.one_of(st.none(), st.integers(-0x8000, 0x7FFF)), max_size=50),
    reference=st.integers(-(1 << 23), (1 << 23) - 1),
)
def test_feedback_on_what_was_never_sent_is_harmless(
    base: int, deltas: list[int | None], reference: int
) -> None:
    estimator = TransportEstimator()
    feedback = TransportFeedback(1, 2, base, 0, reference, tuple(deltas))
    estimator.feedback(feedback, 1)
    for moment in range(2, 40):
        estimator.sent(estimator.next_sequence, 3, 3000, moment)
        estimator.feedback(feedback, moment)
    assert estimator.bitrate is None or LEAST <= estimator.bitrate <= MOST


# By loss alone, and by the viewer's own estimate


def test_loss_alone_knows_no_bound_until_there_is_loss() -> None:
    estimator = LossEstimator()
    for second in range(10):
        estimator.reported(0.01, 1_000_000, second)
    assert estimator.bitrate is None
    estimator.reported(0.2, 1_000_000, 10)
    assert estimator.bitrate == 900_000
    estimator.reported(0.05, 900_000, 11)
    assert estimator.bitrate == 900_000
    estimator.reported(0.0, 900_000, 12)
    assert estimator.bitrate == 972_000
    for second in range(13, 60):
        estimator.reported(0.0, 900_000, second)
    assert estimator.bitrate == round(900_000 * BEYOND)


def test_loss_never_goes_below_what_can_be_watched() -> None:
    estimator = LossEstimator()
    for second in range(50):
        estimator.reported(1.0, 100_000, second)
    assert estimator.bitrate == LEAST


def test_a_viewer_s_first_estimates_are_not_believed() -> None:
    estimator = ReceiverEstimator()
    estimator.told(300_000, 0)
    estimator.told(300_000, FIRST_SECONDS - 0.1)
    assert estimator.bitrate is None
    estimator.told(2_000_000, FIRST_SECONDS)
    assert estimator.bitrate == 2_000_000


def test_a_viewer_s_estimate_is_bounded_by_loss() -> None:
    estimator = ReceiverEstimator()
    estimator.told(2_000_000, 0)
    estimator.told(2_000_000, FIRST_SECONDS)
    estimator.reported(0.2, 1_000_000, 5)
    assert estimator.bitrate == 900_000
    estimator.told(500_000, 6)
    assert estimator.bitrate == 500_000
    estimator.reported(0.0, 1_000_000, 7)
    assert estimator.bitrate == 500_000


def test_who_knows_nothing_counts_on() -> None:
    for estimator in (Unknown(), LossEstimator()):
        estimator.sent(0, 5, 5000, 1)
        estimator.told(100_000, 1)
        assert estimator.next_sequence == 5
        assert estimator.bitrate is None
