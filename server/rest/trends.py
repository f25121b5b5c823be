"""/trends: what many talk about at the moment."""

from typing import Annotated

from litestar import Controller, get
from litestar.params import QueryParameter

from protocol.trends import Span
from server.rest.errors import refusals
from server.rest.trends_bodies import PostTrends, TagTrends
from server.rest.wire import Injected
from server.tokens import Claims
from server.trends import Trends

SpanParameter = Annotated[Span, QueryParameter(description="The time up to now")]
ListLength = Annotated[int, QueryParameter(ge=1, le=50, description="How many at most")]


class TrendLists(Controller):
    """Hashtags and posts that trend."""

    path = "/trends"
    tags = ["posts"]

    @get(
        "/tags",
        summary="Show the hashtags that trend",
        description="By how many more accounts have used them in public posts than was to be "
        "expected; `why` has the numbers. Refreshed every minute for `1h`, every ten for the rest.",
        responses=refusals(),
    )
    async def trending_tags(
        self, trends: Injected[Trends], span: SpanParameter = Span.DAY, limit: ListLength = 20
    ) -> TagTrends:
        """Show the hashtags."""
        return TagTrends(items=await trends.tags(span, limit=limit))

    @get(
        "/posts",
        summary="Show the posts that trend",
        description="By how many more accounts have liked, commented or shared them than was to "
        "be expected; `why` has the numbers. Posts of accounts that one has blocked or muted, or "
        "that have blocked one, are left out.",
        responses=refusals(),
    )
    async def trending_posts(
        self,
        caller: Injected[Claims],
        trends: Injected[Trends],
        span: SpanParameter = Span.DAY,
        limit: ListLength = 20,
    ) -> PostTrends:
        """Show the posts."""
        return PostTrends(items=await trends.posts(caller.account, span, limit=limit))
