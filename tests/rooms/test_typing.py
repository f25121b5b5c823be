"""Who is writing: what is announced, and how long it is remembered."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from protocol.ids import Id
from rooms.typing import HOLDS_MS, INTERVAL_MS, TypingThrottle

ADA, BOB, ROOM, OTHER = Id(1), Id(2), Id(11), Id(12)


def announced(throttle: TypingThrottle, now: int, *, active: bool = True) -> bool:
    return throttle.may_announce(ADA, ROOM, None, active=active, now=now)


def test_once_in_an_interval() -> None:
    throttle = TypingThrottle()
    moments = [now for now in range(0, 10_000, 500) if announced(throttle, now)]
    assert moments == [0, INTERVAL_MS, 2 * INTERVAL_MS, 3 * INTERVAL_MS]


def test_each_place_and_person_by_itself() -> None:
    throttle = TypingThrottle()
    for account, room, thread in ((ADA, ROOM, None), (BOB, ROOM, None), (ADA, OTHER, None)):
        assert throttle.may_announce(account, room, thread, active=True, now=0)
    assert throttle.may_announce(ADA, ROOM, 7, active=True, now=0)
    assert not throttle.may_announce(ADA, ROOM, 7, active=True, now=1)


def test_the_end_is_announced_at_once_if_there_is_something_to_end() -> None:
    throttle = TypingThrottle()
    assert not announced(throttle, 0, active=False)
    assert announced(throttle, 0)
    assert announced(throttle, 1, active=False)
    assert not announced(throttle, 2, active=False)
    # Whoever goes on and off is not announced more often than whoever goes on.
    assert not announced(throttle, 3)
    assert not announced(throttle, 4, active=False)
    assert announced(throttle, INTERVAL_MS)


def test_what_has_expired_has_no_end() -> None:
    throttle = TypingThrottle()
    assert announced(throttle, 0)
    assert not announced(throttle, HOLDS_MS, active=False)


def test_it_forgets_by_itself() -> None:
    throttle = TypingThrottle()
    for account in range(1, 1_001):
        throttle.may_announce(Id(account), ROOM, None, active=account % 2 == 0, now=account)
    assert len(throttle) == 500
    assert announced(throttle, 1_000 + HOLDS_MS)
    assert len(throttle) == 1


def test_a_clock_that_is_set_back_does_no_harm() -> None:
    throttle = TypingThrottle()
    assert announced(throttle, 1_000_000)
    assert announced(throttle, 0)


WORDS = st.lists(
    st.tuples(st.sampled_from([ADA, BOB]), st.booleans(), st.integers(0, 4_000)), max_size=60
)


@given(WORDS)
def test_whatever_is_said(words: list[tuple[Id, bool, int]]) -> None:
    """What a listener believes is what was said, but for what is said too often."""
    throttle = TypingThrottle()
    now = 0
    starts: dict[Id, list[int]] = {ADA: [], BOB: []}
    believed: dict[Id, int] = {}  # until when
    for account, active, pause in words:
        now += pause
        told = throttle.may_announce(account, ROOM, None, active=active, now=now)
        writes = believed.get(account, 0) > now
        if active and told:
            starts[account].append(now)
            believed[account] = now + HOLDS_MS
        elif not active:
            assert told is writes
            believed.pop(account, None)
    for moments in starts.values():
        assert all(after - before >= INTERVAL_MS for before, after in pairwise(moments))
