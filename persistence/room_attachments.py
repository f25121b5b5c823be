"""Attachments of messages: uploads of their senders, looked up in the transaction that writes."""

from collections.abc import Sequence

import asyncpg
from msgspec.structs import replace

from persistence.media_rows import MEDIA_JSON, StoredMedia, media_of
from persistence.uploads import Use, use
from protocol.codec import load_json
from protocol.drafts import Draft, Facts
from protocol.events import Message, RoomEvent
from protocol.ids import Id, parse_id
from protocol.posts import Media, MediaKind
from protocol.records import Attachment

PURPOSE = "message"
"""In upload_uses: `used_by` is the event id of the message."""

# They cannot go before the message is written that shows them.
SENT = f"""
SELECT u.id, u.account_id, {MEDIA_JSON}::text AS media
FROM uploads u
WHERE (u.id, u.account_id) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[]))
    AND u.state = 'ready'
ORDER BY u.id
FOR KEY SHARE OF u
"""

_THUMBNAILS = ("320", "poster")


async def read_attachments(
    connection: asyncpg.Connection, drafts: Sequence[Draft], facts: Sequence[Facts | None]
) -> list[Facts | None]:
    """The facts, completed by what is known of the drafts' attachments."""
    wanted = [_attached(draft.event) for draft in drafts]
    if not any(wanted):
        return list(facts)
    asked = {
        (upload, draft.event.sender)
        for draft, attachments in zip(drafts, wanted, strict=True)
        for attachment in attachments
        if (upload := _upload_id(attachment)) is not None
    }
    found: dict[tuple[Id, Id], Media] = {}
    if asked:
        ids, senders = (list(column) for column in zip(*asked, strict=True))
        for row in await connection.fetch(SENT, ids, senders):
            media = media_of(load_json(row["media"], StoredMedia))
            found[media.id, Id(row["account_id"])] = media
    return [
        seen if seen is None or not attachments else _completed(draft, attachments, seen, found)
        for draft, attachments, seen in zip(drafts, wanted, facts, strict=True)
    ]


async def use_attachments(connection: asyncpg.Connection, events: Sequence[RoomEvent]) -> None:
    """Write down which messages show which uploads."""
    await use(
        connection,
        [
            Use(parse_id(attachment.id), PURPOSE, event.event_id)
            for event in events
            for attachment in _attached(event)
        ],
    )


def _attached(event: RoomEvent) -> list[Attachment]:
    return event.attachments if isinstance(event, Message) else []


def _upload_id(attachment: Attachment) -> Id | None:
    try:
        return parse_id(attachment.id)
    except ValueError:
        return None


def _completed(
    draft: Draft,
    attachments: list[Attachment],
    facts: Facts,
    found: dict[tuple[Id, Id], Media],
) -> Facts:
    filled = []
    for attachment in attachments:
        upload = _upload_id(attachment)
        media = found.get((upload, draft.event.sender)) if upload is not None else None
        if media is None:
            return replace(facts, unattachable=attachment.id)
        filled.append(_filled(attachment, media))
    return replace(facts, attachments=filled)


def _filled(attachment: Attachment, media: Media) -> Attachment:
    """What everybody may know of an upload; of what the sender says, only the name is kept."""
    smaller = next((v.url for v in media.variants if v.name in _THUMBNAILS), None)
    if smaller is None and media.kind is MediaKind.IMAGE:
        smaller = media.url
    return Attachment(
        id=str(media.id),
        name=attachment.name or media.name or None,
        type=media.type,
        size=media.variants[0].bytes,
        url=media.url,
        thumbnail=smaller,
        width=media.width,
        height=media.height,
        duration_ms=media.duration_ms,
        blurhash=media.blurhash,
        alt=media.alt or None,
    )
