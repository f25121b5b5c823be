"""media/retransmission.py; tests/media/test_subscription.py has what is sent."""

from media.retransmission import (
    ALLOWANCE,
    ALLOWANCE_A_SECOND,
    LEAST_WAIT,
    REMEMBERED,
    Retransmission,
    may_vary,
    with_original,
)
from media.rtp import original
from tests.media.watching import audio_section, video_section


def new() -> Retransmission:
    return Retransmission(video_section())


def test_a_packet_is_not_sent_again_before_it_can_have_come() -> None:
    judge = new()
    assert judge.allows(7, 1000, 10.0, 0.2)
    assert not judge.allows(7, 1000, 10.1, 0.2)
    assert judge.allows(8, 1000, 10.1, 0.2)
    assert judge.allows(7, 1000, 10.2, 0.2)


def test_without_a_round_trip_a_moment_is_enough() -> None:
    judge = new()
    assert judge.allows(7, 1000, 10.0, None)
    assert not judge.allows(7, 1000, 10.0 + LEAST_WAIT / 2, None)
    assert judge.allows(7, 1000, 10.001 + LEAST_WAIT, None)


def test_who_asks_for_everything_gets_an_allowance() -> None:
    judge = new()
    sent = sum(judge.allows(number, 1000, 10.0, None) for number in range(2000))
    assert sent == ALLOWANCE // 1000
    later = sum(judge.allows(number, 1000, 10.5, None) for number in range(2000, 4000))
    assert later == ALLOWANCE_A_SECOND // 2 // 1000


def test_what_is_remembered_is_bounded() -> None:
    judge = new()
    for number in range(3 * REMEMBERED):
        judge.allows(number, 1, number, None)
    assert len(judge._sent) == REMEMBERED


def test_a_header_may_vary_where_no_number_is_used_twice() -> None:
    assert may_vary(video_section())
    assert not may_vary(video_section(rtx=False))
    assert may_vary(audio_section())  # without NACK nothing is sent again


def test_a_retransmission_says_what_it_repeats() -> None:
    assert original(with_original(65_536 + 5, b"payload")) == (5, b"payload")


def test_its_own_numbers_begin_where_srtp_wants_them() -> None:
    judge = new()
    first = judge.number()
    assert 0 <= first < 1 << 15
    assert judge.number() == first + 1
