"""What /trends gives."""

from msgspec import Struct

from protocol.trends import PostTrend, TagTrend


class TagTrends(Struct, frozen=True, kw_only=True):
    """Hashtags, the strongest trend first."""

    items: list[TagTrend]


class PostTrends(Struct, frozen=True, kw_only=True):
    """Posts, the strongest trend first."""

    items: list[PostTrend]
