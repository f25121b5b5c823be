"""What is asked for again."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.nack import (
    GIVE_UP_SECONDS,
    MOST,
    RETRY_LEAST,
    RETRY_SECONDS,
    SETTLE_SECONDS,
    TRIES,
    NackList,
)


def test_nothing_is_missing_at_first() -> None:
    missing = NackList()
    assert missing.next() is None
    assert missing.due(5.0) == []
    assert not missing.arrived(7, 5.0)


def test_a_packet_that_was_overtaken_is_not_asked_for() -> None:
    missing = NackList()
    missing.gap(10, 12, 0.0)
    assert missing.due(0.0) == []
    assert missing.arrived(10, 0.003)
    assert missing.next() == SETTLE_SECONDS
    assert missing.due(SETTLE_SECONDS) == [11]
    assert missing.recovered == 0


def test_what_does_not_come_is_asked_for_again_and_then_given_up() -> None:
    missing = NackList()
    missing.gap(10, 11, 0.0)
    asked = []
    while (when := missing.next()) is not None:
        if missing.due(when):
            asked.append(when)
    assert asked[0] == SETTLE_SECONDS
    assert all(
        later - earlier == pytest.approx(RETRY_SECONDS)
        for earlier, later in itertools.pairwise(asked)
    )
    assert len(asked) == TRIES
    assert asked[-1] < GIVE_UP_SECONDS
    assert missing.given_up == 1
    assert not missing.arrived(10, 2.0)


def test_retries_follow_the_round_trip() -> None:
    missing = NackList()
    missing.gap(1, 2, 0.0)
    missing.due(0.1)
    missing.arrived(1, 0.14)
    assert missing.round_trip == pytest.approx(0.04)
    assert missing.recovered == 1
    missing.gap(2, 3, 1.0)
    missing.due(1.1)
    assert missing.next() == pytest.approx(1.15)


def test_a_short_round_trip_is_no_reason_to_ask_all_the_time() -> None:
    missing = NackList()
    missing.gap(1, 2, 0.0)
    missing.due(0.1)
    missing.arrived(1, 0.1001)
    missing.gap(2, 3, 1.0)
    missing.due(1.1)
    assert missing.next() == pytest.approx(1.1 + RETRY_LEAST)


def test_an_answer_to_one_of_several_requests_tells_no_time() -> None:
    missing = NackList()
    missing.gap(1, 2, 0.0)
    missing.due(0.1)
    missing.due(0.3)
    missing.arrived(1, 0.31)
    assert missing.round_trip is None


def test_a_long_gap_is_bounded() -> None:
    missing = NackList()
    missing.gap(0, 10 * MOST, 0.0)
    assert len(missing) == MOST
    missing.gap(10 * MOST + 1, 10 * MOST + 11, 0.0)
    assert len(missing) == MOST
    assert missing.given_up == 9 * MOST + 10
    assert missing.due(1.0) == []  # for too long already


def test_what_is_not_listened_to_is_not_asked_for() -> None:
    missing = NackList()
    missing.gap(0, 5, 0.0)
    missing.clear()
    assert missing.next() is None
    assert missing.given_up == 0


class Naive:
    """Keeps the history of every packet, and looks through all of it each time."""

    def __init__(self) -> None:
        self.noticed: dict[int, float] = {}
        self.asked: dict[int, list[float]] = {}  # when each was to be asked for next
        self.over: set[int] = set()

    def due(self, now: float, wait: float) -> list[int]:
        asked = []
        for sequence in sorted(set(self.noticed) - self.over):
            times = self.asked.setdefault(sequence, [self.noticed[sequence] + SETTLE_SECONDS])
            if now < times[-1]:
                continue
            if len(times) > TRIES or now - self.noticed[sequence] >= GIVE_UP_SECONDS:
                self.over.add(sequence)
                continue
            times.append(now + wait)
            asked.append(sequence)
        return asked


# A link: for each packet of a second whether it is lost, overtaken by some, or comes twice.
FATES = st.lists(st.sampled_from(["comes"] * 6 + ["lost", "late", "twice"]), max_size=120)


@given(FATES, st.integers(1, 9))
@settings(max_examples=150)
def test_against_a_list_of_all_packets(fates: list[str], behind: int) -> None:
    """The same is asked for at the same times, whatever the link does."""
    arriving = sorted(
        (position + (behind + 0.5 if fate == "late" else 0) + copy * 3.2, number)
        for number, (position, fate) in enumerate(zip(range(len(fates)), fates, strict=True))
        for copy in range(0 if fate == "lost" else 2 if fate == "twice" else 1)
    )
    missing, naive = NackList(), Naive()
    highest = -1
    # A thousandth of a second a packet; ends when nothing can be due any more.
    moments = [(at / 128, number) for at, number in arriving]
    moments += [(at / 64, -1) for at in range(200)]
    for now, number in sorted(moments):
        if number > highest:
            if number > highest + 1:
                missing.gap(highest + 1, number, now)
                naive.noticed.update(dict.fromkeys(range(highest + 1, number), now))
            highest = number
        elif number >= 0:
            was = number in naive.noticed and number not in naive.over
            assert missing.arrived(number, now) is was
            naive.over.add(number)
        known = missing.round_trip
        wait = RETRY_SECONDS if known is None else max(RETRY_LEAST, known * 1.25)
        assert missing.due(now) == naive.due(now, wait)
        assert len(missing) == len(set(naive.noticed) - naive.over)
    assert missing.next() is None
