"""REST: what trends; one's account taken away, and deleted."""

from typing import Any

from plaza_client.rest_requests import Requests, shaped
from protocol.exports import Export
from protocol.trends import PostTrend, Span, TagTrend


class AccountRequests(Requests):
    """The requests about trends, exports and the end of one's account. Part of Rest."""

    async def trending_tags(self, span: Span = Span.DAY, *, limit: int = 20) -> list[TagTrend]:
        """The hashtags that trend, the strongest first; 50 at most."""
        return shaped(await self._trends("tags", span, limit), list[TagTrend])

    async def trending_posts(self, span: Span = Span.DAY, *, limit: int = 20) -> list[PostTrend]:
        """The posts that trend and that one may see, the strongest first; 50 at most."""
        return shaped(await self._trends("posts", span, limit), list[PostTrend])

    async def request_export(self) -> Export:
        """Have everything that is kept of one's account put into a zip; `export` says when."""
        return shaped(await self._call("POST", "/me/exports"), Export)

    async def export(self, export: int) -> Export:
        """How far an export is, and where it is fetched. Raises PlazaRefused not_found."""
        return shaped(await self._call("GET", f"/me/exports/{export}"), Export)

    async def delete_account(self, password: str) -> None:
        """Delete one's account, for good. Raises PlazaRefused invalid_credentials."""
        await self._call("DELETE", "/me", {"password": password})

    async def _trends(self, kind: str, span: Span, limit: int) -> Any:
        answer = await self._call(
            "GET", f"/trends/{kind}", params={"span": span.value, "limit": limit}
        )
        return answer["items"]
