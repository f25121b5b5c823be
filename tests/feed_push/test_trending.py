"""What trends: the worked example of docs/feed.md, and what must hold of any usage."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed_push.trending import (
    LEAST_ACCOUNTS,
    SLICES,
    WINDOWS,
    Usage,
    freshness_of,
    ranked,
    slice_bounds,
    trend_of,
    window_bounds,
    windows_since,
)
from protocol.trends import Span

NOW = 1_800_000_000_000
HOUR = 3_600_000

slices = st.lists(st.integers(0, 1000), min_size=SLICES, max_size=SLICES)


def usage(
    name: str = "looms", *, recent: dict[int, int], before: int = 0, windows: int = 24
) -> Usage:
    """Accounts by slice, 0: the newest."""
    counts = [recent.get(index, 0) for index in range(SLICES)]
    return Usage(name=name, recent=counts, before=before, windows=windows)


def names(*usages: Usage) -> Sequence[str]:
    return [trend.name for trend in ranked(usages, Span.HOUR, NOW, limit=10)]


def test_the_worked_example() -> None:
    trend = trend_of(usage(recent={0: 8, 6: 8}, before=48), Span.HOUR, NOW)
    assert trend is not None
    assert trend.why.accounts == 16
    assert trend.why.expected == 4.0
    assert trend.why.ratio == 4.0
    assert trend.why.freshness == 0.557
    assert trend.why.since == "2027-01-15T07:00:00.000Z"
    assert trend.score == pytest.approx(3.341, abs=0.001)


def test_a_burst_beats_steady_volume() -> None:
    steady = usage("steady", recent=dict.fromkeys(range(SLICES), 100), before=24 * 1190)
    burst = usage("burst", recent={0: 20, 1: 20}, before=0)
    assert names(steady, burst) == ["burst", "steady"]


def test_what_is_as_it_always_was_does_not_trend() -> None:
    assert trend_of(usage(recent={0: 50, 1: 50}, before=24 * 100), Span.HOUR, NOW) is None


def test_too_few_accounts_do_not_trend() -> None:
    few = usage(recent={0: LEAST_ACCOUNTS - 1})
    enough = usage(recent={0: LEAST_ACCOUNTS})
    assert trend_of(few, Span.HOUR, NOW) is None
    assert trend_of(enough, Span.HOUR, NOW) is not None


def test_of_equal_bursts_the_younger_one_leads() -> None:
    assert names(usage("old", recent={9: 30}), usage("young", recent={1: 30})) == ["young", "old"]


def test_a_quarter_of_the_span_halves_freshness() -> None:
    quarter = SLICES // 4
    for index in range(SLICES - quarter):
        now, later = [0] * SLICES, [0] * SLICES
        now[index], later[index + quarter] = 7, 7
        assert freshness_of(later) == pytest.approx(freshness_of(now) / 2)


def test_equal_scores_are_in_the_order_of_names() -> None:
    same = {"recent": {0: 9}}
    assert names(usage("b", **same), usage("c", **same), usage("a", **same)) == ["a", "b", "c"]


@given(slices, st.integers(0, 10**6), st.integers(0, 24), st.integers(0, SLICES - 1))
def test_one_more_account_never_harms(
    recent: list[int], before: int, windows: int, where: int
) -> None:
    more = [n + (index == 0) for index, n in enumerate(recent)]
    one = trend_of(Usage(name="a", recent=recent, before=before, windows=windows), Span.DAY, NOW)
    two = trend_of(Usage(name="a", recent=more, before=before, windows=windows), Span.DAY, NOW)
    assert one is None or (two is not None and two.score > one.score)


@given(slices, st.integers(0, 10**6), st.integers(1, 24))
def test_a_score_is_what_its_reason_says(recent: list[int], before: int, windows: int) -> None:
    trend = trend_of(Usage(name="a", recent=recent, before=before, windows=windows), Span.DAY, NOW)
    if trend is not None:
        why = trend.why
        assert trend.score > 0
        assert 0 < why.freshness <= 1
        said = (why.accounts - why.expected) / why.expected**0.5 * why.freshness
        assert trend.score == pytest.approx(said, rel=0.05, abs=0.05)


@pytest.mark.parametrize("span", Span)
def test_windows_lie_before_the_span_and_slices_within(span: Span) -> None:
    windows, inner = window_bounds(span, NOW), slice_bounds(span, NOW)
    start = NOW - span.milliseconds
    assert windows[-1] == start
    assert {b - a for a, b in pairwise(windows)} == {span.milliseconds}
    assert len(windows) == WINDOWS[span] + 1
    assert len(inner) == SLICES - 1
    assert start < inner[0]
    assert inner[-1] < NOW
    assert sorted(inner) == inner


@pytest.mark.parametrize(
    ("age_hours", "windows"), [(0.5, 0), (1, 0), (1.5, 1), (2, 1), (2.5, 2), (25, 24), (500, 24)]
)
def test_what_is_young_has_few_windows_behind_it(age_hours: float, windows: int) -> None:
    assert windows_since(NOW - int(age_hours * HOUR), Span.HOUR, NOW) == windows
