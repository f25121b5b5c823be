"""/feed: one's home timeline."""

from typing import Annotated

from litestar import Controller, get
from litestar.params import QueryParameter

from protocol.posts import FeedOrder
from server.rest.cursors import cursor_after, cursor_in_ranking, position_of, ranked_place
from server.rest.engagement_bodies import PostPage
from server.rest.errors import refusals
from server.rest.parameters import Cursor
from server.rest.wire import Injected
from server.timelines import Timelines
from server.tokens import Claims

Order = Annotated[
    FeedOrder,
    QueryParameter(
        description="`latest`: the newest first; `ranked`: by what one is likely to read"
    ),
]
FeedLimit = Annotated[int, QueryParameter(ge=1, le=100, description="How many at most")]


class HomeFeed(Controller):
    """What one and those whom one follows have published."""

    path = "/feed"
    tags = ["posts"]

    @get(
        summary="Read one's home feed",
        description="What one has published, and those whom one follows, but for what one may not "
        "see and for muted accounts and shares of their posts. Whatever is published between two "
        "pages, nothing is skipped and nothing comes twice. The order `ranked` is made with the "
        "first page, of the newest 500 posts, and kept for a day; older ones follow, the newest "
        "first. A cursor is good for the order that it came with. A page may be short, or empty, "
        "and yet not the last.",
        responses=refusals(),
    )
    async def read_feed(
        self,
        caller: Injected[Claims],
        timelines: Injected[Timelines],
        order: Order = FeedOrder.LATEST,
        cursor: Cursor = None,
        limit: FeedLimit = 20,
    ) -> PostPage:
        """Read the home feed."""
        if order is FeedOrder.RANKED:
            ranked = await timelines.ranked(caller.account, at=ranked_place(cursor), limit=limit)
            return PostPage(items=ranked.posts, next_cursor=cursor_in_ranking(ranked.after))
        page = await timelines.latest(
            caller.account, before=position_of(cursor) or None, limit=limit
        )
        return PostPage(items=page.posts, next_cursor=cursor_after(page.after))
