"""A request becomes a draft: the event as it would stand in the room's log, and its guard.

Used by the socket's handlers and by REST alike. Nothing here waits or looks anything up: what has
to be true is checked by the guard, in the transaction that writes the event.
"""

from collections.abc import Sequence
from functools import partial

from protocol.drafts import Draft, Guard
from protocol.events import (
    Deleted,
    Edited,
    MemberCause,
    MemberChanged,
    MemberMuted,
    Message,
    Pinned,
    Reacted,
    Renamed,
    SlowModeSet,
    Unpinned,
    Unreacted,
)
from protocol.ids import Id
from protocol.names import mentioned_names
from protocol.records import Attachment, Role
from protocol.times import FOREVER
from rooms import permissions
from rooms.body import clean_body, clean_emoji, clean_title


def message(
    actor: Id,
    room: Id,
    body: str,
    *,
    nonce: str | None = None,
    reply_to: int | None = None,
    attachments: Sequence[Attachment] = (),
) -> Draft:
    """Post a message. Raises PlazaError (bad_request) for a body that may not be."""
    body = clean_body(body, may_be_empty=bool(attachments))
    event = Message(
        room=room,
        sender=actor,
        nonce=nonce,
        body=body,
        reply_to=reply_to,
        attachments=list(attachments),
    )
    if reply_to is not None:
        return Draft(event, permissions.may_reply, mentioned_names(body))
    return Draft(event, permissions.may_send, mentioned_names(body), quick=not attachments)


def edit(actor: Id, room: Id, seq: int, body: str, *, nonce: str | None = None) -> Draft:
    """Replace a message's body. Raises PlazaError (bad_request) for a body that may not be."""
    body = clean_body(body)
    event = Edited(room=room, sender=actor, nonce=nonce, target=seq, body=body)
    return Draft(event, partial(permissions.may_edit, actor=actor), mentioned_names(body))


def delete(actor: Id, room: Id, seq: int, *, nonce: str | None = None) -> Draft:
    """Delete a message."""
    event = Deleted(room=room, sender=actor, nonce=nonce, target=seq)
    return Draft(event, partial(permissions.may_delete, actor=actor))


def react(actor: Id, room: Id, seq: int, emoji: str, *, nonce: str | None = None) -> Draft:
    """React to a message. Raises PlazaError (bad_request) for what is no emoji."""
    event = Reacted(room=room, sender=actor, nonce=nonce, target=seq, emoji=clean_emoji(emoji))
    return Draft(event, permissions.may_react)


def unreact(actor: Id, room: Id, seq: int, emoji: str, *, nonce: str | None = None) -> Draft:
    """Take a reaction back."""
    event = Unreacted(room=room, sender=actor, nonce=nonce, target=seq, emoji=clean_emoji(emoji))
    return Draft(event, permissions.may_unreact)


def pin(actor: Id, room: Id, seq: int, *, nonce: str | None = None) -> Draft:
    """Pin a message."""
    event = Pinned(room=room, sender=actor, nonce=nonce, target=seq)
    return Draft(event, permissions.may_pin)


def unpin(actor: Id, room: Id, seq: int, *, nonce: str | None = None) -> Draft:
    """Pin a message no longer."""
    event = Unpinned(room=room, sender=actor, nonce=nonce, target=seq)
    return Draft(event, permissions.may_unpin)


def join(actor: Id, room: Id) -> Draft:
    """Join a channel."""
    return _membership(
        actor, room, actor, MemberCause.JOINED, Role.MEMBER, guard=permissions.may_join
    )


def leave(actor: Id, room: Id) -> Draft:
    """Leave a room."""
    return _membership(actor, room, actor, MemberCause.LEFT, None, guard=permissions.may_leave)


def depart(actor: Id, room: Id) -> Draft:
    """Leave a room, whatever it is, because one's account is deleted."""
    return _membership(actor, room, actor, MemberCause.LEFT, None, guard=permissions.may_depart)


def invite(actor: Id, room: Id, account: Id) -> Draft:
    """Make an account a member."""
    return _membership(
        actor, room, account, MemberCause.INVITED, Role.MEMBER, guard=permissions.may_invite
    )


def kick(actor: Id, room: Id, account: Id) -> Draft:
    """Remove a member."""
    return _membership(actor, room, account, MemberCause.KICKED, None, guard=permissions.may_kick)


def promote(actor: Id, room: Id, account: Id, role: Role) -> Draft:
    """Give a member another role."""
    guard = partial(permissions.may_promote, role=role, oneself=account == actor)
    return _membership(actor, room, account, MemberCause.PROMOTED, role, guard=guard)


def rename(actor: Id, room: Id, title: str) -> Draft:
    """Give a room another title. Raises PlazaError (bad_request) for what is no title."""
    title = clean_title(title)
    event = Renamed(room=room, sender=actor, title=title)
    return Draft(event, partial(permissions.may_rename, title=title))


def ban(actor: Id, room: Id, account: Id, *, seconds: int | None = None) -> Draft:
    """Remove an account and keep it out, for so many seconds or for good."""
    draft = _membership(actor, room, account, MemberCause.BANNED, None, guard=permissions.may_ban)
    draft.seconds = seconds
    return draft


def unban(actor: Id, room: Id, account: Id) -> Draft:
    """Let a banned account come back."""
    guard = permissions.may_unban
    return _membership(actor, room, account, MemberCause.UNBANNED, None, guard=guard)


def mute(actor: Id, room: Id, account: Id, *, seconds: int | None = None) -> Draft:
    """Keep a member from writing, for so many seconds or for good."""
    event = MemberMuted(room=room, sender=actor, account=account, until=FOREVER)
    return Draft(event, permissions.may_mute, seconds=seconds)


def unmute(actor: Id, room: Id, account: Id) -> Draft:
    """Let a muted member write again."""
    event = MemberMuted(room=room, sender=actor, account=account)
    return Draft(event, permissions.may_unmute)


def slow_mode(actor: Id, room: Id, seconds: int) -> Draft:
    """Make plain members wait so many seconds between two messages."""
    event = SlowModeSet(room=room, sender=actor, seconds=seconds)
    return Draft(event, partial(permissions.may_slow, seconds=seconds))


def _membership(
    actor: Id, room: Id, account: Id, cause: MemberCause, role: Role | None, *, guard: Guard
) -> Draft:
    event = MemberChanged(room=room, sender=actor, account=account, cause=cause, role=role)
    return Draft(event, guard)
