"""What trends: what more accounts take part in than was to be expected.

Counted are different accounts and never uses, so that nobody makes a trend alone, however often
they post. The expected number is what the same name had before, on average of `WINDOWS` windows as
long as the span, plus `PRIOR` accounts: of something new nothing is known, and the first who use it
are no surprise yet. The surprise is measured in standard deviations of a Poisson variable, which
makes a name that always has a thousand accounts and one that never had any comparable:

    expected  = before / windows + PRIOR
    freshness = average over the accounts of 2 ** -(time since each last took part / half-life)
    score     = (accounts - expected) / sqrt(expected) * freshness

The half-life is a quarter of the span. docs/feed.md has a worked example. Of the same family:
Mastodon's `(observed - expected) ** 2 / expected` with a floor of 1 for what is expected, and a
half-life (app/models/trends/tags.rb).
"""

from collections.abc import Iterable, Sequence
from math import sqrt

from msgspec import Struct

from protocol.times import from_ms, rfc3339
from protocol.trends import Span, TrendReason

SLICES = 12
"""Of a span: how exactly it is known when accounts took part."""

HALF_LIVES = 4
"""Of a span."""

LEAST_ACCOUNTS = 3
"""Fewer make no trend."""

PRIOR = 2.0
"""Accounts that are expected of everything."""

WINDOWS = {Span.HOUR: 24, Span.DAY: 7, Span.WEEK: 4}
"""How many windows of a span's length, right before it, show what is to be expected."""


class Usage(Struct, frozen=True, kw_only=True):
    """How one name, a hashtag or a post, was used.

    Attributes:
        recent: accounts that took part in the span, by the slice in which each did so last, the
            newest slice first.
        before: accounts that took part in each window before, added up.
        windows: how many windows before there were; for what is younger than the first: fewer.
    """

    name: str
    recent: Sequence[int]
    before: int
    windows: int


class Trend(Struct, frozen=True):
    """A name and its score."""

    name: str
    score: float
    why: TrendReason


def trend_of(usage: Usage, span: Span, now_ms: int) -> Trend | None:
    """Judge how a name was used; None: it does not trend.

    Args:
        usage: up to `now_ms`, Unix time in milliseconds.
    """
    accounts = sum(usage.recent)
    expected = PRIOR + (usage.before / usage.windows if usage.windows else 0.0)
    if accounts < LEAST_ACCOUNTS or accounts <= expected:
        return None
    freshness = freshness_of(usage.recent)
    why = TrendReason(
        accounts=accounts,
        expected=round(expected, 2),
        ratio=round(accounts / expected, 2),
        freshness=round(freshness, 3),
        since=rfc3339(from_ms(now_ms - span.milliseconds)),
    )
    return Trend(usage.name, (accounts - expected) / sqrt(expected) * freshness, why)


def freshness_of(recent: Sequence[int]) -> float:
    """How fresh the accounts of a span's slices are, the newest slice first: above 0, up to 1."""
    weights = (2 ** -((index + 0.5) / SLICES * HALF_LIVES) for index in range(SLICES))
    return sum(n * weight for n, weight in zip(recent, weights, strict=True)) / sum(recent)


def ranked(usages: Iterable[Usage], span: Span, now_ms: int, *, limit: int) -> list[Trend]:
    """The trends among names, the strongest first.

    Args:
        limit: how many at most.
    """
    trends = [trend for usage in usages if (trend := trend_of(usage, span, now_ms))]
    # By name where scores are equal, so that lists do not flicker.
    return sorted(trends, key=lambda trend: (-trend.score, trend.name))[:limit]


def slice_bounds(span: Span, now_ms: int) -> list[int]:
    """The times, in Unix milliseconds, between the slices of a span: ascending."""
    start = now_ms - span.milliseconds
    return [start + span.milliseconds * index // SLICES for index in range(1, SLICES)]


def window_bounds(span: Span, now_ms: int) -> list[int]:
    """The times, in Unix milliseconds, at which windows begin: ascending; the last is the span's.

    The windows before it are those between two of these times.
    """
    count = WINDOWS[span]
    return [now_ms - span.milliseconds * (index + 1) for index in range(count, -1, -1)]


def windows_since(born_ms: int, span: Span, now_ms: int) -> int:
    """How many of the windows before a span something has lived in that began at a time."""
    age = now_ms - span.milliseconds - born_ms
    return max(0, min(WINDOWS[span], -(-age // span.milliseconds)))
