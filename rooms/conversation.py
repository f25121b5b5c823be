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
    Message,
    Reacted,
    Renamed,
    Unreacted,
)
from protocol.ids import Id
from protocol.names import mentioned_names
from protocol.records import Attachment, Role
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
    guard = None if reply_to is None else permissions.may_reply
    return Draft(event, guard, mentioned_names(body))


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


def join(actor: Id, room: Id) -> Draft:
    """Join a channel."""
    return _membership(
        actor, room, actor, MemberCause.JOINED, Role.MEMBER, guard=permissions.may_join
    )


def leave(actor: Id, room: Id) -> Draft:
    """Leave a room."""
    return _membership(actor, room, actor, MemberCause.LEFT, None, guard=permissions.may_leave)


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


def _membership(
    actor: Id, room: Id, account: Id, cause: MemberCause, role: Role | None, *, guard: Guard
) -> Draft:
    event = MemberChanged(room=room, sender=actor, account=account, cause=cause, role=role)
    return Draft(event, guard)
