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
    MemberMuted,
    Message,
    Pinned,
    Reacted,
    Renamed,
    RoomEvent,
    SlowModeSet,
    Unpinned,
    Unreacted,
)
from protocol.ids import Id
from protocol.records import Attachment, Reaction, Role, RoomKind, Thread, Time
from protocol.times import rfc3339

# The reactions are those that stand now. A client that applies a later `react` to a message that
# shows it already sees no difference: reactions are sets.
COLUMNS = """
    e.room_id, e.seq, e.event_id, e.type, e.sender_id, e.at, e.nonce, e.target, e.thread, e.body,
    e.details, e.edited_at, e.deleted_at,
    CASE WHEN e.type = 'message' THEN (
        SELECT json_agg(x ORDER BY x.first, x.emoji COLLATE "C")
        FROM (
            SELECT r.emoji, array_agg(r.account_id::text ORDER BY r.at, r.account_id) AS accounts,
                   min(r.at) AS first
            FROM message_reactions r
            WHERE r.room_id = e.room_id AND r.seq = e.seq
            GROUP BY r.emoji
        ) x
    ) END AS reactions,
    CASE WHEN e.type = 'message' AND e.target IS NULL THEN (
        SELECT (t.replies, t.last_seq, t.last_at) FROM room_threads t
        WHERE t.room_id = e.room_id AND t.root = e.seq
    ) END AS replies,
    e.type = 'message' AND EXISTS (
        SELECT FROM room_pins p WHERE p.room_id = e.room_id AND p.seq = e.seq
    ) AS pinned
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
    count: int = 0  # of members
    until: Time | None = None
    former_mentions: list[Id] = []
    author: Id | None = None
    seconds: int = 0


class Row(Struct):
    """The columns in which the types of events differ."""

    type: str
    target: int | None = None
    body: str | None = None
    details: str | None = None
    thread: int | None = None


def row_of(event: RoomEvent) -> Row:
    """The columns of an event that is to be written."""
    match event:
        case Message(body=body, reply_to=reply_to, attachments=attachments, mentions=mentions):
            details = None
            if attachments or mentions:
                details = dump_json(_Details(attachments=attachments, mentions=mentions))
            return Row("message", reply_to, body, details, event.thread)
        case Edited(target=target, body=body, mentions=mentions, former_mentions=former):
            details = None
            if mentions or former:
                details = dump_json(_Details(mentions=mentions, former_mentions=former))
            return Row("edit", target, body, details)
        case Deleted(target=target, author=author, mentions=mentions):
            details = dump_json(_Details(author=author, mentions=mentions))
            return Row("delete", target, None, details, event.thread)
        case Reacted(target=target, emoji=emoji):
            return Row("react", target, emoji)
        case Unreacted(target=target, emoji=emoji):
            return Row("unreact", target, emoji)
        case Renamed(title=title):
            return Row("title", None, title)
        case Pinned(target=target):
            return Row("pin", target)
        case Unpinned(target=target):
            return Row("unpin", target)
    return Row(*_row_of_rule(event))


def mentions_of(event: Edited) -> str | None:
    """The details of a message, as far as an edit changes them."""
    return dump_json(_Details(mentions=event.mentions)) if event.mentions else None


def _row_of_rule(event: RoomEvent) -> tuple[str, None, str | None, str]:
    """The row of what changes who is in the room, and what they may."""
    match event:
        case MemberChanged(account=account, cause=cause, role=role, members=count, until=until):
            details = _Details(account=account, cause=cause, role=role, count=count, until=until)
            return "member", None, None, dump_json(details)
        case MemberMuted(account=account, until=until):
            return "mute", None, None, dump_json(_Details(account=account, until=until))
        case SlowModeSet(seconds=seconds):
            return "slow_mode", None, None, dump_json(_Details(seconds=seconds))
        case Created(kind=kind, title=title, members=members):
            return "created", None, title, dump_json(_Details(kind=kind, members=members))
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
            mentions, former = details.mentions, details.former_mentions
            return Edited(
                target=target, body=text, mentions=mentions, former_mentions=former, **head
            )
        case "delete":
            author, mentions, thread = details.author, details.mentions, record["thread"]
            return Deleted(target=target, author=author, mentions=mentions, thread=thread, **head)
        case "react":
            return Reacted(target=target, emoji=text, **head)
        case "unreact":
            return Unreacted(target=target, emoji=text, **head)
        case "title":
            return Renamed(title=text, **head)
        case "pin":
            return Pinned(target=target, **head)
        case "unpin":
            return Unpinned(target=target, **head)
    return _rule(record, details, head)


def _rule(record: asyncpg.Record, details: _Details, head: dict[str, Any]) -> AnyRoomEvent:
    """The event that changed who is in the room, or what they may."""
    match record["type"]:
        case "member":
            assert details.account is not None
            assert details.cause is not None
            return MemberChanged(
                account=details.account,
                cause=details.cause,
                role=details.role,
                members=details.count,
                until=details.until,
                **head,
            )
        case "mute":
            assert details.account is not None
            return MemberMuted(account=details.account, until=details.until, **head)
        case "slow_mode":
            return SlowModeSet(seconds=details.seconds, **head)
        case "created":
            assert details.kind is not None
            return Created(kind=details.kind, title=record["body"], members=details.members, **head)
    raise ValueError(f"room_events has a row of unknown type {record['type']!r}")


def _message(record: asyncpg.Record, details: _Details, head: dict[str, Any]) -> Message:
    reactions, replies = record["reactions"], record["replies"]
    return Message(
        body=record["body"] or "",
        reply_to=record["target"],
        thread=record["thread"],
        attachments=details.attachments,
        mentions=details.mentions,
        edited_at=rfc3339(record["edited_at"]) if record["edited_at"] else None,
        deleted=record["deleted_at"] is not None,
        reactions=load_json(reactions, list[Reaction]) if reactions else [],
        replies=Thread(replies[0], replies[1], rfc3339(replies[2])) if replies else None,
        pinned=record["pinned"],
        **head,
    )
