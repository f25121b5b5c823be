"""Who may do what in a room: the only place that says so.

Each rule is a guard: it sees the facts of the transaction that would write the event, and raises.

    action            dm        group             channel
    read              member    member            anyone
    send, react       member    member            member      who is not muted; slow mode: patient
    edit              one's own message, while a member who is not muted
    delete            own       own, admin: any   own, admin: any
    invite            nobody    admin             member
    join              nobody    nobody            anyone
    leave             nobody    member            member
    kick              nobody    admin, of lower rank than oneself
    promote           nobody    owner: anyone; anyone: oneself, downwards
    rename            nobody    admin             admin
    pin               member    admin             admin       who is not muted
    ban               nobody    admin: who is no member, or of lower rank than oneself
    mute              nobody    admin: of lower rank than oneself
    slow mode         nobody    admin             admin
    list the banned   nobody    admin             admin

Whoever's account is deleted leaves whatever it is in, when another owner has been named.

Owner outranks admin outranks member, and may do what they may. A room that has members has an
owner: the last one cannot leave or step down.

What one cannot see is answered by not_found, whether it exists or not.
"""

from protocol.drafts import Facts, Target, Unchanged
from protocol.errors import (
    BAD_REQUEST,
    BANNED,
    BLOCKED,
    FORBIDDEN,
    LAST_OWNER,
    MESSAGE_DELETED,
    MUTED,
    NOT_FOUND,
    SLOW_MODE,
    PlazaError,
)
from protocol.ids import Id
from protocol.records import Role, RoomKind

RANK = {None: 0, Role.MEMBER: 1, Role.ADMIN: 2, Role.OWNER: 3}

MAX_PINS = 100  # of a room: more is a list that nobody reads
ANY_PATIENCE = 86_400 * 366.0  # seconds; a mute beyond it is for good

NO_SUCH_ROOM = "There is no such room, or you are not a member of it."
NO_SUCH_MESSAGE = "There is no such message in this room."
NO_SUCH_MEMBER = "That account is not a member of this room."
NO_SUCH_ACCOUNT = "There is no such account."


def may_read(kind: RoomKind, role: Role | None) -> None:
    """Refuse unless an account with this role may read the room's log and members."""
    if role is None and kind is not RoomKind.CHANNEL:
        raise PlazaError(NOT_FOUND, NO_SUCH_ROOM)


def may_list_bans(kind: RoomKind, role: Role | None) -> None:
    """Refuse unless an account with this role may see who is banned from the room."""
    facts = Facts(kind=kind, actor=role)
    _member(facts)
    _not_dm(facts, "Nobody is banned from a dm.")
    _at_least(facts, Role.ADMIN, "Only admins can see who is banned.")


def may_send(facts: Facts) -> None:
    """Refuse to the muted, in slow mode to the impatient, and what cannot be attached."""
    _member(facts)
    _unmuted(facts)
    if facts.slow_seconds and facts.last_message is not None and facts.actor is Role.MEMBER:
        wait = facts.last_message + facts.slow_seconds * 1000 - facts.now
        if wait > 0:
            raise PlazaError(SLOW_MODE, retry_after=wait / 1000)
    if facts.unattachable is not None:
        raise PlazaError(
            BAD_REQUEST,
            f"Attachment {facts.unattachable} is no upload of yours, or not ready. Wait until it "
            "is.",
        )


def may_reply(facts: Facts) -> None:
    """Refuse unless the message replied to is there, and a message may be sent."""
    may_send(facts)
    _target(facts)


def may_edit(facts: Facts, actor: Id) -> None:
    """Refuse unless the message is the actor's own."""
    _member(facts)
    _unmuted(facts)
    if _target(facts).sender != actor:
        raise PlazaError(FORBIDDEN, "Only the author can edit a message.")


