"""A room event and its row in room_events."""

from typing import Any

import asyncpg
from msgspec import Struct

from protocol.codec import dump_json, load_json
from protocol.events import (
    AnyRoomEvent,
    Created,
    Deleted,
    Edited,
    MemberCause,
    MemberChanged,
    Message,
    Reacted,
    Renamed,
    RoomEvent,
    Unreacted,
)
from protocol.ids import Id
from protocol.records import Attachment, Reaction, Role, RoomKind
from protocol.times import rfc3339

# The reactions are those that stand now. A client that applies a later `react` to a message that
# shows it already sees no difference: reactions are sets.
COLUMNS = """
    e.room_id, e.seq, e.event_id, e.type, e.sender_id, e.at, e.nonce, e.target, e.body, e.details,
    e.edited_at, e.deleted_at,
    CASE WHEN e.type = 'message' THEN (
        SELECT json_agg(x ORDER BY x.first)
        FROM (
            SELECT r.emoji, array_agg(r.account_id::text ORDER BY r.at, r.account_id) AS accounts,
                   min(r.at) AS first
            FROM message_reactions r
            WHERE r.room_id = e.room_id AND r.seq = e.seq
            GROUP BY r.emoji
        ) x
    ) END AS reactions
"""


class _Details(Struct, omit_defaults=True):
    """What has no column of its own."""

    attachments: list[Attachment] = []
    mentions: list[Id] = []
    kind: RoomKind | None = None
    members: dict[Id, Role] = {}
    account: Id | None = None
    cause: MemberCause | None = None
    role: Role | None = None


class Row(Struct):
    """The columns in which the types of events differ."""

    type: str
    target: int | None = None
    body: str | None = None
    details: str | None = None


def row_of(event: RoomEvent) -> Row:
    """The columns of an event that is to be written."""
    match event:
        case Message(body=body, reply_to=reply_to, attachments=attachments, mentions=mentions):
            details = None
            if attachments or mentions:
                details = dump_json(_Details(attachments=attachments, mentions=mentions))
            return Row("message", reply_to, body, details)
        case Edited(target=target, body=body, mentions=mentions):
            details = dump_json(_Details(mentions=mentions)) if mentions else None
            return Row("edit", target, body, details)
        case Deleted(target=target):
            return Row("delete", target)
        case Reacted(target=target, emoji=emoji):
            return Row("react", target, emoji)
        case Unreacted(target=target, emoji=emoji):
            return Row("unreact", target, emoji)
        case MemberChanged(account=account, cause=cause, role=role):
            details = dump_json(_Details(account=account, cause=cause, role=role))
            return Row("member", None, None, details)
        case Renamed(title=title):
            return Row("title", None, title)
        case Created(kind=kind, title=title, members=members):
            return Row("created", None, title, dump_json(_Details(kind=kind, members=members)))
    raise TypeError(f"{type(event).__name__} has no row")


def event_of(record: asyncpg.Record) -> AnyRoomEvent:
    """The event of a row that was selected with COLUMNS."""
    head: dict[str, Any] = {
        "room": Id(record["room_id"]),
        "sender": Id(record["sender_id"]),
        "seq": record["seq"],
        "event_id": Id(record["event_id"]),
        "at": rfc3339(record["at"]),
        "nonce": record["nonce"],
    }
    text: str = record["body"] or ""
    target: int = record["target"]
    details = load_json(record["details"], _Details) if record["details"] else _Details()
    match record["type"]:
        case "message":
            return _message(record, details, head)
        case "edit":
            return Edited(target=target, body=text, mentions=details.mentions, **head)
        case "delete":
            return Deleted(target=target, **head)
        case "react":
            return Reacted(target=target, emoji=text, **head)
        case "unreact":
            return Unreacted(target=target, emoji=text, **head)
        case "title":
            return Renamed(title=text, **head)
        case "member":
            assert details.account is not None
            assert details.cause is not None
            return MemberChanged(
                account=details.account, cause=details.cause, role=details.role, **head
            )
        case "created":
            assert details.kind is not None
            return Created(kind=details.kind, title=record["body"], members=details.members, **head)
    raise ValueError(f"room_events has a row of unknown type {record['type']!r}")


def _message(record: asyncpg.Record, details: _Details, head: dict[str, Any]) -> Message:
    reactions = record["reactions"]
    return Message(
        body=record["body"] or "",
        reply_to=record["target"],
        attachments=details.attachments,
        mentions=details.mentions,
        edited_at=rfc3339(record["edited_at"]) if record["edited_at"] else None,
        deleted=record["deleted_at"] is not None,
        reactions=load_json(reactions, list[Reaction]) if reactions else [],
        **head,
    )
