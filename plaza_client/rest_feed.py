"""REST: the home feed."""

from typing import Any

from plaza_client.rest_posts import PostPage
from plaza_client.rest_requests import Requests, shaped
from protocol.posts import FeedOrder

MOST = 100


class FeedRequests(Requests):
    """The request about the home feed. Part of Rest."""

    async def feed(
        self,
        order: FeedOrder | str = FeedOrder.LATEST,
        *,
        cursor: str | None = None,
        limit: int = 20,
    ) -> PostPage:
        """What one has published, and those whom one follows.

        Args:
            order: latest or ranked.
            cursor: the next_cursor of the page before, of the same order; None: the first page.
            limit: posts at most, up to 100.

        Raises:
            PlazaRefused: bad_request: the ranked order of the first page is not kept any more.
        """
        params: dict[str, Any] = {"order": order, "limit": min(limit, MOST)}
        if cursor is not None:
            params["cursor"] = cursor
        return shaped(await self._call("GET", "/feed", params=params), PostPage)
