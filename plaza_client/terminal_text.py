"""What the terminal chat shows of rooms and events. Pure: records in, styled text out."""

import re
import zlib
from collections.abc import Callable
from datetime import datetime

from rich.text import Text

from plaza_client.wire import ClientEvent, UnknownEvent
from protocol.events import (
    Created,
    Deleted,
    Edited,
    Gap,
    MemberCause,
    MemberChanged,
    MemberMuted,
    Message,
    Pinned,
    Reacted,
    Renamed,
    RoomAdded,
    RoomEvent,
    RoomGone,
    SlowModeSet,
    Unpinned,
    Unreacted,
)
from protocol.ids import Id
from protocol.records import Room, RoomKind

NameOf = Callable[[Id], str]
"""The username of an account."""

QuoteOf = Callable[[Id, int], str]
"""How to refer to the message with this seq of a room."""

# Whatever a server sends must not steer the terminal, nor reverse the rest of the line.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "bright_red")
_QUOTE_LENGTH = 30


def harmless(text: str) -> str:
    """The text with replacement characters for what would steer the terminal."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text)


def styled_name(name: str) -> Text:
    """A username in a colour of its own, the same in every terminal."""
    return Text(name, f"bold {_COLOURS[zlib.crc32(name.encode()) % len(_COLOURS)]}")


def room_name(room: Room) -> str:
    """`@peer` for a dm, `#title` for a channel, the title of a group."""
    if room.kind is RoomKind.DM:
        return f"@{room.peer.username}" if room.peer else "@somebody"
    title = harmless(room.title or "untitled")
    return f"#{title}" if room.kind is RoomKind.CHANNEL else title


def quotation(body: str) -> str:
    """The beginning of a body, in quotation marks."""
    line = harmless(" ".join(body.split()))
    if len(line) > _QUOTE_LENGTH:
        line = line[: _QUOTE_LENGTH - 1] + "…"
    return f"“{line}”"


def clock_time(at: str) -> str:
    """Hours and minutes, in the terminal's time zone, of an RFC 3339 time."""
    try:
        return datetime.fromisoformat(at).astimezone().strftime("%H:%M")
    except ValueError:
        return "--:--"


def accounts_in(event: ClientEvent) -> set[Id]:
    """The accounts whose names are needed to show the event."""
    if not isinstance(event, RoomEvent):
        return set()
    if isinstance(event, MemberChanged | MemberMuted):
        return {event.sender, event.account}
    return {event.sender}


def line_of(event: ClientEvent, name_of: NameOf, quote_of: QuoteOf) -> Text | None:
    """An event as a line; None for what is not worth one."""
    match event:
        case Message():
            return _message(event, name_of, quote_of)
        case RoomEvent():
            deed = _deed(event, name_of, quote_of)
            return Text.assemble((f"{clock_time(event.at)} ", "dim"), (deed, "dim italic"))
        case RoomAdded():
            return Text(f"You are in {room_name(event.room)} now.", "dim italic")
        case RoomGone():
            return Text("You are no longer in this room.", "dim italic")
        case Gap():
            missing = event.to - event.from_ + 1
            return Text(f"{missing} missed events can no longer be read.", "dim italic")
        case UnknownEvent() if event.seq is not None:
            return Text("Something that only a newer version can show.", "dim italic")
    return None


def _message(event: Message, name_of: NameOf, quote_of: QuoteOf) -> Text:
    line = Text.assemble((f"{clock_time(event.at)} ", "dim"), styled_name(name_of(event.sender)))
    line.append("  ")
    if event.reply_to is not None:
        line.append(f"(to {quote_of(event.room, event.reply_to)}) ", "dim")
    if event.deleted:
        line.append("deleted", "dim italic")
    # The lines of a body stand below each other.
    line.append(harmless(event.body).replace("\n", "\n" + " " * line.cell_len))
    for attachment in event.attachments:
        line.append(f" [{harmless(attachment.name or attachment.id)}]", "underline")
    if event.edited_at is not None and not event.deleted:
        line.append(" (edited)", "dim")
    if event.replies is not None and event.replies.replies:
        line.append(f" [replies: {event.replies.replies}]", "dim")
    if event.pinned:
        line.append(" [pinned]", "dim")
    for reaction in event.reactions:
        line.append(f" {harmless(reaction.emoji)} {len(reaction.accounts)}", "dim")
    return line


def _deed(event: RoomEvent, name_of: NameOf, quote_of: QuoteOf) -> str:
    """What somebody did, as a sentence."""
    who = name_of(event.sender)
    match event:
        case Created():
            return f"{who} created the room"
        case Edited():
            now = f": {quotation(event.body)}" if event.body else ""
            return f"{who} edited {quote_of(event.room, event.target)}{now}"
        case Deleted():
            return f"{who} deleted {quote_of(event.room, event.target)}"
        case Reacted():
            return f"{who} reacted {harmless(event.emoji)} to {quote_of(event.room, event.target)}"
        case Unreacted():
            quoted = quote_of(event.room, event.target)
            return f"{who} took {harmless(event.emoji)} back from {quoted}"
        case Renamed():
            return f"{who} renamed the room to {harmless(event.title)}"
        case Pinned():
            return f"{who} pinned {quote_of(event.room, event.target)}"
        case Unpinned():
            return f"{who} unpinned {quote_of(event.room, event.target)}"
        case SlowModeSet():
            wait = f"one message every {event.seconds} s" if event.seconds else "no waiting"
            return f"{who} set slow mode: {wait}"
        case MemberMuted():
            deed = "unmuted" if event.until is None else "muted"
            return f"{who} {deed} {name_of(event.account)}"
        case MemberChanged():
            return _membership(event, who, name_of(event.account))
    return f"{who} did something"


def _membership(event: MemberChanged, who: str, whom: str) -> str:
    match event.cause:
        case MemberCause.JOINED:
            return f"{who} joined"
        case MemberCause.LEFT:
            return f"{who} left"
        case MemberCause.INVITED:
            return f"{who} invited {whom}"
        case MemberCause.KICKED:
            return f"{who} removed {whom}"
        case MemberCause.PROMOTED:
            return f"{who} made {whom} {event.role}"
        case MemberCause.BANNED:
            return f"{who} banned {whom}"
        case MemberCause.UNBANNED:
            return f"{who} let {whom} come back"
