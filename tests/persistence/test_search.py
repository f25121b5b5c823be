"""The index of messages: it follows the log, and finds what may be seen."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from persistence import search
from persistence.embedded import EmbeddedPostgres
from persistence.search import Phrase, Position, Wanted
from protocol.events import Message
from protocol.ids import Id
from protocol.records import Role, RoomKind, User
from rooms import conversation
from rooms.search import Query, Term, fragments, parse
from rooms.words import words_of
from tests.rooms.town import NOW, Town, founded

DAY_OF_IDS = 86_400_000 << 22


@pytest.fixture(scope="module")
async def town(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Town]:
    async with founded(postgres, template) as town:
        yield town


@pytest.fixture
async def ada(town: Town) -> User:
    (ada,) = await town.people("ada")
    return ada


@pytest.fixture
async def room(town: Town, ada: User) -> Id:
    return await town.room({ada.id: Role.OWNER})


async def index(town: Town, *rooms: Id) -> None:
    """Index all that there is."""
    left = set(rooms)
    async with town.database.connection() as connection:
        while left:
            left = await search.index(connection, left, words_of=words_of)


async def say(town: Town, who: User, room: Id, *bodies: str) -> list[int]:
    """Post messages; returns their seqs."""
    drafts = [conversation.message(who.id, room, body) for body in bodies]
    assert await town.write(*drafts) == [None] * len(drafts)
    return [draft.event.seq for draft in drafts]


def phrases(*texts: str, negated: bool = False) -> list[Phrase]:
    terms = [Term(text, negated=negated) for text in texts]
    return [Phrase(term.words, term.is_prefix, term.negated) for term in terms]


async def find(
    town: Town, who: User, wanted: Wanted, *, after: Position | None = None, limit: int = 100
) -> list[tuple[Message, Position]]:
    async with town.database.connection() as connection:
        return await search.find(connection, who.id, wanted, after=after, limit=limit)


async def bodies(town: Town, who: User, wanted: Wanted) -> list[str]:
    return [message.body for message, _ in await find(town, who, wanted)]


async def indexed(town: Town, room: Id) -> list[int]:
    query = "SELECT seq FROM message_search WHERE room_id = $1 ORDER BY seq"
    return [row["seq"] for row in await town.fetch(query, room)]


class TestIndex:
    async def test_has_messages_and_nothing_else(self, town: Town, ada: User, room: Id) -> None:
        first, second = await say(town, ada, room, "one", "two")
        await town.write(conversation.react(ada.id, room, first, "👍"))
        await town.write(conversation.rename(ada.id, room, "one"))
        await index(town, room)
        assert await indexed(town, room) == [first, second]

    async def test_edits_and_deletions_take_effect(self, town: Town, ada: User, room: Id) -> None:
        first, second, third = await say(town, ada, room, "loom", "loom", "loom")
        await index(town, room)
        await town.write(conversation.edit(ada.id, room, first, "engine"))
        await town.write(conversation.delete(ada.id, room, second))
        await index(town, room)
        assert await indexed(town, room) == [first, third]
        loom, engine = Wanted([room], phrases("loom")), Wanted([room], phrases("engine"))
        assert [message.seq for message, _ in await find(town, ada, loom)] == [third]
        assert [message.seq for message, _ in await find(town, ada, engine)] == [first]

    async def test_what_was_deleted_before_is_never_in_it(
        self, town: Town, ada: User, room: Id
    ) -> None:
        (seq,) = await say(town, ada, room, "loom")
        await town.write(conversation.edit(ada.id, room, seq, "engine"))
        await town.write(conversation.delete(ada.id, room, seq))
        await index(town, room)
        assert await indexed(town, room) == []

    async def test_goes_on_where_it_was_left(self, town: Town, ada: User, room: Id) -> None:
        seqs = await say(town, ada, room, *map(str, range(25)))
        async with town.database.connection() as connection:
            sizes = []
            left = {room}
            while left:
                left = await search.index(connection, left, words_of=words_of, limit=10)
                sizes.append(len(await indexed(town, room)))
        assert sizes == [9, 19, 25]  # the creation is an event, too
        assert await indexed(town, room) == seqs

    async def test_a_loud_room_does_not_keep_others_waiting(self, town: Town, ada: User) -> None:
        loud, quiet = [await town.room({ada.id: Role.OWNER}) for _ in range(2)]
        await say(town, ada, loud, *["x"] * 50)
        (seq,) = await say(town, ada, quiet, "x")
        async with town.database.connection() as connection:
            left = await search.index(connection, [loud, quiet], words_of=words_of, limit=20)
        assert left == {loud}
        assert await indexed(town, quiet) == [seq]

    async def test_is_all_or_nothing(self, town: Town, ada: User, room: Id) -> None:
        seqs = await say(town, ada, room, "one", "two")

        def broken(body: str) -> list[str]:
            raise RuntimeError(body)

        async with town.database.connection() as connection:
            with pytest.raises(RuntimeError):
                await search.index(connection, [room], words_of=broken)
        assert await indexed(town, room) == []
        await index(town, room)
        assert await indexed(town, room) == seqs

    async def test_several_may_do_it_at_once(self, town: Town, ada: User) -> None:
        rooms = [await town.room({ada.id: Role.OWNER}) for _ in range(4)]
        wanted = Wanted(rooms, phrases("word"))
        for _ in range(3):
            for one in rooms:
                await say(town, ada, one, *["word"] * 30)
            orders: list[Sequence[Id]] = [rooms, rooms[::-1], rooms[1:], rooms[:3]]
            await asyncio.gather(*(index(town, *order) for order in orders))
        found = await find(town, ada, wanted, limit=1_000)
        assert len({(message.room, message.seq) for message, _ in found}) == len(found) == 360

    async def test_knows_which_rooms_it_is_behind(self, town: Town, ada: User) -> None:
        rooms = [await town.room({ada.id: Role.OWNER}) for _ in range(3)]

        async def behind(*, after: int = rooms[0] - 1, limit: int = 10) -> list[Id]:
            async with town.database.connection() as connection:
                return await search.behind(connection, after=after, limit=limit)

        assert await behind() == rooms
        await index(town, *rooms)
        assert await behind() == []
        await say(town, ada, rooms[2], "x")
        await say(town, ada, rooms[0], "x")
        assert await behind() == [rooms[0], rooms[2]]
        assert await behind(limit=1) == [rooms[0]]
        assert await behind(after=rooms[0]) == [rooms[2]]

    async def test_tells_the_rooms_that_somebody_is_in(self, town: Town) -> None:
        ada, bob = await town.people("ada", "bob")
        group = await town.room({ada.id: Role.OWNER}, title="Loom")
        dm = await town.room({bob.id: Role.MEMBER, ada.id: Role.MEMBER}, kind=RoomKind.DM)
        await town.room({bob.id: Role.OWNER})
        await index(town, group)
        async with town.database.connection() as connection:
            places = await search.places(connection, ada.id)
        assert places == [(group, "Loom", None, False), (dm, None, bob.username, True)]


class TestFind:
    async def test_only_in_rooms_that_one_is_in(self, town: Town) -> None:
        ada, bob = await town.people("ada", "bob")
        shared = await town.room({ada.id: Role.OWNER, bob.id: Role.MEMBER})
        secret = await town.room({ada.id: Role.OWNER})
        await say(town, ada, shared, "the loom here")
        await say(town, ada, secret, "the loom there")
        await index(town, shared, secret)
        both = Wanted([shared, secret], phrases("loom"))
        assert sorted(await bodies(town, ada, both)) == ["the loom here", "the loom there"]
        # Whatever is asked for: being a member counts at this moment.
        assert await bodies(town, bob, both) == ["the loom here"]
        await town.write(conversation.kick(ada.id, shared, bob.id))
        assert await bodies(town, bob, both) == []

    async def test_by_whom_and_when(self, town: Town) -> None:
        ada, bob = await town.people("ada", "bob")
        room = await town.room({ada.id: Role.OWNER, bob.id: Role.MEMBER})
        for day, who in enumerate((ada, bob, ada)):
            draft = conversation.message(who.id, room, f"loom {day}")
            await town.write(draft, at=NOW + timedelta(days=day))
        await index(town, room)
        every = Wanted([room])
        assert await bodies(town, ada, every) == ["loom 2", "loom 1", "loom 0"]
        assert await bodies(town, ada, every._replace(senders=[bob.id])) == ["loom 1"]
        assert await bodies(town, ada, every._replace(but_senders=[ada.id])) == ["loom 1"]
        both = every._replace(senders=[ada.id, bob.id])
        assert len(await bodies(town, ada, both)) == 3
        day = NOW + timedelta(days=1)
        assert await bodies(town, ada, every._replace(before=day)) == ["loom 0"]
        assert await bodies(town, ada, every._replace(after=day)) == ["loom 2", "loom 1"]
        narrow = Wanted([room], phrases("loom"), [ada.id], (), day, NOW)
        assert await bodies(town, ada, narrow) == ["loom 0"]

    async def test_the_best_match_comes_first(self, town: Town, ada: User, room: Id) -> None:
        said = [
            "the steam engine, again a steam engine",
            "a steam engine",
            "a steamer engined",
            "an engine, and a long time after that, of all things, some steam",
        ]
        await say(town, ada, room, *said)
        await index(town, room)
        assert await bodies(town, ada, Wanted([room], phrases("steam", "engine"))) == said

    async def test_of_equal_matches_the_newer_comes_first(
        self, town: Town, ada: User, room: Id
    ) -> None:
        await say(town, ada, room, *["the loom"] * 4)
        await index(town, room)
        found = await find(town, ada, Wanted([room], phrases("loom")))
        assert [message.seq for message, _ in found] == [5, 4, 3, 2]

    async def test_a_month_halves_a_match(self, town: Town, ada: User, room: Id) -> None:
        await say(town, ada, room, "loom", "loom", "loom")
        await index(town, room)
        for seq, days in ((2, 0), (3, 30), (4, 60)):
            query = "UPDATE message_search SET event_id = $3 WHERE room_id = $1 AND seq = $2"
            await town.fetch(query, room, seq, 100 * DAY_OF_IDS - days * DAY_OF_IDS)
        found = await find(town, ada, Wanted([room], phrases("loom")))
        assert [message.seq for message, _ in found] == [2, 3, 4]
        scores = [position.score for _, position in found]
        assert [score / scores[0] for score in scores] == pytest.approx([1, 1 / 2, 1 / 3])

    @pytest.mark.parametrize("limit", [1, 2, 3, 7])
    async def test_pages_neither_skip_nor_repeat(
        self, town: Town, ada: User, room: Id, limit: int
    ) -> None:
        await say(town, ada, room, *["loom " * (n % 4) + "engine" for n in range(20)])
        await index(town, room)
        wanted = Wanted([room], phrases("engine"))
        whole = [message.seq for message, _ in await find(town, ada, wanted)]
        assert len(whole) == 20
        paged: list[int] = []
        after = None
        while page := await find(town, ada, wanted, after=after, limit=limit):
            paged += [message.seq for message, _ in page]
            after = page[-1][1]
            # What is said, indexed, or gone meanwhile moves nothing.
            await say(town, ada, room, "engine engine")
            await town.write(conversation.delete(ada.id, room, paged[-1]))
            await index(town, room)
        assert paged == whole

    async def test_of_a_common_word_the_newest_are_ranked(
        self, town: Town, ada: User, room: Id, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            search, "FIND", search.FIND.replace(f"LIMIT {search.CANDIDATES}", "LIMIT 3")
        )
        await say(town, ada, room, "loom loom loom", "loom", "loom", "loom loom")
        await index(town, room)
        assert await bodies(town, ada, Wanted([room], phrases("loom"))) == [
            "loom loom",
            "loom",
            "loom",
        ]

    async def test_in_very_many_rooms(self, town: Town, ada: User) -> None:
        rooms = [await town.room({ada.id: Role.OWNER}) for _ in range(search.NAMED_ROOMS + 1)]
        for room in rooms:
            await say(town, ada, room, "loom")
        await index(town, *rooms)
        for some in (rooms, rooms[1:]):
            found = await find(town, ada, Wanted(some, phrases("loom")))
            assert sorted(message.room for message, _ in found) == some

    async def test_shows_the_message_as_it_is(self, town: Town, ada: User, room: Id) -> None:
        (seq,) = await say(town, ada, room, "loom")
        await index(town, room)
        await town.write(conversation.react(ada.id, room, seq, "👍"))
        await town.write(conversation.edit(ada.id, room, seq, "engine"))
        ((message, _),) = await find(town, ada, Wanted([room], phrases("loom")))
        assert message == (await town.log(room))[seq - 1]
        assert message.body == "engine"

    async def test_words_mean_nothing_but_themselves(self, town: Town, ada: User, room: Id) -> None:
        odd = [f"#{room}", f"@{ada.id}", "it's 'quoted' \\ & | ! <-> :* (x)", "a\tb\nc", "%_$1{}"]
        seqs = await say(town, ada, room, *odd)
        await index(town, room)
        assert await indexed(town, room) == seqs
        for seq, body in zip(seqs, odd, strict=True):
            for word in words_of(body):
                found = await find(town, ada, Wanted([room], [Phrase([word], False, False)]))
                assert seq in [message.seq for message, _ in found]


LETTERS = ["steam", "steamship", "engine", "Loom", "é", "上海", "a", "of", "🎉", "x.y"]
TEXTS = st.lists(st.sampled_from([*LETTERS, " ", " ", ", "]), min_size=1, max_size=12).map("".join)
TYPED = st.lists(
    st.sampled_from(
        [
            "steam",
            "eng",
            "-loom",
            "loo",
            '"steam engine"',
            "上",
            "a",
            "-of",
            "x.y",
            "e",
            "🎉",
            "ste",
        ]
    ),
    min_size=1,
    max_size=3,
).map(" ".join)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(TEXTS, min_size=1, max_size=8), typed=TYPED)
async def test_the_index_finds_what_the_language_means(
    town: Town, ada: User, said: list[str], typed: str
) -> None:
    """Two implementations: of Postgres over the index, of rooms/search.py over the bodies."""
    said = [body for body in said if not body.isspace()] or ["x"]
    room = await town.room({ada.id: Role.OWNER})
    await say(town, ada, room, *said)
    await index(town, room)
    query: Query = parse(typed)
    wanted = Wanted(
        [room], [Phrase(term.words, term.is_prefix, term.negated) for term in query.terms]
    )
    meant = [body for body in said if fragments(body, query.terms) is not None]
    assert sorted(await bodies(town, ada, wanted)) == sorted(meant)


@pytest.fixture(scope="module")
async def filled(town: Town) -> AsyncIterator[asyncpg.Connection]:
    """100,000 messages in 50 rooms."""
    async with town.database.connection() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("""
            INSERT INTO message_search (room_id, seq, event_id, sender_id, at, words)
            SELECT 1000000 + i % 50, i, i, i % 100, now(), format(
                '''#%s'' ''@%s'' ''common'':1 ''word%s'':2', 1000000 + i % 50, i % 100, i % 5000
            )::tsvector
            FROM generate_series(1, 100000) AS i
        """)
        # What autovacuum does when it gets to it: until then a search costs more, and how much more
        # is up to the moment.
        await connection.execute("SELECT gin_clean_pending_list('message_search_words')")
        await connection.execute("ANALYZE message_search")
        await connection.execute(f"PREPARE find AS {search.FIND}")
        yield connection
        await connection.execute("DEALLOCATE find")
        await transaction.rollback()


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize(("word", "rooms"), [("common", 3), ("word7", 3), ("word7", 50)])
async def test_takes_the_index(
    filled: asyncpg.Connection, mode: str, word: str, rooms: int
) -> None:
    wanted = Wanted([Id(1_000_000 + n) for n in range(rooms)], phrases(word))
    query = search._query(wanted).replace("'", "''")
    ids = ",".join(map(str, wanted.rooms))
    await filled.execute(f"SET LOCAL plan_cache_mode = {mode}")
    plan = await filled.fetch(
        f"EXPLAIN EXECUTE find(1, '{{{ids}}}', '{query}', NULL, NULL, '{word}', '{word}', "
        "NULL, NULL, NULL, 20)"
    )
    text = "\n".join(row[0] for row in plan)
    assert "Index Scan on message_search_words" in text
    assert "Seq Scan on message_search" not in text
