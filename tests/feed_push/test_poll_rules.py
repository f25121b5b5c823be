"""feed_push/poll_rules.py: what a vote may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed_push.poll_rules import check_vote
from protocol.errors import BAD_REQUEST, PlazaError


@given(
    st.lists(st.integers(-2, 7), max_size=7),
    st.integers(2, 6),
    st.booleans(),
)
def test_a_vote_is_some_of_the_options_each_once(
    options: list[int], count: int, multiple: bool
) -> None:
    fits = (
        1 <= len(options) <= (count if multiple else 1)
        and len(set(options)) == len(options)
        and set(options) <= set(range(count))
    )
    if fits:
        check_vote(options, count=count, multiple=multiple)
    else:
        with pytest.raises(PlazaError) as refusal:
            check_vote(options, count=count, multiple=multiple)
        assert refusal.value.spec is BAD_REQUEST
