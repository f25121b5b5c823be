"""feed_push/activity.py: whose timelines are filled."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from feed_push.activity import MARGIN, filled_since, is_to_be_noted, passed_over_before

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_looks_are_noted_to_the_hour() -> None:
    assert is_to_be_noted(None, NOW)
    assert not is_to_be_noted(NOW - timedelta(minutes=59), NOW)
    assert is_to_be_noted(NOW - timedelta(hours=1), NOW)
    assert not is_to_be_noted(NOW + timedelta(seconds=5), NOW)


@given(days=st.integers(1, 3650), seconds=st.integers(0, 3600), looked=st.integers(0, 10**9))
def test_who_is_taken_to_have_a_timeline_was_not_passed_over_up_to_then(
    days: int, seconds: int, looked: int
) -> None:
    """Whatever the clocks of the two say, as long as they differ by no more than the margin."""
    looked_at = NOW - timedelta(seconds=looked)
    delivered = NOW + timedelta(seconds=seconds)
    assert timedelta(seconds=seconds) <= MARGIN
    if looked_at >= filled_since(NOW, active_days=days):
        assert looked_at >= passed_over_before(delivered, active_days=days)
