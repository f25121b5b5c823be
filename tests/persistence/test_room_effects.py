"""What events bring about: messages that change, members who come and go, titles."""

import random
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from persistence.embedded import EmbeddedPostgres
from persistence.round import split_round
from protocol.drafts import Draft, Unchanged
from protocol.errors import PlazaError
from protocol.events import (
    Created,
    Deleted,
    Edited,
    Message,
    Reacted,
)
from protocol.ids import Id
from protocol.records import Attachment, Reaction, Role, RoomKind, Thread, User
from protocol.times import rfc3339
from rooms import conversation
from tests import social
from tests.rooms.memory import Memory
from tests.rooms.town import NOW, Town, founded

LATER = NOW + timedelta(minutes=1)


@pytest.fixture(scope="module")
async def town(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Town]:
    async with founded(postgres, template) as town:
        yield town


@pytest.fixture
async def trio(town: Town) -> tuple[User, User, User]:
    ada, bob, eve = await town.people("ada", "bob", "eve")
    return ada, bob, eve


@pytest.fixture
async def garden(town: Town, trio: tuple[User, User, User]) -> Id:
    """A group of Ada, its owner, and Bob. Its seq 2 is a message of Ada's that mentions Bob."""
    ada, bob, _ = trio
    room = await town.room({ada.id: Role.OWNER, bob.id: Role.MEMBER})
    async with town.database.connection() as connection:
        photo = Attachment(id=str(await social.upload(connection, ada.id)))
    draft = conversation.message(ada.id, room, f"@{bob.username}", attachments=[photo])
    assert await town.write(draft) == [None]
    return room


async def message(town: Town, room: Id, seq: int = 2) -> Message:
    found = (await town.log(room))[seq - 1]
    assert isinstance(found, Message)
    return found


class TestEdit:
    async def test_changes_what_the_message_says(
        self, town: Town, trio: tuple[User, User, User], garden: Id
    ) -> None:
        ada, bob, _ = trio
        before = await message(town, garden)
        assert before.mentions == [bob.id]
        edit = conversation.edit(ada.id, garden, 2, f"better, @{ada.username}")
        await town.write(edit, at=LATER)
        edited = await message(town, garden)
        assert edited.body == f"better, @{ada.username}"
        assert edited.mentions == [ada.id]
        assert edited.attachments == before.attachments != []
        assert (edited.at, edited.edited_at) == (rfc3339(NOW), rfc3339(LATER))
        assert (await town.log(garden))[2] == edit.event

    async def test_takes_mentions_away(
        self, town: Town, trio: tuple[User, User, User], garden: Id
    ) -> None:
        ada, bob, _ = trio
        await town.write(conversation.message(ada.id, garden, f"@{bob.username}"))
        for seq in (2, 3):
            await town.write(conversation.edit(ada.id, garden, seq, "nobody"))
            assert (await message(town, garden, seq)).mentions == []
        (row,) = await town.fetch(
            "SELECT details FROM room_events WHERE room_id = $1 AND seq = 3", garden
        )
        assert row["details"] is None

    async def test_counts_the_last_one(
        self, town: Town, trio: tuple[User, User, User], garden: Id
    ) -> None:
        ada, _, _ = trio
        for body in ("one", "two", "three"):
            await town.write(conversation.edit(ada.id, garden, 2, body))
        assert (await message(town, garden)).body == "three"
        edits = [event.body for event in await town.log(garden) if isinstance(event, Edited)]
        assert edits == ["one", "two", "three"]


