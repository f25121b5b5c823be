"""The uploads that posts show."""

import asyncpg

from persistence import uploads
from persistence.posts import PURPOSE, StoredPost
from persistence.uploads import Use
from protocol.errors import BAD_REQUEST, PlazaError
from protocol.posts import MediaKind, PostType

_KINDS = {PostType.IMAGE: MediaKind.IMAGE, PostType.VIDEO: MediaKind.VIDEO}


async def show_media(connection: asyncpg.Connection, post: StoredPost) -> None:
    """Note what uploads a post shows. In the transaction that writes it.

    Raises:
        PlazaError: bad_request: an upload is not the author's, not ready, or not of the kind that
            the post's type shows.
    """
    if not post.media:
        return
    kind = _KINDS[post.type]
    found = await uploads.attachable(connection, post.author_id, post.media)
    for upload in post.media:
        if upload not in found:
            raise PlazaError(
                BAD_REQUEST, f"Upload {upload} is not yours, or not ready. Wait until it is."
            )
        if found[upload].kind is not kind:
            raise PlazaError(
                BAD_REQUEST, f"Upload {upload} is of kind {found[upload].kind}, not {kind}."
            )
    await uploads.use(connection, [Use(upload, PURPOSE, post.id) for upload in post.media])


async def change_media(connection: asyncpg.Connection, post: StoredPost) -> None:
    """Note that a post shows other uploads than it did; see `show_media`."""
    await uploads.unuse(connection, PURPOSE, post.id)
    await show_media(connection, post)