def may_delete(facts: Facts, actor: Id) -> None:
    """Refuse unless the message is the actor's own, or the actor an admin."""
    _member(facts)
    if facts.target is not None and facts.target.deleted:
        raise Unchanged
    if _target(facts).sender == actor:
        return
    if facts.kind is RoomKind.DM or RANK[facts.actor] < RANK[Role.ADMIN]:
        raise PlazaError(FORBIDDEN, "Only the author or an admin of the room can delete a message.")


def may_react(facts: Facts) -> None:
    """Refuse unless the message is there."""
    _member(facts)
    _unmuted(facts)
    if _target(facts).has_reaction:
        raise Unchanged


def may_unreact(facts: Facts) -> None:
    """Refuse unless the message is there."""
    _member(facts)
    if not _target(facts).has_reaction:
        raise Unchanged


def may_join(facts: Facts) -> None:
    """Refuse unless the room is a channel."""
    if facts.actor is not None:
        raise Unchanged
    if facts.kind is not RoomKind.CHANNEL:
        raise PlazaError(NOT_FOUND, NO_SUCH_ROOM)
    if facts.banned:
        raise PlazaError(BANNED)
    if facts.hidden:
        raise PlazaError(NOT_FOUND, NO_SUCH_ROOM)


def may_leave(facts: Facts) -> None:
    """Refuse in a dm, and to the last owner while others stay."""
    _member(facts)
    _not_dm(facts, "A dm cannot be left.")
    if facts.actor is Role.OWNER and facts.owners == 1 and not facts.alone:
        raise PlazaError(LAST_OWNER)


def may_depart(facts: Facts) -> None:
    """Allow everybody to be gone whose account is deleted, also from a dm."""
    if facts.actor is None:
        raise Unchanged


def may_invite(facts: Facts) -> None:
    """Refuse to those who may not bring others in."""
    _member(facts)
    _not_dm(facts, "A dm has two members for good. Create a group.")
    if facts.kind is RoomKind.GROUP:
        _at_least(facts, Role.ADMIN, "Only admins can invite people to a group.")
    if not facts.subject_exists:
        raise PlazaError(NOT_FOUND, NO_SUCH_ACCOUNT)
    if facts.subject is not None:
        raise Unchanged
    if facts.banned:
        raise PlazaError(BANNED, "This account is banned from the room. Lift the ban first.")


def may_kick(facts: Facts) -> None:
    """Refuse unless the actor is an admin and outranks the member."""
    _member(facts)
    _not_dm(facts, "Nobody can be removed from a dm.")
    _at_least(facts, Role.ADMIN, "Only admins can remove members.")
    if facts.subject is None:
        raise PlazaError(NOT_FOUND, NO_SUCH_MEMBER)
    _outranks(facts)


def may_ban(facts: Facts) -> None:
    """Refuse unless the actor is an admin and outranks the account."""
    _member(facts)
    _not_dm(facts, "Nobody can be banned from a dm. Block the account instead.")
    _at_least(facts, Role.ADMIN, "Only admins can ban accounts.")
    if not facts.subject_exists:
        raise PlazaError(NOT_FOUND, NO_SUCH_ACCOUNT)
    _outranks(facts)


def may_unban(facts: Facts) -> None:
    """Refuse unless the actor is an admin."""
    _member(facts)
    _not_dm(facts, "Nobody is banned from a dm.")
    _at_least(facts, Role.ADMIN, "Only admins can lift bans.")
    if not facts.banned:
        raise Unchanged


def may_mute(facts: Facts) -> None:
    """Refuse unless the actor is an admin and outranks the member."""
    _member(facts)
    _not_dm(facts, "Nobody can be muted in a dm. Mute or block the account instead.")
    _at_least(facts, Role.ADMIN, "Only admins can mute members.")
    if facts.subject is None:
        raise PlazaError(NOT_FOUND, NO_SUCH_MEMBER)
    _outranks(facts)


def may_unmute(facts: Facts) -> None:
    """Refuse unless the actor is an admin and outranks the member."""
    may_mute(facts)
    if not facts.subject_muted:
        raise Unchanged


