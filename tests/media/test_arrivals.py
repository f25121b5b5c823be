"""What a publisher is told of the arrivals of its packets."""

from hypothesis import given, settings
from hypothesis import strategies as st

from media import rtcp
from media.arrivals import MOST_WAITING, REMEMBERED, Arrivals
from media.twcc import TransportFeedback


def add(arrivals: Arrivals, number: int, now: float) -> None:
    arrivals.waiting.append(((number & 0xFFFF).to_bytes(2, "big"), now))


def told(arrivals: Arrivals) -> list[tuple[int, float | None]]:
    """As it is read from the wire."""
    messages = rtcp.parse(rtcp.compound(arrivals.told(1, 2)))
    found: list[tuple[int, float | None]] = []
    for message in messages:
        assert isinstance(message, TransportFeedback)
        found += message.arrivals()
    return found


def test_nothing_is_told_of_nothing() -> None:
    assert Arrivals().told(1, 2) == []


def test_what_came_and_what_did_not() -> None:
    arrivals = Arrivals()
    for number, now in ((65534, 1.0), (65535, 1.01), (2, 1.05)):
        add(arrivals, number, now)
    assert told(arrivals) == [(65534, 1.0), (65535, 1.01), (0, None), (1, None), (2, 1.05)]


def test_each_time_what_is_new() -> None:
    arrivals = Arrivals()
    add(arrivals, 5, 1.0)
    assert told(arrivals) == [(5, 1.0)]
    add(arrivals, 7, 1.5)
    assert told(arrivals) == [(6, None), (7, 1.5)]
    assert arrivals.told(1, 2) == []


def test_of_one_that_comes_late_the_others_are_not_called_lost() -> None:
    arrivals = Arrivals()
    for number in (5, 7, 8):
        add(arrivals, number, number / 4)
    told(arrivals)
    add(arrivals, 6, 3.0)
    assert dict(told(arrivals)) == {6: 3.0, 7: 1.75, 8: 2.0}


def test_feedbacks_are_numbered() -> None:
    arrivals = Arrivals()
    counts = []
    for number in range(300):
        add(arrivals, number, number / 10)
        counts += [message.count for message in arrivals.told(1, 2)]
    assert counts == [number & 255 for number in range(300)]


def test_a_malformed_number_is_passed_over() -> None:
    arrivals = Arrivals()
    arrivals.waiting += [(b"", 1.0), (b"\x01", 1.0)]
    assert arrivals.told(1, 2) == []


# Steps between the numbers of packets that come, in groups that are told together.
GROUPS = st.lists(
    st.lists(st.integers(-40, 30) | st.integers(-0x8000, 0x7FFF), min_size=1, max_size=40),
    max_size=12,
)


@given(st.integers(0, 0xFFFF), GROUPS)
@settings(max_examples=80)
def test_what_is_told_is_what_was_seen(first: int, groups: list[list[int]]) -> None:
    arrivals = Arrivals()
    number, now = 0x10000 + first, 0.0
    highest = number
    seen: dict[int, float] = {}
    for steps in groups:
        for step in steps:
            number = highest + step if seen else number
            now += 0.25
            add(arrivals, number, now)
            highest = max(highest, number)
            if number > highest - REMEMBERED:
                seen.setdefault(number, now)
        found = told(arrivals)
        for value, arrival in found:
            true = highest + ((value - highest + 0x8000) % 0x10000) - 0x8000
            assert arrival == seen.get(true)
        assert len(found) <= REMEMBERED
    assert len(arrivals._seen) <= 2 * REMEMBERED + MOST_WAITING