class TestDelete:
    async def test_leaves_a_tombstone(
        self, town: Town, trio: tuple[User, User, User], garden: Id
    ) -> None:
        ada, bob, _ = trio
        await town.write(conversation.react(bob.id, garden, 2, "👍"))
        await town.write(conversation.edit(ada.id, garden, 2, f"secret, @{bob.username}"))
        await town.write(conversation.message(bob.id, garden, "reply", reply_to=2))
        await town.write(conversation.delete(ada.id, garden, 2), at=LATER)
        created, tombstone, react, edit, reply, delete = await town.log(garden)
        assert isinstance(tombstone, Message)
        assert tombstone == Message(
            room=garden,
            sender=ada.id,
            seq=2,
            event_id=tombstone.event_id,
            at=rfc3339(NOW),
            edited_at=rfc3339(NOW),
            deleted=True,
            replies=Thread(replies=1, last_seq=5, last_at=rfc3339(NOW)),
        )
        # What later edits said goes as well; who replied keeps their own.
        assert isinstance(edit, Edited)
        assert (edit.body, edit.mentions) == ("", [])
        assert isinstance(reply, Message)
        assert (reply.body, reply.reply_to) == ("reply", 2)
        assert isinstance(react, Reacted)
        assert isinstance(delete, Deleted)
        assert isinstance(created, Created)
        assert not await town.fetch("SELECT FROM message_reactions WHERE room_id = $1", garden)

    async def test_takes_reactions_of_its_own_round_along(
        self, town: Town, trio: tuple[User, User, User], garden: Id
    ) -> None:
        ada, bob, _ = trio
        assert await town.write(
            conversation.react(bob.id, garden, 2, "👍"), conversation.delete(ada.id, garden, 2)
        ) == [None, None]
        assert (await message(town, garden)).reactions == []
        assert not await town.fetch("SELECT FROM message_reactions WHERE room_id = $1", garden)

    async def test_leaves_other_rooms_and_messages_alone(
        self, town: Town, trio: tuple[User, User, User], garden: Id
    ) -> None:
        ada, bob, _ = trio
        other = await town.room({ada.id: Role.OWNER})
        await town.write(conversation.message(ada.id, other, "same seq"))
        await town.write(conversation.message(ada.id, garden, "next"))
        await town.write(conversation.edit(ada.id, other, 2, "edited"))
        await town.write(conversation.react(bob.id, garden, 3, "👍"))
        await town.write(conversation.delete(ada.id, garden, 2))
        assert (await message(town, other)).body == "edited"
        assert [e.body for e in await town.log(other) if isinstance(e, Edited)] == ["edited"]
        assert (await message(town, garden, 3)).body == "next"
        assert (await message(town, garden, 3)).reactions


class TestReactions:
    async def test_stand_until_they_are_taken_back(
        self, town: Town, trio: tuple[User, User, User], garden: Id
    ) -> None:
        ada, bob, _ = trio
        await town.write(conversation.react(bob.id, garden, 2, "👍"))
        await town.write(
            conversation.react(ada.id, garden, 2, "👍"),
            conversation.react(ada.id, garden, 2, "🌱"),
            at=LATER,
        )
        assert (await message(town, garden)).reactions == [
            Reaction(emoji="👍", accounts=[bob.id, ada.id]),
            Reaction(emoji="🌱", accounts=[ada.id]),
        ]
        await town.write(
            conversation.unreact(bob.id, garden, 2, "👍"),
            conversation.unreact(ada.id, garden, 2, "🌱"),
        )
        assert (await message(town, garden)).reactions == [Reaction(emoji="👍", accounts=[ada.id])]

    async def test_change_something_once(
        self, town: Town, trio: tuple[User, User, User], garden: Id
    ) -> None:
        _, bob, _ = trio
        for request in (conversation.react, conversation.unreact):
            assert await town.write(request(bob.id, garden, 2, "👍")) == [None]
            (again,) = await town.write(request(bob.id, garden, 2, "👍"))
            assert isinstance(again, Unchanged)
        assert len(await town.log(garden)) == 4


class TestMembers:
    async def test_come_and_go(self, town: Town, trio: tuple[User, User, User], garden: Id) -> None:
        ada, bob, eve = trio
        await town.write(conversation.invite(ada.id, garden, eve.id), at=LATER)
        assert await town.roles(garden) == {
            ada.id: Role.OWNER, bob.id: Role.MEMBER, eve.id: Role.MEMBER,
        }  # fmt: skip
        await town.write(conversation.promote(ada.id, garden, eve.id, Role.ADMIN))
        await town.write(conversation.kick(eve.id, garden, bob.id))
        await town.write(conversation.promote(ada.id, garden, eve.id, Role.OWNER))
        await town.write(conversation.leave(ada.id, garden))
        assert await town.roles(garden) == {eve.id: Role.OWNER}
        await town.write(conversation.leave(eve.id, garden))
        assert await town.roles(garden) == {}

    async def test_have_read_what_came_before_them(
        self, town: Town, trio: tuple[User, User, User], garden: Id
    ) -> None:
        ada, _, eve = trio
        await town.write(conversation.invite(ada.id, garden, eve.id), at=LATER)
        (row,) = await town.fetch(
            "SELECT read_seq, joined_at FROM room_members WHERE (room_id, account_id) = ($1, $2)",
            *(garden, eve.id),
        )
        assert (row["read_seq"], row["joined_at"]) == (2, LATER)

    async def test_keep_their_place_when_their_role_changes(
        self, town: Town, trio: tuple[User, User, User], garden: Id
    ) -> None:
        ada, bob, _ = trio
        await town.write(conversation.promote(ada.id, garden, bob.id, Role.ADMIN), at=LATER)
        (row,) = await town.fetch(
            "SELECT role, read_seq, joined_at FROM room_members"
            " WHERE (room_id, account_id) = ($1, $2)",
            *(garden, bob.id),
        )
        assert tuple(row) == ("admin", 1, NOW)

    async def test_join_channels(self, town: Town, trio: tuple[User, User, User]) -> None:
        ada, bob, _ = trio
        square = await town.room({ada.id: Role.OWNER}, kind=RoomKind.CHANNEL)
        assert await town.write(conversation.join(bob.id, square)) == [None]
        (again,) = await town.write(conversation.join(bob.id, square))
        assert isinstance(again, Unchanged)
        assert await town.roles(square) == {ada.id: Role.OWNER, bob.id: Role.MEMBER}


