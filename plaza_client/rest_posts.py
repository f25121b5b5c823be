"""REST: posts, and lists of them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypedDict, Unpack
from urllib.parse import quote
from uuid import uuid4

from msgspec import UNSET, Struct, UnsetType

from plaza_client.rest_requests import PAGE, Requests, shaped
from protocol.posts import Post, PostStatus, PostType, PostVersion, Visibility
from protocol.times import rfc3339


class PostPage(Struct, frozen=True):
    """A part of a list of posts.

    Attributes:
        items: the posts. They may be few, or none, and yet not the last ones.
        next_cursor: for the next part; None: that was all.
    """

    items: list[Post]
    next_cursor: str | None = None


class NewPoll(Struct, frozen=True, kw_only=True):
    """A question with 2 to 6 answers.

    Attributes:
        multiple: several may be chosen.
        closes_at: until when it is open; aware.
        seconds: or for how long from when it is published. Neither: for good.
    """

    options: Sequence[str]
    multiple: bool = False
    closes_at: datetime | None = None
    seconds: int | None = None


class PostFields(TypedDict, total=False):
    """What a post may have besides its content.

    Attributes:
        type: text, the default, image, video, link or poll.
        visibility: public, the default, followers, friends or private.
        status: published, the default, draft or scheduled.
        publish_at: of a scheduled one; aware.
        warning: shown before the content.
        link: of type link.
        media: uploads that are ready, of type image or video.
        poll: of type poll.
        shared: a post to quote.
    """

    type: PostType | str
    visibility: Visibility | str
    status: PostStatus | str
    publish_at: datetime | None
    warning: str | None
    link: str | None
    media: Iterable[int]
    poll: NewPoll | None
    shared: int | None


class PostRequests(Requests):
    """The requests about posts. Part of Rest."""

    # --- writing ---------------------------------------------------------------------------------

    async def create_post(
        self, content: str = "", *, key: str | None = None, **fields: Unpack[PostFields]
    ) -> Post:
        """Write a post; with a `key` used before, the post that was written with it is returned.

        Args:
            key: the author's own name for this post.
            fields: what it has besides its content.

        Raises:
            PlazaRefused: bad_request, not_found, forbidden, nonce_conflict, and others.
        """
        given = {name: _plain(value) for name, value in fields.items() if value is not None}
        headers = {"Idempotency-Key": key or uuid4().hex}
        body = {"type": PostType.TEXT, "content": content, **given}
        return shaped(await self._call("POST", "/posts", body, headers=headers), Post)

    async def edit_post(
        self,
        post: int,
        *,
        content: str | UnsetType = UNSET,
        warning: str | UnsetType | None = UNSET,
        link: str | UnsetType = UNSET,
        media: Iterable[int] | UnsetType = UNSET,
        visibility: Visibility | str | UnsetType = UNSET,
        status: PostStatus | str | UnsetType = UNSET,
        publish_at: datetime | UnsetType = UNSET,
    ) -> Post:
        """Change a post: what is left out stays; a warning of None goes.

        Args:
            status: of a draft published or scheduled, for moderators under_review and flagged.

        Raises:
            PlazaRefused: not_found, forbidden, bad_request, and others.
        """
        fields = {
            "content": content,
            "warning": warning,
            "link": link,
            "media": media,
            "visibility": visibility,
            "status": status,
            "publish_at": publish_at,
        }
        given = {name: _plain(value) for name, value in fields.items() if value is not UNSET}
        return shaped(await self._call("PATCH", f"/posts/{post}", given), Post)

    async def delete_post(self, post: int) -> None:
        """Delete a post, one's own or, as a moderator, anybody's. Raises PlazaRefused."""
        await self._call("DELETE", f"/posts/{post}")

    async def share_post(self, post: int) -> Post:
        """Share a post without a text, once; returns the share. Raises PlazaRefused."""
        return shaped(await self._call("POST", f"/posts/{post}/share"), Post)

    async def unshare_post(self, post: int) -> None:
        """Share a post no longer; quotes stay."""
        await self._call("DELETE", f"/posts/{post}/share")

    # --- reading ---------------------------------------------------------------------------------

    async def post(self, post: int) -> Post:
        """A post. Raises PlazaRefused not_found."""
        return shaped(await self._call("GET", f"/posts/{post}"), Post)

    async def posts(self, ids: Iterable[int]) -> list[Post]:
        """Those of up to 100 posts that one may see, in this order."""
        params = {"ids": [str(one) for one in ids]}
        return shaped(await self._call("GET", "/posts", params=params), PostPage).items

    async def post_versions(self, post: int) -> list[PostVersion]:
        """The former versions of a post, the newest first. Raises PlazaRefused not_found."""
        return shaped(await self._all(f"/posts/{post}/edits"), list[PostVersion])

    async def posts_of(
        self, account: int, *, cursor: str | None = None, limit: int = 50
    ) -> PostPage:
        """What an account has published, the newest first.

        Args:
            cursor: the next_cursor of the page before; None: the first page.
            limit: posts at most, up to 200.
        """
        return await self._page_of_posts(f"/accounts/{account}/posts", cursor, limit)

    async def posts_tagged(
        self, tag: str, *, cursor: str | None = None, limit: int = 50
    ) -> PostPage:
        """What has been published with a hashtag; see `posts_of`."""
        return await self._page_of_posts(f"/tags/{quote(tag, safe='')}/posts", cursor, limit)

    async def drafts(self) -> list[Post]:
        """One's drafts and scheduled posts, the newest first."""
        return shaped(await self._all("/me/drafts"), list[Post])

    async def _page_of_posts(self, path: str, cursor: str | None, limit: int) -> PostPage:
        params: dict[str, Any] = {"limit": min(limit, PAGE)}
        if cursor is not None:
            params["cursor"] = cursor
        return shaped(await self._call("GET", path, params=params), PostPage)


def _plain(value: Any) -> Any:
    """A value as it stands in JSON."""
    match value:
        case str() | None:
            return value
        case int():
            return str(value)
        case datetime():
            return rfc3339(value)
        case NewPoll():
            fields = {"options": list(value.options), "multiple": value.multiple}
            if value.closes_at is not None:
                fields["closes_at"] = rfc3339(value.closes_at)
            if value.seconds is not None:
                fields["seconds"] = value.seconds
            return fields
    return [str(one) for one in value]
