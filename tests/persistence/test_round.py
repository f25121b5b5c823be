"""A round: what may be written together, and what is written."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import combinations

import asyncpg
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persistence import rooms
from persistence.embedded import EmbeddedPostgres
from persistence.round import is_plain, split_round, write_round
from protocol.drafts import Draft, Facts, Target, Unchanged
from protocol.errors import FORBIDDEN, LAST_OWNER, MUTED, NOT_FOUND, SLOW_MODE, PlazaError
from protocol.events import (
    Edited,
    MemberCause,
    MemberChanged,
    MemberMuted,
    Message,
    Pinned,
    Reacted,
    Unreacted,
)
from protocol.ids import Id
from protocol.records import Role, RoomKind
from protocol.times import to_ms
from rooms import conversation
from tests.rooms.town import NOW, Town, founded, number

ADA, BOB, GARDEN, KITCHEN = Id(1), Id(2), Id(11), Id(12)


@pytest.fixture(scope="module")
async def town(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Town]:
    async with founded(postgres, template) as town:
        yield town


# --- what may be written together ------------------------------------------------------------

accounts, places = st.sampled_from([ADA, BOB]), st.sampled_from([GARDEN, KITCHEN])
seqs, emojis = st.integers(1, 2), st.sampled_from(["👍", "🌱"])
drafts_of_all_kinds = st.one_of(
    st.builds(conversation.message, accounts, places, st.sampled_from(["hi", "hi @bob"])),
    st.builds(conversation.message, accounts, places, st.just("yes"), reply_to=seqs),
    st.builds(conversation.edit, accounts, places, seqs, st.just("better")),
    st.builds(conversation.delete, accounts, places, seqs),
    st.builds(conversation.react, accounts, places, seqs, emojis),
    st.builds(conversation.unreact, accounts, places, seqs, emojis),
    st.builds(conversation.join, accounts, places),
    st.builds(conversation.leave, accounts, places),
    st.builds(conversation.promote, accounts, places, accounts, st.sampled_from(Role)),
    st.builds(conversation.rename, accounts, places, st.just("Garden")),
)


def could_change(earlier: Draft, later: Draft) -> bool:
    """Whether writing one draft could change what the guard of another sees."""
    first, second = earlier.event, later.event
    if first.room != second.room or isinstance(first, Message):
        return False
    if not isinstance(first, Reacted | Unreacted):
        return True
    return isinstance(second, Reacted | Unreacted) and (
        (first.target, first.emoji, first.sender) == (second.target, second.emoji, second.sender)
    )


@settings(deadline=None)
@given(st.lists(drafts_of_all_kinds, min_size=1, max_size=12))
def test_a_round_is_as_long_as_no_draft_changes_the_facts_of_a_later_one(
    drafts: list[Draft],
) -> None:
    count = split_round(drafts)
    assert 1 <= count <= len(drafts)
    assert not any(could_change(*pair) for pair in combinations(drafts[:count], 2))
    if count < len(drafts):
        assert any(could_change(earlier, drafts[count]) for earlier in drafts[:count])


@pytest.mark.parametrize(
    ("drafts", "count"),
    [
        ([], 0),
        ([conversation.message(ADA, GARDEN, "hi")] * 3, 3),
        # Facts of the room's members, and of the message replied to.
        ([conversation.kick(ADA, GARDEN, BOB), conversation.message(BOB, GARDEN, "hi")], 1),
        ([conversation.delete(ADA, GARDEN, 1), conversation.message(BOB, GARDEN, "no")], 1),
        ([conversation.kick(ADA, GARDEN, BOB), conversation.message(BOB, KITCHEN, "hi")], 2),
        ([conversation.leave(ADA, GARDEN), conversation.leave(BOB, GARDEN)], 1),
        # Reactions: each its own, and before what may change their message.
        ([conversation.react(ADA, GARDEN, 1, "👍"), conversation.react(BOB, GARDEN, 1, "👍")], 2),
        ([conversation.react(ADA, GARDEN, 1, "👍"), conversation.react(ADA, GARDEN, 1, "🌱")], 2),
        ([conversation.react(ADA, GARDEN, 1, "👍"), conversation.unreact(ADA, GARDEN, 1, "👍")], 1),
        ([conversation.react(ADA, GARDEN, 1, "👍"), conversation.delete(ADA, GARDEN, 1)], 2),
        ([conversation.delete(ADA, GARDEN, 1), conversation.react(ADA, GARDEN, 1, "👍")], 1),
    ],
)
def test_where_a_round_ends(drafts: list[Draft], count: int) -> None:
    assert split_round(drafts) == count


def test_a_plain_draft_needs_no_look_at_the_database() -> None:
    assert is_plain(conversation.message(ADA, GARDEN, "hi"))
    assert not is_plain(conversation.message(ADA, GARDEN, "hi @bob"))
    assert not is_plain(conversation.message(ADA, GARDEN, "hi", reply_to=1))
    assert not is_plain(conversation.delete(ADA, GARDEN, 1))


# --- what is written -------------------------------------------------------------------------


async def test_seqs_are_dense_in_each_room(town: Town) -> None:
    ada, bob = await town.people("ada", "bob")
    rooms = [await town.room({ada.id: Role.OWNER, bob.id: Role.MEMBER}) for _ in range(3)]
    drafts = [
        conversation.message((ada.id, bob.id)[n % 2], rooms[n * n % 3], f"{n}") for n in range(30)
    ]
    assert await town.write(*drafts) == [None] * 30
    for room in rooms:
        mine = [draft.event for draft in drafts if draft.event.room == room]
        assert (await town.log(room))[1:] == mine
        assert [event.seq for event in mine] == list(range(2, len(mine) + 2))
        (row,) = await town.fetch("SELECT last_seq FROM rooms WHERE id = $1", room)
        assert row["last_seq"] == len(mine) + 1
    assert {draft.event.at for draft in drafts} == {"2026-11-22T18:51:07.125Z"}


@pytest.mark.parametrize("guarded", [False, True])
async def test_who_is_no_member_writes_nothing(town: Town, guarded: bool) -> None:
    ada, bob = await town.people("ada", "bob")
    room = await town.room({ada.id: Role.OWNER})
    drafts = [
        conversation.message(ada.id, room, "one"),
        conversation.message(bob.id, room, "not a member"),
        conversation.message(ada.id, number(), "no such room"),
        conversation.message(ada.id, room, "two"),
        conversation.message(Id(2**62), room, "no such account"),
    ]
    if guarded:  # one such draft, and all take the way of guarded ones
        drafts.append(conversation.react(bob.id, room, 1, "👍"))
    refusals = await town.write(*drafts)
    assert [draft.event.seq for draft in drafts[:5]] == [2, 0, 0, 3, 0]
    assert refusals[0] is refusals[3] is None
    for index in (1, 2, 4, 5)[: len(drafts) - 2]:
        refusal = refusals[index]
        assert isinstance(refusal, PlazaError)
        assert refusal.spec is NOT_FOUND
    assert [event.seq for event in await town.log(room)] == [1, 2, 3]


async def test_a_message_is_judged_by_the_members_before_its_round(town: Town) -> None:
    ada, bob, eve, tom = await town.people("ada", "bob", "eve", "tom")
    room = await town.room(
        {ada.id: Role.OWNER, bob.id: Role.MEMBER, eve.id: Role.MEMBER}, kind=RoomKind.CHANNEL
    )
    assert await town.write(
        conversation.message(bob.id, room, "bye"), conversation.leave(bob.id, room)
    ) == [None, None]
    assert await town.write(
        conversation.message(eve.id, room, "what?"), conversation.kick(ada.id, room, eve.id)
    ) == [None, None]
    refusal, _ = await town.write(
        conversation.message(tom.id, room, "too early"), conversation.join(tom.id, room)
    )
    assert isinstance(refusal, PlazaError)
    assert refusal.spec is NOT_FOUND
    bodies = [event.body for event in await town.log(room) if isinstance(event, Message)]
    assert bodies == ["bye", "what?"]


async def test_guards_see_the_facts_as_they_are(town: Town) -> None:
    ada, bob, eve, tom = await town.people("ada", "bob", "eve", "tom")
    room = await town.room(
        {ada.id: Role.OWNER, bob.id: Role.ADMIN, eve.id: Role.MEMBER}, kind=RoomKind.CHANNEL
    )
    alone = await town.room({bob.id: Role.OWNER})
    await town.write(
        conversation.message(ada.id, room, "2"), conversation.message(eve.id, room, "3")
    )
    await town.write(
        conversation.react(bob.id, room, 3, "👍"), conversation.delete(ada.id, room, 2)
    )
    seen: list[Facts] = []

    def see(facts: Facts) -> None:
        seen.append(facts)
        raise Unchanged

    def member(account: Id, *, sender: Id, where: Id = room) -> MemberChanged:
        return MemberChanged(
            room=where, sender=sender, account=account, cause=MemberCause.KICKED, role=None
        )

    here = {"kind": RoomKind.CHANNEL, "title": "Garden", "members": 3, "now": to_ms(NOW)}
    deleted = Target(sender=ada.id, deleted=True)
    eves = Target(sender=eve.id, deleted=False)
    reacted = Target(sender=eve.id, deleted=False, has_reaction=True)
    expected = [
        (Message(room=room, sender=ada.id), Facts(**here, actor=Role.OWNER)),
        (Message(room=room, sender=tom.id), Facts(**here, actor=None)),
        (
            Message(room=room, sender=bob.id, reply_to=3),
            Facts(**here, actor=Role.ADMIN, target=eves),
        ),
        # What is no message cannot be pointed at.
        (Message(room=room, sender=bob.id, reply_to=1), Facts(**here, actor=Role.ADMIN)),
        (Message(room=room, sender=bob.id, reply_to=4), Facts(**here, actor=Role.ADMIN)),
        (Message(room=room, sender=bob.id, reply_to=99), Facts(**here, actor=Role.ADMIN)),
        (
            Edited(room=room, sender=eve.id, target=2),
            Facts(**here, actor=Role.MEMBER, target=deleted),
        ),
        # One's own reaction, with that emoji.
        (
            Reacted(room=room, sender=bob.id, target=3, emoji="👍"),
            Facts(**here, actor=Role.ADMIN, target=reacted),
        ),
        (
            Unreacted(room=room, sender=bob.id, target=3, emoji="🌱"),
            Facts(**here, actor=Role.ADMIN, target=eves),
        ),
        (
            Reacted(room=room, sender=eve.id, target=3, emoji="👍"),
            Facts(**here, actor=Role.MEMBER, target=eves),
        ),
        (
            member(eve.id, sender=bob.id),
            Facts(**here, actor=Role.ADMIN, subject=Role.MEMBER, subject_exists=True, owners=1),
        ),
        (
            member(tom.id, sender=tom.id),
            Facts(**here, actor=None, subject_exists=True, owners=1),
        ),
        (member(Id(2**62), sender=ada.id), Facts(**here, actor=Role.OWNER, owners=1)),
        (
            member(bob.id, sender=bob.id, where=alone),
            Facts(
                kind=RoomKind.GROUP,
                title="Garden",
                actor=Role.OWNER,
                subject=Role.OWNER,
                subject_exists=True,
                owners=1,
                alone=True,
                members=1,
                now=to_ms(NOW),
            ),
        ),
    ]

    def saw() -> list[Facts]:
        # When somebody wrote last is slow mode's business: the next test.
        facts = [msgspec.structs.replace(fact, last_message=None) for fact in seen]
        seen.clear()
        return facts

    for event, facts in expected:
        await town.write(Draft(event, see))
        assert saw() == [facts]
    # All in one round, too: each draft gets its own.
    await town.write(*[Draft(event, see) for event, _ in expected])
    assert saw() == [facts for _, facts in expected]


async def test_guards_see_mutes_bans_slow_mode_and_pins(town: Town) -> None:
    ada, bob, eve = await town.people("ada", "bob", "eve")
    room = await town.room(
        {ada.id: Role.OWNER, bob.id: Role.MEMBER, eve.id: Role.MEMBER}, kind=RoomKind.CHANNEL
    )
    await town.write(conversation.message(bob.id, room, f"2, @{eve.username}"))
    await town.write(conversation.message(eve.id, room, "3", reply_to=2))
    await town.write(conversation.pin(ada.id, room, 3))
    await town.write(conversation.mute(ada.id, room, bob.id, seconds=60))
    await town.write(conversation.ban(ada.id, room, eve.id, seconds=60))
    await town.write(conversation.slow_mode(ada.id, room, 5))
    seen: list[Facts] = []
    here = {"kind": RoomKind.CHANNEL, "title": "Garden", "members": 2, "slow_seconds": 5}
    now = to_ms(NOW)
    bobs = Target(sender=bob.id, deleted=False, mentions=[eve.id])
    eves = Target(sender=eve.id, deleted=False, thread=2, pinned=True)
    muted = {"actor": Role.MEMBER, "muted_until": now + 60_000, "last_message": now}
    about_bob = MemberMuted(room=room, sender=ada.id, account=bob.id)
    about_eve = MemberChanged(
        room=room, sender=ada.id, account=eve.id, cause=MemberCause.INVITED, role=Role.MEMBER
    )
    expected = [
        (Edited(room=room, sender=bob.id, target=2), Facts(**here, **muted, target=bobs, now=now)),
        (
            Pinned(room=room, sender=ada.id, target=3),
            Facts(**here, actor=Role.OWNER, target=eves, pins=1, now=now),
        ),
        (
            about_bob,
            Facts(
                **here,
                actor=Role.OWNER,
                subject=Role.MEMBER,
                subject_exists=True,
                subject_muted=True,
                owners=1,
                now=now,
            ),
        ),
        (
            about_eve,
            Facts(**here, actor=Role.OWNER, subject_exists=True, banned=True, owners=1, now=now),
        ),
    ]

    def see(facts: Facts) -> None:
        seen.append(facts)
        raise Unchanged

    await town.write(*[Draft(event, see) for event, _ in expected])
    assert seen == [facts for _, facts in expected]
    seen.clear()
    # A minute later the mute and the ban have run out.
    await town.write(Draft(about_bob, see), Draft(about_eve, see), at=NOW + timedelta(seconds=60))
    assert [(facts.subject_muted, facts.banned) for facts in seen] == [(False, False)] * 2


async def test_who_is_muted_is_told_for_how_long(town: Town) -> None:
    ada, bob = await town.people("ada", "bob")
    room = await town.room({ada.id: Role.OWNER, bob.id: Role.MEMBER}, kind=RoomKind.CHANNEL)
    await town.write(conversation.mute(ada.id, room, bob.id, seconds=60))
    drafts = [
        conversation.message(bob.id, room, "no"),
        conversation.message(ada.id, room, "yes"),
    ]
    refusal, written = await town.write(*drafts)
    assert isinstance(refusal, PlazaError)
    assert (refusal.spec, refusal.retry_after) == (MUTED, 60.0)
    assert written is None
    # Leaving and coming back does not help, patience does.
    await town.write(conversation.leave(bob.id, room))
    await town.write(conversation.join(bob.id, room))
    (refusal,) = await town.write(conversation.message(bob.id, room, "no"))
    assert isinstance(refusal, PlazaError)
    later = NOW + timedelta(seconds=60)
    assert await town.write(conversation.message(bob.id, room, "yes"), at=later) == [None]


async def test_a_mute_can_be_taken_back(town: Town) -> None:
    ada, bob = await town.people("ada", "bob")
    room = await town.room({ada.id: Role.OWNER, bob.id: Role.MEMBER})
    await town.write(conversation.mute(ada.id, room, bob.id))
    (refusal,) = await town.write(conversation.message(bob.id, room, "no"))
    assert isinstance(refusal, PlazaError)
    assert (refusal.spec, refusal.retry_after) == (MUTED, None)
    assert await town.write(conversation.unmute(ada.id, room, bob.id)) == [None]
    assert await town.write(conversation.message(bob.id, room, "yes")) == [None]
    (repeated,) = await town.write(conversation.unmute(ada.id, room, bob.id))
    assert isinstance(repeated, Unchanged)


async def test_slow_mode_counts_from_message_to_message(town: Town) -> None:
    ada, bob, eve = await town.people("ada", "bob", "eve")
    room = await town.room({ada.id: Role.OWNER, bob.id: Role.MEMBER, eve.id: Role.MEMBER})
    await town.write(conversation.slow_mode(ada.id, room, 5))
    drafts = [
        conversation.message(sender, room, "hi")
        for sender in (bob.id, ada.id, bob.id, ada.id, eve.id)
    ]
    first, owners, second, owners_too, eves = await town.write(*drafts)
    assert first is owners is owners_too is eves is None
    assert isinstance(second, PlazaError)
    assert (second.spec, second.retry_after) == (SLOW_MODE, 5.0)
    (early,) = await town.write(
        conversation.message(bob.id, room, "hi"), at=NOW + timedelta(seconds=4)
    )
    assert isinstance(early, PlazaError)
    assert early.retry_after == 1.0
    late = NOW + timedelta(seconds=5)
    assert await town.write(conversation.message(bob.id, room, "hi"), at=late) == [None]


async def test_unread_messages_are_those_of_others_that_stand(town: Town) -> None:
    ada, bob, eve = await town.people("ada", "bob", "eve")
    room = await town.room(dict.fromkeys([ada.id, bob.id, eve.id], Role.OWNER))

    async def counts() -> list[tuple[int, int]]:
        async with town.database.connection() as connection:
            seen = [await rooms.room(connection, user.id, room) for user in (ada, bob, eve)]
        return [(record.unread, record.mentions) for record in seen if record is not None]

    assert await counts() == [(0, 0)] * 3
    await town.write(*[conversation.message(ada.id, room, "hi") for _ in range(3)])  # 2, 3, 4
    assert await counts() == [(0, 0), (3, 0), (3, 0)]
    await town.write(conversation.react(bob.id, room, 2, "👍"))
    await town.write(conversation.delete(ada.id, room, 3))
    assert await counts() == [(0, 0), (2, 0), (2, 0)]
    await town.write(conversation.message(bob.id, room, f"@{ada.username} @{eve.username}"))  # 7
    assert await counts() == [(1, 1), (0, 0), (3, 1)]
    await town.write(conversation.edit(bob.id, room, 7, f"only @{eve.username}"))
    assert await counts() == [(1, 0), (0, 0), (3, 1)]
    await town.write(conversation.edit(ada.id, room, 4, f"@{bob.username} @{eve.username}"))
    assert await counts() == [(1, 0), (0, 0), (3, 2)]  # bob had read it before
    await town.write(conversation.delete(bob.id, room, 7))
    assert await counts() == [(0, 0), (0, 0), (2, 1)]


async def test_two_owners_are_counted_as_two(town: Town) -> None:
    ada, bob, eve = await town.people("ada", "bob", "eve")
    room = await town.room(dict.fromkeys([ada.id, bob.id, eve.id], Role.OWNER))
    seen: list[Facts] = []
    event = MemberChanged(room=room, sender=ada.id, account=ada.id, cause=MemberCause.LEFT)
    await town.write(Draft(event, seen.append))
    assert (seen[0].owners, seen[0].alone) == (2, False)


async def test_what_a_guard_refuses_is_not_written(town: Town) -> None:
    ada, bob = await town.people("ada", "bob")
    room = await town.room({ada.id: Role.OWNER, bob.id: Role.MEMBER})

    def refuse(_: Facts) -> None:
        raise PlazaError(FORBIDDEN, "No.")

    def change_nothing(_: Facts) -> None:
        raise Unchanged

    refusals = await town.write(
        Draft(Message(room=room, sender=ada.id, body="refused"), refuse),
        conversation.message(bob.id, room, "between"),
        Draft(Message(room=room, sender=ada.id, body="unchanged"), change_nothing),
        Draft(Message(room=room, sender=ada.id, body="agreed"), lambda facts: None),
    )
    assert [type(refusal) for refusal in refusals] == [
        PlazaError,
        type(None),
        Unchanged,
        type(None),
    ]
    assert str(refusals[0]) == "No."
    assert [(e.seq, e.body) for e in await town.log(room) if isinstance(e, Message)] == [
        (2, "between"),
        (3, "agreed"),
    ]


async def test_a_guards_bug_leaves_nothing_behind(town: Town) -> None:
    (ada,) = await town.people("ada")
    room = await town.room({ada.id: Role.OWNER})

    def fail(_: Facts) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await town.write(
            conversation.rename(ada.id, room, "half done"),
            Draft(Message(room=room, sender=ada.id), fail),
        )
    assert len(await town.log(room)) == 1
    (row,) = await town.fetch("SELECT title FROM rooms WHERE id = $1", room)
    assert row["title"] == "Garden"


async def test_a_nonce_of_the_log_stops_the_whole_round(town: Town) -> None:
    ada, bob = await town.people("ada", "bob")
    room = await town.room({ada.id: Role.OWNER, bob.id: Role.MEMBER})
    await town.write(conversation.message(ada.id, room, "hi", nonce="n"))
    for guarded in ("", "@bob "):
        with pytest.raises(asyncpg.UniqueViolationError) as raised:
            await town.write(
                conversation.message(ada.id, room, f"{guarded}another"),
                conversation.message(ada.id, room, "hi", nonce="n"),
            )
        assert raised.value.constraint_name == "room_events_nonce"
    # The same of somebody else is another nonce.
    assert await town.write(conversation.message(bob.id, room, "hi", nonce="n")) == [None]
    assert [event.seq for event in await town.log(room)] == [1, 2, 3]


async def test_mentions_are_of_members_in_the_order_of_the_text(town: Town) -> None:
    ada, bob, eve, tom = await town.people("ada", "bob", "eve", "tom")
    room = await town.room(dict.fromkeys([ada.id, bob.id, eve.id], Role.OWNER))
    other = await town.room(dict.fromkeys([ada.id, tom.id], Role.OWNER))
    body = f"@{eve.username}, @nobody_at_all, @{tom.username} and @{bob.username.upper()}"
    drafts = [
        conversation.message(ada.id, room, body),
        conversation.message(ada.id, room, "nobody"),
        conversation.message(ada.id, other, body),
        conversation.message(ada.id, room, f"@{ada.username} @{ada.username}"),
    ]
    await town.write(*drafts)
    expected = [[eve.id, bob.id], [], [tom.id], [ada.id]]
    assert [draft.event.mentions for draft in drafts] == expected
    logged = (await town.log(room))[1:3] + (await town.log(other))[1:] + (await town.log(room))[3:]
    assert [event.mentions for event in logged if isinstance(event, Message)] == expected


async def test_of_two_last_owners_who_leave_at_once_one_stays(town: Town) -> None:
    ada, bob, eve = await town.people("ada", "bob", "eve")
    for _ in range(5):
        room = await town.room({ada.id: Role.OWNER, bob.id: Role.OWNER, eve.id: Role.MEMBER})
        outcomes = await asyncio.gather(
            town.write(conversation.leave(ada.id, room)),
            town.write(conversation.leave(bob.id, room)),
        )
        refusals = [refusal for (refusal,) in outcomes if refusal is not None]
        assert len(refusals) == 1
        assert isinstance(refusals[0], PlazaError)
        assert refusals[0].spec is LAST_OWNER
        assert list((await town.roles(room)).values()).count(Role.OWNER) == 1


async def test_rounds_on_several_connections_neither_collide_nor_block_each_other(
    town: Town,
) -> None:
    ada, bob = await town.people("ada", "bob")
    rooms = [await town.room({ada.id: Role.OWNER, bob.id: Role.MEMBER}) for _ in range(4)]

    async def talk(sender: Id, order: int) -> None:
        for turn in range(10):
            text = "hi" if turn % 2 else f"hi @{bob.username}"  # with and without a lock ahead
            assert not any(
                await town.write(
                    *[conversation.message(sender, room, text) for room in rooms[::order]]
                )
            )

    async with asyncio.timeout(20):  # rooms in opposite orders: a circle would be a deadlock
        await asyncio.gather(talk(ada.id, 1), talk(bob.id, -1), talk(ada.id, -1))
    for room in rooms:
        assert [event.seq for event in await town.log(room)] == list(range(1, 32))


async def test_the_round_is_one_transaction(town: Town) -> None:
    (ada,) = await town.people("ada")
    room = await town.room({ada.id: Role.OWNER})
    drafts = [conversation.message(ada.id, room, "hi"), conversation.rename(ada.id, room, "Shed")]
    for draft in drafts:
        draft.event.event_id = number()
    async with town.database.connection() as connection, connection.transaction():
        await write_round(connection, drafts, at=NOW)
        assert len(await town.log(room)) == 1  # others see nothing before the commit
    assert len(await town.log(room)) == 3
