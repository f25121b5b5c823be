"""REST: live streams, found and made. They are published and watched by WebRTC."""

from typing import Any
from uuid import uuid4

from msgspec import UNSET, Struct, UnsetType

from plaza_client.rest_requests import PAGE, Requests, shaped
from protocol.posts import Visibility
from protocol.streams import LiveOrder, Stream, StreamHealth


class PublishAccess(Struct, frozen=True):
    """Where and with what a stream is published.

    Attributes:
        publish_url: the WHIP endpoint, a path on the server.
        stream_key: the bearer token there. It is not shown again.
    """

    publish_url: str
    stream_key: str


class NewStream(Stream, frozen=True, kw_only=True):
    """A stream that has just been made.

    Attributes:
        publish_url, stream_key: as of `PublishAccess`.
    """

    publish_url: str
    stream_key: str


class StreamPage(Struct, frozen=True):
    """A part of a list of streams.

    Attributes:
        items: the streams.
        next_cursor: for the next part; None: that was all.
    """

    items: list[Stream]
    next_cursor: str | None = None


class StreamRequests(Requests):
    """The requests about streams. Part of Rest."""

    async def create_stream(
        self,
        title: str,
        *,
        description: str = "",
        category: str = "",
        visibility: Visibility | str = Visibility.PUBLIC,
        thumbnail: int | None = None,
        key: str | None = None,
    ) -> NewStream:
        """Make a stream and its chat.

        Args:
            thumbnail: an upload of one's own that is ready: an image.
            key: the owner's own name for this; a repeat with it gets the stream that is there, and
                another stream key for it.

        Raises:
            PlazaRefused: bad_request, forbidden (one has as many as one may), and others.
        """
        body: dict[str, Any] = {
            "title": title,
            "description": description,
            "category": category,
            "visibility": visibility,
        }
        if thumbnail is not None:
            body["thumbnail"] = str(thumbnail)
        headers = {"Idempotency-Key": key or uuid4().hex}
        return shaped(await self._call("POST", "/streams", body, headers=headers), NewStream)

    async def change_stream(
        self,
        stream: int,
        *,
        title: str | UnsetType = UNSET,
        description: str | UnsetType = UNSET,
        category: str | UnsetType = UNSET,
        visibility: Visibility | str | UnsetType = UNSET,
        thumbnail: int | UnsetType | None = UNSET,
    ) -> Stream:
        """Change a stream: what is left out stays; a thumbnail of None goes.

        Raises:
            PlazaRefused: not_found, forbidden, bad_request, and others.
        """
        fields: dict[str, Any] = {
            "title": title,
            "description": description,
            "category": category,
            "visibility": visibility,
            "thumbnail": str(thumbnail) if isinstance(thumbnail, int) else thumbnail,
        }
        given = {name: value for name, value in fields.items() if value is not UNSET}
        return shaped(await self._call("PATCH", f"/streams/{stream}", given), Stream)

    async def rotate_stream_key(self, stream: int) -> PublishAccess:
        """Give a stream another key; what is published with the one before ends.

        Raises:
            PlazaRefused: not_found, forbidden.
        """
        return shaped(await self._call("POST", f"/streams/{stream}/key"), PublishAccess)

    async def end_stream(self, stream: int) -> Stream:
        """End a stream that is on, one's own or, as a moderator, anybody's.

        Raises:
            PlazaRefused: not_found, forbidden.
        """
        return shaped(await self._call("POST", f"/streams/{stream}/end"), Stream)

    async def delete_stream(self, stream: int) -> None:
        """Delete a stream, one's own or, as a moderator, anybody's. Raises PlazaRefused."""
        await self._call("DELETE", f"/streams/{stream}")

    async def stream(self, stream: int) -> Stream:
        """A stream. Raises PlazaRefused not_found."""
        return shaped(await self._call("GET", f"/streams/{stream}"), Stream)

    async def stream_health(self, stream: int) -> StreamHealth:
        """How a stream of one's own is: what comes from its publisher, and what is wrong with it.

        Raises:
            PlazaRefused: not_found, forbidden.
        """
        return shaped(await self._call("GET", f"/streams/{stream}/health"), StreamHealth)

    async def live_streams(
        self,
        order: LiveOrder | str = LiveOrder.VIEWERS,
        *,
        category: str | None = None,
        followed: bool = False,
        cursor: str | None = None,
        limit: int = 50,
    ) -> StreamPage:
        """The streams that are live and that one may see. Without a login: that everybody may.

        Args:
            order: viewers: those that most watch first; newest: those that went live last.
            category: those of it alone.
            followed: those of accounts alone that one follows.
            cursor: the next_cursor of the page before, of the same order; None: the first page.
            limit: streams at most, up to 200.
        """
        params: dict[str, Any] = {"order": order, "limit": min(limit, PAGE)}
        if category is not None:
            params["category"] = category
        if followed:
            params["followed"] = "true"
        if cursor is not None:
            params["cursor"] = cursor
        return shaped(await self._call("GET", "/streams", params=params), StreamPage)

    async def own_streams(self) -> list[Stream]:
        """One's streams, on or not, the newest first."""
        return shaped(await self._all("/me/streams"), list[Stream])