def may_slow(facts: Facts, *, seconds: int) -> None:
    """Refuse unless the actor is an admin of a group or channel."""
    _member(facts)
    _not_dm(facts, "A dm has no slow mode.")
    _at_least(facts, Role.ADMIN, "Only admins can set slow mode.")
    if facts.slow_seconds == seconds:
        raise Unchanged


def may_pin(facts: Facts) -> None:
    """Refuse unless the actor is an admin or in a dm, the message is there, and there is room."""
    _may_arrange_pins(facts)
    _unmuted(facts)
    if _target(facts).pinned:
        raise Unchanged
    if facts.pins >= MAX_PINS:
        raise PlazaError(
            FORBIDDEN, f"A room has at most {MAX_PINS} pinned messages. Unpin another one first."
        )


def may_unpin(facts: Facts) -> None:
    """Refuse unless the actor is an admin or in a dm."""
    _may_arrange_pins(facts)
    if facts.target is None:
        raise PlazaError(NOT_FOUND, NO_SUCH_MESSAGE)
    if not facts.target.pinned:
        raise Unchanged


def may_open_dm(*, blocked: bool) -> None:
    """Refuse when one of the two has blocked the other."""
    if blocked:
        raise PlazaError(BLOCKED)


def may_promote(facts: Facts, *, role: Role, oneself: bool) -> None:
    """Refuse unless the actor is an owner, or lowers their own role."""
    _member(facts)
    _not_dm(facts, "A dm has no roles.")
    if facts.subject is None:
        raise PlazaError(NOT_FOUND, NO_SUCH_MEMBER)
    if facts.subject is role:
        raise Unchanged
    if facts.actor is not Role.OWNER and not (oneself and RANK[role] < RANK[facts.actor]):
        raise PlazaError(FORBIDDEN, "Only an owner can change roles.")
    if facts.subject is Role.OWNER and facts.owners == 1:
        raise PlazaError(LAST_OWNER)


def may_rename(facts: Facts, title: str) -> None:
    """Refuse unless the actor is an admin of a group or channel."""
    _member(facts)
    _not_dm(facts, "A dm has no title.")
    _at_least(facts, Role.ADMIN, "Only admins can rename the room.")
    if facts.title == title:
        raise Unchanged


def _member(facts: Facts) -> None:
    if facts.actor is None:
        raise PlazaError(NOT_FOUND, NO_SUCH_ROOM)


def _unmuted(facts: Facts) -> None:
    if facts.muted_until is None or facts.muted_until <= facts.now:
        return
    if facts.kind is RoomKind.DM:
        raise PlazaError(BLOCKED)
    wait = (facts.muted_until - facts.now) / 1000
    if wait > ANY_PATIENCE:
        raise PlazaError(MUTED, "You are muted in this room. Ask an admin of it.")
    raise PlazaError(MUTED, retry_after=wait)


def _outranks(facts: Facts) -> None:
    if RANK[facts.actor] <= RANK[facts.subject]:
        raise PlazaError(FORBIDDEN, "That takes a role above that of the other.")


def _may_arrange_pins(facts: Facts) -> None:
    _member(facts)
    if facts.kind is not RoomKind.DM:
        _at_least(facts, Role.ADMIN, "Only admins can pin messages.")


def _not_dm(facts: Facts, message: str) -> None:
    if facts.kind is RoomKind.DM:
        raise PlazaError(FORBIDDEN, message)


def _at_least(facts: Facts, role: Role, message: str) -> None:
    if RANK[facts.actor] < RANK[role]:
        raise PlazaError(FORBIDDEN, message)


def _target(facts: Facts) -> Target:
    if facts.target is None:
        raise PlazaError(NOT_FOUND, NO_SUCH_MESSAGE)
    if facts.target.deleted:
        raise PlazaError(MESSAGE_DELETED)
    return facts.target
