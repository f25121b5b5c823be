"""The table of rooms/permissions.py, cell by cell."""

from collections.abc import Callable
from functools import partial
from itertools import product

import pytest

from protocol.drafts import Facts, Target, Unchanged
from protocol.errors import FORBIDDEN, LAST_OWNER, MESSAGE_DELETED, NOT_FOUND, PlazaError
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
BY_KIND = {
    "edit own": MEMBERS,
    "edit another's": NOBODY,
    "delete own": MEMBERS,
    "delete another's": ADMINS,
    "reply": MEMBERS,
    "react": MEMBERS,
    "unreact": MEMBERS,
    "rename": ADMINS,
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
}

RULES: dict[str, tuple[Callable[..., None], dict[str, object]]] = {
    "edit own": (partial(permissions.may_edit, actor=ACTOR), {"target": OWN}),
    "edit another's": (partial(permissions.may_edit, actor=ACTOR), {"target": ANOTHERS}),
    "delete own": (partial(permissions.may_delete, actor=ACTOR), {"target": OWN}),
    "delete another's": (partial(permissions.may_delete, actor=ACTOR), {"target": ANOTHERS}),
    "reply": (permissions.may_reply, {"target": ANOTHERS}),
    "react": (permissions.may_react, {"target": ANOTHERS}),
    "unreact": (permissions.may_unreact, {"target": REACTED}),
    "invite": (permissions.may_invite, {"subject_exists": True}),
    "join": (permissions.may_join, {}),
    "leave": (permissions.may_leave, {"owners": 2}),
    "rename": (partial(permissions.may_rename, title="new"), {"title": "old"}),
}

# Groups and channels alike; in a dm all of it is forbidden. Rows: the actor; columns: the subject.
KICK = """
           -  member  admin  owner
    -      n  n       n      n
    member f  f       f      f
    admin  n  y       f      f
    owner  n  y       y      f
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


@pytest.mark.parametrize(("actor", "subject", "expected"), cells(KICK))
def test_kick(actor: str, subject: str, expected: str) -> None:
    roles = {"actor": role_of(actor), "subject": role_of(subject)}
    for kind in (RoomKind.GROUP, RoomKind.CHANNEL):
        assert verdict(permissions.may_kick, Facts(kind=kind, **roles)) == expected
    in_dm = "forbidden" if role_of(actor) else "not_found"
    assert verdict(permissions.may_kick, Facts(kind=RoomKind.DM, **roles)) == in_dm


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
    ],
)
def test_what_is_left_of_a_message(action: str, on_deleted: str) -> None:
    rule, _ = RULES[action]
    for kind, target in product(KINDS, (OWN_DELETED, ANOTHERS_DELETED)):
        member = Facts(kind=kind, actor=Role.MEMBER, target=target)
        assert verdict(rule, member) == on_deleted
        # That there was such a message is nobody else's business.
        assert verdict(rule, Facts(kind=kind, actor=None, target=target)) == NOT_FOUND.code
        assert verdict(rule, Facts(kind=kind, actor=Role.OWNER)) == NOT_FOUND.code


def test_what_is_so_already_is_unchanged() -> None:
    channel = partial(Facts, kind=RoomKind.CHANNEL, actor=Role.OWNER)
    assert verdict(permissions.may_react, channel(target=REACTED)) == "unchanged"
    assert verdict(permissions.may_unreact, channel(target=ANOTHERS)) == "unchanged"
    assert verdict(permissions.may_rename, channel(title="same"), title="same") == "unchanged"
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
