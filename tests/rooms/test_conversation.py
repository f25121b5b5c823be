"""Requests become drafts: the right event, the right guard, clean text."""

from collections.abc import Callable

import pytest

from protocol.drafts import Draft, Facts, Target, Unchanged
from protocol.errors import BAD_REQUEST, FORBIDDEN, LAST_OWNER, NOT_FOUND, PlazaError
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
    RoomEvent,
    SlowModeSet,
    Unpinned,
    Unreacted,
)
from protocol.ids import Id
from protocol.records import Attachment, Role, RoomKind
from protocol.times import FOREVER
from rooms import conversation

ADA, BOB, ROOM = Id(1), Id(2), Id(9)
HEAD = {"room": ROOM, "sender": ADA}
PHOTO = Attachment(id="photo-1", name="garden.jpg")


@pytest.mark.parametrize(
    ("draft", "event"),
    [
        (conversation.message(ADA, ROOM, "hi", nonce="n"), Message(**HEAD, nonce="n", body="hi")),
        (
            conversation.message(ADA, ROOM, "", attachments=[PHOTO], reply_to=4),
            Message(**HEAD, attachments=[PHOTO], reply_to=4),
        ),
        (
            conversation.edit(ADA, ROOM, 4, "cafe\u0301", nonce="n"),
            Edited(**HEAD, nonce="n", target=4, body="café"),
        ),
        (conversation.delete(ADA, ROOM, 4, nonce="n"), Deleted(**HEAD, nonce="n", target=4)),
        (
            conversation.react(ADA, ROOM, 4, "👍", nonce="n"),
            Reacted(**HEAD, nonce="n", target=4, emoji="👍"),
        ),
        (
            conversation.unreact(ADA, ROOM, 4, "👍", nonce="n"),
            Unreacted(**HEAD, nonce="n", target=4, emoji="👍"),
        ),
        (
            conversation.join(ADA, ROOM),
            MemberChanged(**HEAD, account=ADA, cause=MemberCause.JOINED, role=Role.MEMBER),
        ),
        (
            conversation.leave(ADA, ROOM),
            MemberChanged(**HEAD, account=ADA, cause=MemberCause.LEFT),
        ),
        (
            conversation.depart(ADA, ROOM),
            MemberChanged(**HEAD, account=ADA, cause=MemberCause.LEFT),
        ),
        (
            conversation.invite(ADA, ROOM, BOB),
            MemberChanged(**HEAD, account=BOB, cause=MemberCause.INVITED, role=Role.MEMBER),
        ),
        (
            conversation.kick(ADA, ROOM, BOB),
            MemberChanged(**HEAD, account=BOB, cause=MemberCause.KICKED),
        ),
        (
            conversation.promote(ADA, ROOM, BOB, Role.ADMIN),
            MemberChanged(**HEAD, account=BOB, cause=MemberCause.PROMOTED, role=Role.ADMIN),
        ),
        (conversation.rename(ADA, ROOM, " Garden "), Renamed(**HEAD, title="Garden")),
        (conversation.pin(ADA, ROOM, 4, nonce="n"), Pinned(**HEAD, nonce="n", target=4)),
        (conversation.unpin(ADA, ROOM, 4, nonce="n"), Unpinned(**HEAD, nonce="n", target=4)),
        (
            conversation.ban(ADA, ROOM, BOB),
            MemberChanged(**HEAD, account=BOB, cause=MemberCause.BANNED),
        ),
        (
            conversation.unban(ADA, ROOM, BOB),
            MemberChanged(**HEAD, account=BOB, cause=MemberCause.UNBANNED),
        ),
        (conversation.mute(ADA, ROOM, BOB), MemberMuted(**HEAD, account=BOB, until=FOREVER)),
        (conversation.unmute(ADA, ROOM, BOB), MemberMuted(**HEAD, account=BOB)),
        (conversation.slow_mode(ADA, ROOM, 10), SlowModeSet(**HEAD, seconds=10)),
    ],
)
def test_the_event_is_complete_but_for_the_logs_part(draft: Draft, event: RoomEvent) -> None:
    assert draft.event == event


def test_only_a_plain_message_is_quick() -> None:
    assert conversation.message(ADA, ROOM, "hi").quick
    assert not conversation.message(ADA, ROOM, "hi", reply_to=4).quick
    assert not conversation.edit(ADA, ROOM, 4, "hi").quick
    assert not conversation.slow_mode(ADA, ROOM, 10).quick


def test_bans_and_mutes_last_as_long_as_is_said() -> None:
    for action in (conversation.ban, conversation.mute):
        assert action(ADA, ROOM, BOB, seconds=60).seconds == 60
        assert action(ADA, ROOM, BOB).seconds is None


