"""The table of rooms/permissions.py, cell by cell."""

from collections.abc import Callable
from functools import partial
from itertools import product

import pytest

from protocol.drafts import Facts, Target, Unchanged
from protocol.errors import (
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
from rooms import permissions

ACTOR, SOMEBODY = Id(1), Id(2)
KINDS = list(RoomKind)
ROLES: list[Role | None] = [None, *Role]

OWN = Target(sender=ACTOR, deleted=False)
ANOTHERS = Target(sender=SOMEBODY, deleted=False)
OWN_DELETED = Target(sender=ACTOR, deleted=True)
ANOTHERS_DELETED = Target(sender=SOMEBODY, deleted=True)
REACTED = Target(sender=SOMEBODY, deleted=False, has_reaction=True)
PINNED = Target(sender=SOMEBODY, deleted=False, pinned=True)


def verdict(rule: Callable[..., None], *args: object, **kwargs: object) -> str:
    """What a rule says: yes, unchanged, or an error's code."""
    try:
        rule(*args, **kwargs)
    except PlazaError as error:
        return error.spec.code
    except Unchanged:
        return "unchanged"
    return "yes"


# In all grids: y yes, f forbidden, n not_found, u unchanged; - is the role of who is no member.
WORDS = {"y": "yes", "f": "forbidden", "n": "not_found", "u": "unchanged"}

# Rows: the actor's role; columns: the room's kind.
MEMBERS = """
           dm  group  channel
    -      n   n      n
    member y   y      y
    admin  y   y      y
    owner  y   y      y
"""
NOBODY = """
           dm  group  channel
    -      n   n      n
    member f   f      f
    admin  f   f      f
    owner  f   f      f
"""
ADMINS = """
           dm  group  channel
    -      n   n      n
    member f   f      f
    admin  f   y      y
    owner  f   y      y
"""
PINNERS = """
           dm  group  channel
    -      n   n      n
    member y   f      f
    admin  y   y      y
    owner  y   y      y
"""
BY_KIND = {
    "edit own": MEMBERS,
    "edit another's": NOBODY,
    "delete own": MEMBERS,
    "delete another's": ADMINS,
    "send": MEMBERS,
    "reply": MEMBERS,
    "react": MEMBERS,
    "unreact": MEMBERS,
    "rename": ADMINS,
    "slow mode": ADMINS,
    "unban": ADMINS,
    "pin": PINNERS,
    "unpin": PINNERS,
    # Somebody who is no member yet.
    "invite": """
               dm  group  channel
        -      n   n      n
        member f   f      y
        admin  f   y      y
        owner  f   y      y
    """,
    "join": """
               dm  group  channel
        -      n   n      y
        member u   u      u
        admin  u   u      u
        owner  u   u      u
    """,
    # There is another owner.
    "leave": """
               dm  group  channel
        -      n   n      n
        member f   y      y
        admin  f   y      y
        owner  f   y      y
    """,
    # Whoever's account is deleted.
    "depart": """
               dm  group  channel
        -      u   u      u
        member y   y      y
        admin  y   y      y
        owner  y   y      y
    """,
}

RULES: dict[str, tuple[Callable[..., None], dict[str, object]]] = {
    "edit own": (partial(permissions.may_edit, actor=ACTOR), {"target": OWN}),
    "edit another's": (partial(permissions.may_edit, actor=ACTOR), {"target": ANOTHERS}),
    "delete own": (partial(permissions.may_delete, actor=ACTOR), {"target": OWN}),
    "delete another's": (partial(permissions.may_delete, actor=ACTOR), {"target": ANOTHERS}),
    "send": (permissions.may_send, {}),
    "reply": (permissions.may_reply, {"target": ANOTHERS}),
    "react": (permissions.may_react, {"target": ANOTHERS}),
    "unreact": (permissions.may_unreact, {"target": REACTED}),
    "invite": (permissions.may_invite, {"subject_exists": True}),
    "join": (permissions.may_join, {}),
    "leave": (permissions.may_leave, {"owners": 2}),
    "depart": (permissions.may_depart, {"owners": 1}),
    "rename": (partial(permissions.may_rename, title="new"), {"title": "old"}),
    "slow mode": (partial(permissions.may_slow, seconds=10), {}),
    "unban": (permissions.may_unban, {"subject_exists": True, "banned": True}),
    "pin": (permissions.may_pin, {"target": ANOTHERS}),
    "unpin": (permissions.may_unpin, {"target": PINNED}),
}

# Groups and channels alike; in a dm all of it is forbidden. Rows: the actor; columns: the subject.
KICK = """
           -  member  admin  owner
    -      n  n       n      n
    member f  f       f      f
    admin  n  y       f      f
    owner  n  y       y      f
"""
# An account that is no member can be banned as well.
BAN = """
           -  member  admin  owner
    -      n  n       n      n
    member f  f       f      f
    admin  y  y       f      f
    owner  y  y       y      f
"""

# By the subject's new role. There is another owner.
PROMOTE = {
    Role.MEMBER: """
               -  member  admin  owner
        -      n  n       n      n
        member n  u       f      f
        admin  n  u       f      f
        owner  n  u       y      y
    """,
    Role.ADMIN: """
               -  member  admin  owner
        -      n  n       n      n
        member n  f       u      f
        admin  n  f       u      f
        owner  n  y       u      y
    """,
    Role.OWNER: """
               -  member  admin  owner
        -      n  n       n      n
        member n  f       f      u
        admin  n  f       f      u
        owner  n  y       y      u
    """,
}
# Rows: one's own role; columns: the new one.
PROMOTE_ONESELF = """
           member  admin  owner
    member u       f      f
    admin  y       u      f
    owner  y       y      u
"""


def cells(grid: str) -> list[tuple[str, str, str]]:
    """(row, column, verdict) of each cell of a grid."""
    columns, *rows = [line.split() for line in grid.strip().splitlines()]
    return [
        (name, column, WORDS[cell])
        for name, *row in rows
        for column, cell in zip(columns, row, strict=True)
    ]


def role_of(name: str) -> Role | None:
    return None if name == "-" else Role(name)


@pytest.mark.parametrize(
    ("action", "kind", "actor", "expected"),
    [
        (action, RoomKind(kind), role_of(actor), expected)
        for action, grid in BY_KIND.items()
        for actor, kind, expected in cells(grid)
    ],
)
def test_by_kind_and_role(action: str, kind: RoomKind, actor: Role | None, expected: str) -> None:
    rule, circumstances = RULES[action]
    assert verdict(rule, Facts(kind=kind, actor=actor, **circumstances)) == expected


@pytest.mark.parametrize(("kind", "role"), [*product(KINDS, ROLES)])
def test_members_read_and_channels_are_public(kind: RoomKind, role: Role | None) -> None:
    expected = "yes" if role or kind is RoomKind.CHANNEL else "not_found"
    assert verdict(permissions.may_read, kind, role) == expected


@pytest.mark.parametrize(
    ("rule", "actor", "subject", "expected"),
    [
        (rule, *cell)
        for rule, grid in (
            (permissions.may_kick, KICK),
            (permissions.may_mute, KICK),
            (permissions.may_unmute, KICK),
            (permissions.may_ban, BAN),
        )
        for cell in cells(grid)
    ],
)
def test_by_rank(rule: Callable[..., None], actor: str, subject: str, expected: str) -> None:
    facts = {
        "actor": role_of(actor),
        "subject": role_of(subject),
        "subject_exists": True,
        "subject_muted": True,
    }
    for kind in (RoomKind.GROUP, RoomKind.CHANNEL):
        assert verdict(rule, Facts(kind=kind, **facts)) == expected
    in_dm = "forbidden" if role_of(actor) else "not_found"
    assert verdict(rule, Facts(kind=RoomKind.DM, **facts)) == in_dm


@pytest.mark.parametrize(("actor", "kind", "expected"), cells(ADMINS))
def test_admins_see_who_is_banned(actor: str, kind: str, expected: str) -> None:
    assert verdict(permissions.may_list_bans, RoomKind(kind), role_of(actor)) == expected


@pytest.mark.parametrize(
    ("role", "actor", "subject", "expected"),
    [(role, *cell) for role, grid in PROMOTE.items() for cell in cells(grid)],
)
def test_promote(role: Role, actor: str, subject: str, expected: str) -> None:
    rule = partial(permissions.may_promote, role=role, oneself=False)
    roles = {"actor": role_of(actor), "subject": role_of(subject)}
    for kind in (RoomKind.GROUP, RoomKind.CHANNEL):
        assert verdict(rule, Facts(kind=kind, owners=2, **roles)) == expected
    in_dm = "forbidden" if role_of(actor) else "not_found"
    assert verdict(rule, Facts(kind=RoomKind.DM, owners=2, **roles)) == in_dm


@pytest.mark.parametrize(("own", "new", "expected"), cells(PROMOTE_ONESELF))
def test_promote_oneself(own: str, new: str, expected: str) -> None:
    facts = Facts(kind=RoomKind.GROUP, actor=Role(own), subject=Role(own), owners=2)
    assert verdict(permissions.may_promote, facts, role=Role(new), oneself=True) == expected


@pytest.mark.parametrize("kind", [RoomKind.GROUP, RoomKind.CHANNEL])
class TestLastOwner:
    def test_cannot_leave_others_behind(self, kind: RoomKind) -> None:
        facts = Facts(kind=kind, actor=Role.OWNER, subject=Role.OWNER, owners=1)
        assert verdict(permissions.may_leave, facts) == LAST_OWNER.code

    def test_may_leave_nobody_behind(self, kind: RoomKind) -> None:
        facts = Facts(kind=kind, actor=Role.OWNER, subject=Role.OWNER, owners=1, alone=True)
        assert verdict(permissions.may_leave, facts) == "yes"

    @pytest.mark.parametrize("actor", [Role.ADMIN, Role.MEMBER])
    def test_does_not_keep_others_from_leaving(self, kind: RoomKind, actor: Role) -> None:
        facts = Facts(kind=kind, actor=actor, subject=actor, owners=1)
        assert verdict(permissions.may_leave, facts) == "yes"

    @pytest.mark.parametrize("role", [Role.ADMIN, Role.MEMBER])
    def test_cannot_step_down(self, kind: RoomKind, role: Role) -> None:
        facts = Facts(kind=kind, actor=Role.OWNER, subject=Role.OWNER, owners=1, alone=True)
        promote = partial(permissions.may_promote, role=role, oneself=True)
        assert verdict(promote, facts) == LAST_OWNER.code

    def test_can_make_another(self, kind: RoomKind) -> None:
        facts = Facts(kind=kind, actor=Role.OWNER, subject=Role.MEMBER, owners=1)
        promote = partial(permissions.may_promote, role=Role.OWNER, oneself=False)
        assert verdict(promote, facts) == "yes"


@pytest.mark.parametrize(
    ("action", "on_deleted"),
    [
        ("edit own", MESSAGE_DELETED.code),
        ("edit another's", MESSAGE_DELETED.code),
        ("reply", MESSAGE_DELETED.code),
        ("react", MESSAGE_DELETED.code),
        ("unreact", MESSAGE_DELETED.code),
        ("delete own", "unchanged"),
        ("delete another's", "unchanged"),
        ("pin", MESSAGE_DELETED.code),
    ],
)
def test_what_is_left_of_a_message(action: str, on_deleted: str) -> None:
    rule, _ = RULES[action]
    for kind, target in product(KINDS, (OWN_DELETED, ANOTHERS_DELETED)):
        member = Facts(kind=kind, actor=Role.OWNER, target=target)
        assert verdict(rule, member) == on_deleted
        # That there was such a message is nobody else's business.
        assert verdict(rule, Facts(kind=kind, actor=None, target=target)) == NOT_FOUND.code
        assert verdict(rule, Facts(kind=kind, actor=Role.OWNER)) == NOT_FOUND.code


def test_what_is_so_already_is_unchanged() -> None:
    channel = partial(Facts, kind=RoomKind.CHANNEL, actor=Role.OWNER)
    assert verdict(permissions.may_react, channel(target=REACTED)) == "unchanged"
    assert verdict(permissions.may_unreact, channel(target=ANOTHERS)) == "unchanged"
    assert verdict(permissions.may_rename, channel(title="same"), title="same") == "unchanged"
    assert verdict(permissions.may_slow, channel(slow_seconds=5), seconds=5) == "unchanged"
    assert verdict(permissions.may_slow, channel(), seconds=0) == "unchanged"
    assert verdict(permissions.may_pin, channel(target=PINNED)) == "unchanged"
    assert verdict(permissions.may_unpin, channel(target=ANOTHERS)) == "unchanged"
    # A message that is deleted is pinned no longer.
    assert verdict(permissions.may_unpin, channel(target=ANOTHERS_DELETED)) == "unchanged"
    assert verdict(permissions.may_unban, channel(subject_exists=True)) == "unchanged"
    assert verdict(permissions.may_unmute, channel(subject=Role.MEMBER)) == "unchanged"
    for role in Role:
        member = channel(subject=role, subject_exists=True)
        assert verdict(permissions.may_invite, member) == "unchanged"


def test_nobody_can_be_invited_who_does_not_exist() -> None:
    for kind in (RoomKind.GROUP, RoomKind.CHANNEL):
        facts = Facts(kind=kind, actor=Role.OWNER, subject_exists=False)
        assert verdict(permissions.may_invite, facts) == NOT_FOUND.code
    # Who may not invite does not learn who exists.
    facts = Facts(kind=RoomKind.GROUP, actor=Role.MEMBER, subject_exists=False)
    assert verdict(permissions.may_invite, facts) == FORBIDDEN.code


def test_only_who_exists_can_be_banned() -> None:
    for kind in (RoomKind.GROUP, RoomKind.CHANNEL):
        facts = Facts(kind=kind, actor=Role.OWNER, subject_exists=False)
        assert verdict(permissions.may_ban, facts) == NOT_FOUND.code
    # Who may not ban does not learn who exists.
    facts = Facts(kind=RoomKind.GROUP, actor=Role.MEMBER, subject_exists=False)
    assert verdict(permissions.may_ban, facts) == FORBIDDEN.code


@pytest.mark.parametrize("actor", ROLES)
def test_the_banned_stay_out(actor: Role | None) -> None:
    channel = partial(Facts, kind=RoomKind.CHANNEL, subject_exists=True, banned=True)
    if actor is None:
        assert verdict(permissions.may_join, channel(actor=None)) == BANNED.code
    else:
        assert verdict(permissions.may_invite, channel(actor=actor)) == BANNED.code


NOW = 1_800_000_000_000
WRITING = ["send", "reply", "edit own", "react", "pin"]


def refusal(action: str, **facts: object) -> PlazaError:
    rule, circumstances = RULES[action]
    with pytest.raises(PlazaError) as refused:
        rule(Facts(now=NOW, **{**circumstances, **facts}))
    return refused.value


class TestMuted:
    @pytest.mark.parametrize("action", WRITING)
    def test_cannot_write_for_a_time(self, action: str) -> None:
        for role in Role:
            if action == "pin" and role is Role.MEMBER:
                continue  # may not in any case
            refused = refusal(action, kind=RoomKind.GROUP, actor=role, muted_until=NOW + 1_500)
            assert (refused.spec, refused.retry_after) == (MUTED, 1.5)

    @pytest.mark.parametrize("action", WRITING)
    def test_for_good_there_is_no_time_to_wait_for(self, action: str) -> None:
        for_good = NOW + 1_000 * 366 * 86_400_000
        refused = refusal(action, kind=RoomKind.GROUP, actor=Role.ADMIN, muted_until=for_good)
        assert (refused.spec, refused.retry_after) == (MUTED, None)

    @pytest.mark.parametrize("action", WRITING)
    def test_in_a_dm_it_is_a_block(self, action: str) -> None:
        refused = refusal(action, kind=RoomKind.DM, actor=Role.MEMBER, muted_until=NOW + 1)
        assert (refused.spec, refused.retry_after) == (BLOCKED, None)

    @pytest.mark.parametrize("action", WRITING)
    def test_a_mute_runs_out(self, action: str) -> None:
        rule, circumstances = RULES[action]
        facts = Facts(
            kind=RoomKind.GROUP, actor=Role.ADMIN, now=NOW, muted_until=NOW, **circumstances
        )
        assert verdict(rule, facts) == "yes"

    @pytest.mark.parametrize("action", ["delete own", "unreact", "leave"])
    def test_may_take_back_what_was_said_and_go(self, action: str) -> None:
        rule, circumstances = RULES[action]
        facts = Facts(
            kind=RoomKind.GROUP, actor=Role.MEMBER, now=NOW, muted_until=NOW + 1, **circumstances
        )
        assert verdict(rule, facts) == "yes"


class TestSlowMode:
    @pytest.mark.parametrize("action", ["send", "reply"])
    def test_members_wait(self, action: str) -> None:
        slow = {"kind": RoomKind.CHANNEL, "slow_seconds": 10}
        refused = refusal(action, actor=Role.MEMBER, last_message=NOW - 7_000, **slow)
        assert (refused.spec, refused.retry_after) == (SLOW_MODE, 3.0)

    @pytest.mark.parametrize(
        ("actor", "facts"),
        [
            (Role.MEMBER, {"slow_seconds": 10, "last_message": NOW - 10_000}),
            (Role.MEMBER, {"slow_seconds": 10, "last_message": None}),
            (Role.MEMBER, {"slow_seconds": 0, "last_message": NOW}),
            (Role.ADMIN, {"slow_seconds": 10, "last_message": NOW}),
            (Role.OWNER, {"slow_seconds": 10, "last_message": NOW}),
        ],
    )
    def test_who_need_not_wait(self, actor: Role, facts: dict[str, int | None]) -> None:
        channel = Facts(kind=RoomKind.CHANNEL, actor=actor, now=NOW, **facts)
        assert verdict(permissions.may_send, channel) == "yes"

    @pytest.mark.parametrize("action", ["edit own", "delete own", "react"])
    def test_is_about_messages_alone(self, action: str) -> None:
        rule, circumstances = RULES[action]
        facts = Facts(
            kind=RoomKind.CHANNEL,
            actor=Role.MEMBER,
            now=NOW,
            slow_seconds=10,
            last_message=NOW,
            **circumstances,
        )
        assert verdict(rule, facts) == "yes"


def test_there_are_so_many_pins_and_no_more() -> None:
    full = partial(Facts, kind=RoomKind.GROUP, actor=Role.OWNER, pins=permissions.MAX_PINS)
    assert verdict(permissions.may_pin, full(target=ANOTHERS)) == FORBIDDEN.code
    assert verdict(permissions.may_pin, full(target=PINNED)) == "unchanged"
    assert verdict(permissions.may_unpin, full(target=PINNED)) == "yes"
    assert verdict(permissions.may_unpin, full()) == NOT_FOUND.code


def test_a_dm_is_opened_unless_one_has_blocked_the_other() -> None:
    assert verdict(permissions.may_open_dm, blocked=False) == "yes"
    assert verdict(permissions.may_open_dm, blocked=True) == BLOCKED.code