async def test_a_title_is_the_rooms_from_now_on(
    town: Town, trio: tuple[User, User, User], garden: Id
) -> None:
    ada, bob, _ = trio
    other = await town.room({ada.id: Role.OWNER})
    draft = conversation.rename(ada.id, garden, "Orchard")
    assert await town.write(draft) == [None]
    assert (await town.log(garden))[-1] == draft.event
    titles = await town.fetch("SELECT id, title FROM rooms WHERE id = ANY($1)", [garden, other])
    assert dict(map(tuple, titles)) == {garden: "Orchard", other: "Garden"}
    (refusal,) = await town.write(conversation.rename(bob.id, garden, "Shed"))
    assert isinstance(refusal, PlazaError)


def anything(chance: random.Random, people: list[Id], room: Id, last_seq: int) -> Draft:
    """A draft that may or may not be allowed. It points at what was there before its burst."""
    actor, other = chance.choice([people[0], *people]), chance.choice(people)
    seq, emoji = chance.randint(1, min(last_seq, 8)), chance.choice("👍🌱")
    likely = [
        lambda: conversation.message(actor, room, "hi"),
        lambda: conversation.message(actor, room, "hi", reply_to=seq),
        lambda: conversation.edit(actor, room, seq, f"edited {chance.random()}"),
        lambda: conversation.react(actor, room, seq, emoji),
        lambda: conversation.unreact(actor, room, seq, emoji),
        lambda: conversation.invite(actor, room, other),
        lambda: conversation.join(actor, room),
        lambda: conversation.pin(actor, room, seq),
        lambda: conversation.unpin(actor, room, seq),
    ]
    rare = [
        lambda: conversation.delete(actor, room, seq),
        lambda: conversation.leave(people[-1], room),
        lambda: conversation.kick(actor, room, other),
        lambda: conversation.promote(actor, room, other, chance.choice(list(Role))),
        lambda: conversation.rename(actor, room, chance.choice(["Garden", "Orchard"])),
        # Of one each: the others are to go on.
        lambda: conversation.ban(actor, room, people[-1]),
        lambda: conversation.unban(actor, room, people[-1]),
        lambda: conversation.mute(actor, room, people[-2]),
        lambda: conversation.unmute(actor, room, people[-2]),
        lambda: conversation.slow_mode(actor, room, chance.choice([0, 0, 5])),
    ]
    return chance.choice(likely * 4 + rare)()


@pytest.mark.parametrize("seed", range(3))
async def test_rounds_leave_what_one_draft_after_another_would(town: Town, seed: int) -> None:
    chance = random.Random(seed)
    people = [user.id for user in await town.people("ada", "bob", "eve", "tom")]
    memories: dict[Id, Memory] = {}
    for kind in (RoomKind.GROUP, RoomKind.CHANNEL, RoomKind.CHANNEL):
        room = await town.room({people[0]: Role.OWNER, people[1]: Role.MEMBER}, kind=kind)
        (created,) = await town.log(room)
        assert isinstance(created, Created)
        memories[room] = Memory(created)
    for _ in range(100):
        rooms = chance.choices(list(memories), k=chance.randint(1, 12))
        burst = [anything(chance, people, room, len(memories[room].log)) for room in rooms]
        waiting = list(burst)
        while waiting:
            count = split_round(waiting)
            await town.write(*waiting[:count])
            waiting = waiting[count:]
        for draft in burst:
            memories[draft.event.room].write(draft)
    for room, memory in memories.items():
        assert await town.roles(room) == memory.roles
        assert await town.log(room) == memory.log
        (row,) = await town.fetch("SELECT member_count, messages FROM rooms WHERE id = $1", room)
        assert row["member_count"] == len(memory.roles)
        assert row["messages"] == sum(isinstance(event, Message) for event in memory.log)
    # Enough has happened to mean something.
    happened = {type(event) for memory in memories.values() for event in memory.log}
    assert len(happened) == 12
