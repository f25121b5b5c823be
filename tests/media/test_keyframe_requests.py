"""Requests for keyframes, made into few."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from media.keyframe_requests import EVERY_SECONDS, SELDOM_SECONDS, TRIES, KeyframeRequests


def test_nobody_wants_one_at_first() -> None:
    requests = KeyframeRequests()
    assert requests.next() is None
    assert not requests.due(100.0)


def test_many_who_want_one_are_one_request() -> None:
    requests = KeyframeRequests()
    assert requests.want()
    assert not requests.want()
    assert requests.due(10.0)
    assert not requests.due(10.1)
    requests.arrived()
    assert requests.next() is None
    requests.want()
    assert not requests.due(10.2)
    assert requests.next() == 10.0 + EVERY_SECONDS
    assert requests.due(10.0 + EVERY_SECONDS)


def test_it_is_repeated_and_seldom_in_the_end() -> None:
    requests = KeyframeRequests()
    requests.want()
    asked = [0.0]
    requests.due(0.0)
    for _ in range(12):
        when = requests.next()
        assert when is not None
        assert requests.due(when)
        asked.append(when)
    waits = [later - earlier for earlier, later in pairwise(asked)]
    assert waits[:TRIES] == [EVERY_SECONDS] * TRIES
    assert waits == sorted(waits)
    assert waits[-1] == SELDOM_SECONDS
    assert requests.number == 0, "a repetition has the number of what it repeats"
    requests.arrived()
    requests.want()
    assert (requests.number, requests.tries) == (1, 0)


@given(st.lists(st.tuples(st.sampled_from(["want", "arrived", "look"]), st.floats(0, 1))))
def test_never_more_often_than_that(steps: list[tuple[str, float]]) -> None:
    requests = KeyframeRequests()
    now, asked = 0.0, []
    for step, wait in steps:
        now += wait
        if step == "want":
            requests.want()
        elif step == "arrived":
            requests.arrived()
        if requests.due(now):
            asked.append(now)
    assert all(later - earlier >= EVERY_SECONDS - 1e-9 for earlier, later in pairwise(asked))
    assert requests.made == len(asked)
