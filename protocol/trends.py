"""What many talk about at the moment, and why it is said that they do."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from protocol.posts import Post
from protocol.records import Record, Time


class Span(StrEnum):
    """The time that is looked at, up to now."""

    HOUR = "1h"
    DAY = "24h"
    WEEK = "7d"

    @property
    def milliseconds(self) -> int:
        """Its length."""
        return _HOURS[self] * 3_600_000


_HOURS = {Span.HOUR: 1, Span.DAY: 24, Span.WEEK: 7 * 24}


class TrendReason(Record, frozen=True):
    """Why something trends: its score is (accounts - expected) / sqrt(expected) * freshness.

    Attributes:
        accounts: how many different ones took part since `since`.
        expected: how many would have, if it were as it was before.
        ratio: accounts / expected.
        freshness: 1 if all of them took part just now, falling as that becomes long ago.
    """

    accounts: int
    expected: float
    ratio: float
    freshness: Annotated[float, Meta(ge=0, le=1)]
    since: Time


class TagTrend(Record, frozen=True):
    """A hashtag that trends, without its #."""

    tag: str
    score: float
    why: TrendReason


class PostTrend(Record, frozen=True):
    """A post that trends."""

    post: Post
    score: float
    why: TrendReason