def test_mentions_are_read_off_the_stored_body() -> None:
    assert conversation.message(ADA, ROOM, "@Bob and @eve, @bob").mentions == ("bob", "eve")
    assert conversation.edit(ADA, ROOM, 4, "@bob").mentions == ("bob",)
    assert conversation.message(ADA, ROOM, "bob@example.org").mentions == ()


@pytest.mark.parametrize(
    "request_",
    [
        lambda: conversation.message(ADA, ROOM, ""),
        lambda: conversation.message(ADA, ROOM, "\0", attachments=[PHOTO]),
        lambda: conversation.edit(ADA, ROOM, 4, ""),
        lambda: conversation.react(ADA, ROOM, 4, "no emoji"),
        lambda: conversation.unreact(ADA, ROOM, 4, ""),
        lambda: conversation.rename(ADA, ROOM, "\n"),
    ],
)
def test_text_that_may_not_be_makes_no_draft(request_: Callable[[], Draft]) -> None:
    with pytest.raises(PlazaError, check=lambda error: error.spec is BAD_REQUEST):
        request_()


def facts(actor: Role | None = Role.MEMBER, **others: object) -> Facts:
    return Facts(kind=RoomKind.GROUP, actor=actor, **{"owners": 2, **others})


BOBS = Target(sender=BOB, deleted=False)
BOB_IS = Role.MEMBER
REACTED = Target(sender=BOB, deleted=False, has_reaction=True)


@pytest.mark.parametrize(
    ("draft", "state", "code"),
    [
        (conversation.message(ADA, ROOM, "hi"), facts(actor=None), NOT_FOUND.code),
        (conversation.message(ADA, ROOM, "hi"), facts(), None),
        (conversation.message(ADA, ROOM, "hi", reply_to=4), facts(), NOT_FOUND.code),
        (conversation.edit(ADA, ROOM, 4, "x"), facts(target=BOBS), FORBIDDEN.code),
        (conversation.edit(BOB, ROOM, 4, "x"), facts(target=BOBS), None),
        (conversation.delete(ADA, ROOM, 4), facts(target=BOBS), FORBIDDEN.code),
        (conversation.delete(BOB, ROOM, 4), facts(target=BOBS), None),
        (conversation.react(ADA, ROOM, 4, "👍"), facts(target=REACTED), "unchanged"),
        (conversation.unreact(ADA, ROOM, 4, "👍"), facts(target=BOBS), "unchanged"),
        (conversation.join(ADA, ROOM), facts(actor=None), NOT_FOUND.code),
        (conversation.leave(ADA, ROOM), facts(Role.OWNER, owners=1), LAST_OWNER.code),
        (conversation.depart(ADA, ROOM), facts(Role.OWNER, owners=1), None),
        (conversation.invite(ADA, ROOM, BOB), facts(subject_exists=True), FORBIDDEN.code),
        (conversation.kick(ADA, ROOM, BOB), facts(Role.OWNER), NOT_FOUND.code),
        # Oneself downwards, but nobody else.
        (
            conversation.promote(ADA, ROOM, ADA, Role.MEMBER),
            facts(Role.ADMIN, subject=Role.ADMIN),
            None,
        ),
        (
            conversation.promote(ADA, ROOM, BOB, Role.MEMBER),
            facts(Role.ADMIN, subject=Role.ADMIN),
            FORBIDDEN.code,
        ),
        (conversation.rename(ADA, ROOM, "same "), facts(Role.OWNER, title="same"), "unchanged"),
        (conversation.pin(ADA, ROOM, 4), facts(Role.ADMIN, target=BOBS), None),
        (conversation.pin(ADA, ROOM, 4), facts(target=BOBS), FORBIDDEN.code),
        (conversation.unpin(ADA, ROOM, 4), facts(Role.ADMIN, target=BOBS), "unchanged"),
        (conversation.ban(ADA, ROOM, BOB), facts(Role.ADMIN, subject_exists=True), None),
        (conversation.unban(ADA, ROOM, BOB), facts(Role.ADMIN), "unchanged"),
        (conversation.mute(ADA, ROOM, BOB), facts(Role.ADMIN), NOT_FOUND.code),
        (conversation.unmute(ADA, ROOM, BOB), facts(Role.ADMIN, subject=BOB_IS), "unchanged"),
        (conversation.slow_mode(ADA, ROOM, 9), facts(Role.ADMIN, slow_seconds=9), "unchanged"),
    ],
)
def test_the_guard_is_the_actions_own(draft: Draft, state: Facts, code: str | None) -> None:
    assert draft.guard is not None
    if code is None:
        draft.guard(state)
    elif code == "unchanged":
        with pytest.raises(Unchanged):
            draft.guard(state)
    else:
        with pytest.raises(PlazaError, check=lambda error: error.spec.code == code):
            draft.guard(state)
