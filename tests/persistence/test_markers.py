"""Read and delivered markers: what one statement does to them, and the queue before it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
import pytest

from persistence import marker_writer, markers
from persistence.embedded import EmbeddedPostgres
from persistence.marker_writer import MAX_BATCH, MarkerWriter
from persistence.markers import Absent, Locked, Mark, Moved
from protocol.drafts import Draft
from protocol.errors import INTERNAL, NOT_FOUND, OVERLOADED, UNAVAILABLE, ErrorSpec, PlazaError
from protocol.ids import Id
from protocol.records import Level, Receipt, Role, User
from rooms import conversation
from tests.rooms.desk import Connect, opened
from tests.rooms.town import Town, founded, number

MAX_SEQ = 2**53 - 1


@pytest.fixture(scope="module")
async def town(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Town]:
    async with founded(postgres, template) as town:
        yield town


@pytest.fixture
async def trio(town: Town) -> tuple[User, User, User]:
    ada, bob, eve = await town.people("ada", "bob", "eve")
    return ada, bob, eve


@pytest.fixture
async def room(town: Town, trio: tuple[User, User, User]) -> Id:
    """Ada's and bob's, in which ada has written 2, 3, 4, 5 and mentioned bob in 3 and 5."""
    ada, bob, _ = trio
    room = await town.room({ada.id: Role.OWNER, bob.id: Role.MEMBER})
    for text in ("2", f"3 @{bob.username}", "4", f"5 @{bob.username}"):
        await town.write(conversation.message(ada.id, room, text))
    return room


async def move(town: Town, *marks: Mark) -> list[Moved | Absent | Locked]:
    async with town.database.connection() as connection:
        return await markers.move(connection, marks)


async def moved(town: Town, mark: Mark) -> Moved:
    (outcome,) = await move(town, mark)
    assert isinstance(outcome, Moved)
    return outcome


async def stored(town: Town, room: Id, account: Id) -> tuple[int, int, int]:
    """read_seq, read_messages and delivered_seq."""
    query = """SELECT read_seq, read_messages, delivered_seq FROM room_members
        WHERE (room_id, account_id) = ($1, $2)"""
    (row,) = await town.fetch(query, room, account)
    return tuple(row)


@asynccontextmanager
async def locked(town: Town, room: Id, account: Id) -> AsyncIterator[None]:
    """Somebody writes the member's row for as long as the block runs."""
    query = "SELECT FROM room_members WHERE (room_id, account_id) = ($1, $2) FOR NO KEY UPDATE"
    async with town.database.transaction() as connection:
        await connection.execute(query, room, account)
        yield


class TestMove:
    async def test_only_forward_and_not_beyond_the_room(
        self, town: Town, trio: tuple[User, User, User], room: Id
    ) -> None:
        _, bob, _ = trio
        steps = [(3, 3), (2, None), (0, None), (3, None), (4, 4), (MAX_SEQ, 5), (5, None)]
        for seq, expected in steps:
            assert (await moved(town, Mark(room, bob.id, read=seq))).read == expected
        assert await stored(town, room, bob.id) == (5, 4, 4)

    async def test_brings_what_is_left(
        self, town: Town, trio: tuple[User, User, User], room: Id
    ) -> None:
        ada, bob, _ = trio
        assert await moved(town, Mark(room, bob.id, read=2)) == Moved(
            room, bob.id, last_seq=5, members=2, read=2, unread=3, mentions=2
        )
        await town.write(conversation.delete(ada.id, room, 3))
        await town.write(conversation.edit(ada.id, room, 4, f"now @{bob.username}"))
        assert await moved(town, Mark(room, bob.id, anyway=True)) == Moved(
            room, bob.id, last_seq=7, members=2, read=2, unread=2, mentions=2, delivered=2
        )
        outcome = await moved(town, Mark(room, bob.id, read=4))
        assert (outcome.unread, outcome.mentions) == (1, 1)
        assert (await moved(town, Mark(room, bob.id, read=7))).unread == 0

    async def test_the_delivered_marker_says_more_than_the_read_one(
        self, town: Town, trio: tuple[User, User, User], room: Id
    ) -> None:
        _, bob, _ = trio
        assert await moved(town, Mark(room, bob.id, delivered=4)) == Moved(
            room, bob.id, last_seq=5, members=2, delivered=4
        )
        assert (await moved(town, Mark(room, bob.id, delivered=3))).delivered is None
        await moved(town, Mark(room, bob.id, read=5))
        assert (await moved(town, Mark(room, bob.id, delivered=5))).delivered is None
        async with town.database.connection() as connection:
            ada, *_ = trio
            assert await markers.receipts(connection, room) == [
                Receipt(account=ada.id, read_seq=5, delivered_seq=5),
                Receipt(account=bob.id, read_seq=5, delivered_seq=5),
            ]

    async def test_both_at_once(self, town: Town, trio: tuple[User, User, User], room: Id) -> None:
        _, bob, _ = trio
        outcome = await moved(town, Mark(room, bob.id, read=3, delivered=4))
        assert (outcome.read, outcome.delivered) == (3, 4)
        outcome = await moved(town, Mark(room, bob.id, read=5, delivered=5))
        assert (outcome.read, outcome.delivered) == (5, None)

    async def test_of_several(self, town: Town, trio: tuple[User, User, User], room: Id) -> None:
        ada, bob, eve = trio
        other = await town.room({eve.id: Role.OWNER})
        outcomes = await move(
            town,
            Mark(room, eve.id, read=3),
            Mark(room, bob.id, read=3),
            Mark(number(), ada.id, read=3),
            Mark(other, eve.id, read=MAX_SEQ),
        )
        assert outcomes == [
            Absent(room, eve.id),
            Moved(room, bob.id, 5, 2, read=3, unread=2, mentions=1),
            Absent(outcomes[2].room, ada.id),
            Moved(other, eve.id, 1, 1),
        ]

    async def test_waits_for_nobody(
        self, town: Town, trio: tuple[User, User, User], room: Id
    ) -> None:
        ada, bob, _ = trio
        await town.write(conversation.message(bob.id, room, "6"))
        async with locked(town, room, bob.id):
            outcomes = await move(town, Mark(room, bob.id, read=6), Mark(room, ada.id, read=6))
        assert outcomes[0] == Locked(room, bob.id)
        assert outcomes[1] == Moved(room, ada.id, 6, 2, read=6)

    async def test_of_a_row_that_is_newer_than_the_rest(
        self, town: Town, trio: tuple[User, User, User], room: Id
    ) -> None:
        """A message of bob's commits between the statement's snapshot and its look at the row."""
        _, bob, _ = trio
        async with town.database.connection() as slow:
            # The advisory lock stops the statement after its snapshot, before it finds the row.
            query = markers.MOVE.replace("unnest($1", "unnest(held($1")
            query = query.replace("$1::bigint[]", "$1::bigint[])", 1)
            await slow.execute(
                """CREATE FUNCTION held(rooms bigint[]) RETURNS bigint[] VOLATILE LANGUAGE plpgsql
                AS 'BEGIN PERFORM pg_advisory_xact_lock(7); RETURN rooms; END'"""
            )
            try:
                async with town.database.transaction() as holder:
                    await holder.execute("SELECT pg_advisory_xact_lock(7)")
                    columns = [[room], [bob.id], [0], [0], [True]]
                    moving = asyncio.create_task(slow.fetch(query, *columns))
                    waiting = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                    while not await town.fetch(waiting):
                        pass
                    await town.write(conversation.message(bob.id, room, "6"))
                (row,) = await moving
            finally:
                await slow.execute("DROP FUNCTION held")
        assert (row["read_now"], row["last_seq"]) == (6, 6)
        assert (row["unread"], row["mentions"]) == (0, 0)


class TestMoveAll:
    async def test_moves_all_and_tells_what_moved(
        self, town: Town, trio: tuple[User, User, User], room: Id
    ) -> None:
        ada, bob, _ = trio
        quiet = await town.room({bob.id: Role.OWNER})
        other = await town.room({ada.id: Role.OWNER, bob.id: Role.MEMBER})
        await town.write(conversation.message(ada.id, other, "hi"))
        async with town.database.connection() as connection:
            outcomes = await markers.move_all(connection, [bob.id])
            assert sorted(outcomes) == [
                Moved(room, bob.id, 5, 2, read=5),
                Moved(other, bob.id, 2, 2, read=2),
            ]
            assert await markers.move_all(connection, [bob.id]) == []
            again = await markers.move_all(connection, [bob.id], {bob.id})
            assert {moved.room for moved in again} == {room, quiet, other}
        assert await stored(town, room, bob.id) == (5, 4, 1)
        assert (await moved(town, Mark(room, bob.id, anyway=True))).unread == 0

    async def test_waits_for_nobody(
        self, town: Town, trio: tuple[User, User, User], room: Id
    ) -> None:
        _, bob, _ = trio
        async with locked(town, room, bob.id), town.database.connection() as connection:
            assert await markers.move_all(connection, [bob.id]) == [Locked(room, bob.id, 5)]


async def test_the_level_is_the_members_own(
    town: Town, trio: tuple[User, User, User], room: Id
) -> None:
    ada, bob, eve = trio
    async with town.database.connection() as connection:
        assert await markers.set_level(connection, room, bob.id, Level.MENTIONS) is True
        assert await markers.set_level(connection, room, bob.id, Level.MENTIONS) is False
        assert await markers.set_level(connection, room, eve.id, Level.NONE) is None
    rows = await town.fetch(
        "SELECT account_id, notify FROM room_members WHERE room_id = $1 ORDER BY 1", room
    )
    assert [tuple(row) for row in rows] == [(ada.id, "all"), (bob.id, "mentions")]


# --- the writer --------------------------------------------------------------------------------


@dataclass
class Post:
    """A writer, and what it told."""

    connections: list[asyncpg.Connection] = field(default_factory=list)
    moved: list[list[Moved]] = field(default_factory=list)
    writer: MarkerWriter = field(init=False)

    def tell(self, news: Sequence[Moved]) -> None:
        self.moved.append(list(news))

    async def mark(self, *marks: Mark) -> list[PlazaError]:
        """Write the marks of one command; returns the refusals."""
        future: asyncio.Future[list[PlazaError]] = asyncio.get_running_loop().create_future()
        try:
            self.writer.append(marks, future.set_result)
        except PlazaError as refusal:
            return [refusal]
        return await future

    async def mark_all(self, account: Id) -> list[PlazaError]:
        future: asyncio.Future[list[PlazaError]] = asyncio.get_running_loop().create_future()
        self.writer.append_all(account, future.set_result)
        return await future

    @property
    def told(self) -> list[Moved]:
        return [moved for news in self.moved for moved in news]


@asynccontextmanager
async def posting(
    town: Town, connect: Connect | None = None, *, capacity: int = 0
) -> AsyncIterator[Post]:
    """A writer that is open for as long as the block runs."""
    post = Post()
    dial = connect or town.database.open_connection

    async def connected() -> asyncpg.Connection:
        post.connections.append(await dial())
        return post.connections[-1]

    post.writer = MarkerWriter(connected, moved=post.tell, capacity=capacity)
    await post.writer.open()
    try:
        yield post
    finally:
        await post.writer.close(within=10)


def specs(refusals: list[PlazaError]) -> list[ErrorSpec]:
    return [refusal.spec for refusal in refusals]


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between two attempts to connect."""
    monkeypatch.setattr(marker_writer, "RECONNECT_SECONDS", 0)


class Deaf(asyncpg.Connection):
    """A connection that breaks when it should hear of the first success."""

    async def fetch(self, query: str, *arguments: object, **options: object) -> list[object]:
        await super().fetch(query, *arguments, **options)
        self.terminate()
        raise TimeoutError("the answer is lost")


class TestWriter:
    async def test_what_waits_goes_together_and_the_furthest_counts(
        self, town: Town, trio: tuple[User, User, User], room: Id
    ) -> None:
        _, bob, _ = trio
        async with posting(town) as post:
            marks = [Mark(room, bob.id, read=seq) for seq in (2, 4, 3)]
            marks += [Mark(room, bob.id, delivered=5)]
            refusals = await asyncio.gather(*map(post.mark, marks))
            assert refusals == [[]] * 4
            assert post.told == [
                Moved(room, bob.id, 5, 2, read=4, unread=1, mentions=1, delivered=5)
            ]
            assert len(post.writer) == 0

    async def test_nobody_is_answered_before_the_commit(
        self, town: Town, trio: tuple[User, User, User], room: Id
    ) -> None:
        _, bob, _ = trio
        async with posting(town) as post:
            told_by_then: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            async with locked(town, room, bob.id):
                post.writer.append(
                    [Mark(room, bob.id, read=3)],
                    lambda refusals: told_by_then.set_result(len(post.told)),
                )
                for _ in range(20):
                    await town.fetch("SELECT 1")
                assert not told_by_then.done()
            assert await told_by_then == 1
        assert await stored(town, room, bob.id) == (3, 2, 1)

    async def test_what_does_not_move_is_not_told(
        self, town: Town, trio: tuple[User, User, User], room: Id
    ) -> None:
        ada, _, _ = trio
        async with posting(town) as post:
            assert await post.mark(Mark(room, ada.id, read=4)) == []
            assert post.told == []

    async def test_who_is_no_member_is_told_so(
        self, town: Town, trio: tuple[User, User, User], room: Id
    ) -> None:
        _, bob, eve = trio
        async with posting(town) as post:
            refusals = await post.mark(
                Mark(room, eve.id, read=3), Mark(room, bob.id, read=3), Mark(number(), bob.id)
            )
            assert specs(refusals) == [NOT_FOUND, NOT_FOUND]
            assert [moved.account for moved in post.told] == [bob.id]

    async def test_what_is_locked_waits_and_nobody_for_it(
        self, town: Town, trio: tuple[User, User, User], room: Id
    ) -> None:
        _, bob, eve = trio
        other = await town.room({bob.id: Role.OWNER, eve.id: Role.MEMBER})
        await town.write(conversation.message(bob.id, other, "hi"))
        async with posting(town) as post:
            async with locked(town, room, bob.id):
                waiting = asyncio.create_task(post.mark(Mark(room, bob.id, read=3)))
                all_of_bobs = asyncio.create_task(post.mark_all(bob.id))
                assert await post.mark(Mark(other, eve.id, read=2)) == []
                assert not waiting.done()
                assert not all_of_bobs.done()
            assert await waiting == []
            assert await all_of_bobs == []
            assert post.told[-1] == Moved(room, bob.id, 5, 2, read=5)

    async def test_patience_ends(
        self,
        town: Town,
        trio: tuple[User, User, User],
        room: Id,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        _, bob, _ = trio
        monkeypatch.setattr(marker_writer, "PATIENCE_SECONDS", 0.05)
        async with posting(town) as post, locked(town, room, bob.id):
            assert specs(await post.mark(Mark(room, bob.id, read=3))) == [UNAVAILABLE]

    async def test_the_queue_is_bounded(
        self, town: Town, trio: tuple[User, User, User], room: Id
    ) -> None:
        _, bob, _ = trio
        async with posting(town, capacity=3) as post:
            first = asyncio.create_task(post.mark(*[Mark(room, bob.id, read=2)] * 2))
            await asyncio.sleep(0)
            with pytest.raises(PlazaError) as refusal:
                post.writer.append([Mark(room, bob.id, read=3)] * 2, lambda _: None)
            assert refusal.value.spec is OVERLOADED
            assert await first == []
            assert await post.mark(*[Mark(room, bob.id, read=3)] * 3) == []

    async def test_more_than_a_batch(self, town: Town, trio: tuple[User, User, User]) -> None:
        ada, bob, _ = trio
        rooms = [
            await town.room({ada.id: Role.OWNER, bob.id: Role.MEMBER}) for _ in range(MAX_BATCH + 9)
        ]
        await town.write(*[conversation.message(ada.id, room, "hi") for room in rooms])
        async with posting(town) as post:
            assert await post.mark(*[Mark(room, bob.id, delivered=2) for room in rooms]) == []
            assert [len(news) for news in post.moved] == [MAX_BATCH, 9]

    async def test_closing_writes_what_waits(
        self, town: Town, trio: tuple[User, User, User], room: Id
    ) -> None:
        _, bob, _ = trio
        async with posting(town) as post:
            waiting = asyncio.create_task(post.mark(Mark(room, bob.id, read=3)))
            await asyncio.sleep(0)
            await post.writer.close(within=10)
            assert await waiting == []
            assert specs(await post.mark(Mark(room, bob.id, read=4))) == [UNAVAILABLE]
        assert await stored(town, room, bob.id) == (3, 2, 1)

    async def test_a_failure_that_is_no_outage_is_a_bug_of_ours(
        self, town: Town, trio: tuple[User, User, User], room: Id
    ) -> None:
        _, bob, _ = trio
        async with posting(town) as post:
            await town.fetch("ALTER TABLE message_mentions RENAME TO mislaid")
            assert specs(await post.mark(Mark(room, bob.id, read=3))) == [INTERNAL]
            await town.fetch("ALTER TABLE mislaid RENAME TO message_mentions")
            assert await post.mark(Mark(room, bob.id, read=3)) == []


class TestOutage:
    async def test_what_waits_is_refused_and_the_next_is_taken(
        self, town: Town, trio: tuple[User, User, User], room: Id
    ) -> None:
        _, bob, _ = trio
        async with posting(town) as post:
            async with locked(town, room, bob.id):
                waiting = asyncio.create_task(post.mark(Mark(room, bob.id, read=3)))
                await town.fetch("SELECT 1")
                pid = post.connections[-1].get_server_pid()
                await town.fetch("SELECT pg_terminate_backend($1)", pid)
                assert specs(await waiting) == [UNAVAILABLE]
            await until_connected(town, post, 2)
            assert await post.mark(Mark(room, bob.id, read=4)) == []
            assert post.told[-1].read == 4

    @pytest.mark.parametrize("everything", [False, True])
    async def test_what_moved_before_the_answer_was_lost_is_told_afterwards(
        self, town: Town, trio: tuple[User, User, User], room: Id, everything: bool
    ) -> None:
        _, bob, _ = trio
        kinds = iter([Deaf, Deaf, asyncpg.Connection])

        async def connect() -> asyncpg.Connection:
            return await asyncpg.connect(town.database.dsn, connection_class=next(kinds))

        async with posting(town, connect) as post:
            work = post.mark_all(bob.id) if everything else post.mark(Mark(room, bob.id, read=5))
            assert specs(await work) == [UNAVAILABLE]
            assert post.told == []
            await until_connected(town, post, 3)
            while not post.told:
                await town.fetch("SELECT 1")
            (told,) = post.told
            assert (told.room, told.account, told.read, told.unread) == (room, bob.id, 5, 0)

    async def test_while_it_is_away_marks_are_refused_at_once(
        self, town: Town, trio: tuple[User, User, User], room: Id
    ) -> None:
        _, bob, _ = trio
        present = asyncio.Event()
        attempts = 0

        async def connect() -> asyncpg.Connection:
            nonlocal attempts
            attempts += 1
            if attempts > 1:
                await present.wait()
            return await town.database.open_connection()

        async with posting(town, connect) as post:
            post.connections[0].terminate()
            while post.writer.is_open:
                await town.fetch("SELECT 1")
            assert specs(await post.mark(Mark(room, bob.id, read=4))) == [UNAVAILABLE]
            present.set()
            await until_connected(town, post, 2)
            assert await post.mark(Mark(room, bob.id, read=4)) == []

    async def test_it_can_be_closed_while_it_is_away(self, town: Town) -> None:
        async def connect() -> asyncpg.Connection:
            if posts:
                raise ConnectionRefusedError
            return await town.database.open_connection()

        posts: list[Post] = []
        async with posting(town, connect) as post:
            posts.append(post)
            post.connections[0].terminate()
            while post.writer.is_open:
                await town.fetch("SELECT 1")


async def until_connected(town: Town, post: Post, times: int) -> None:
    """Wait until the writer has a connection for the n-th time."""
    while len(post.connections) < times or not post.writer.is_open:
        await town.fetch("SELECT 1")


async def test_never_in_a_circle_with_the_log(town: Town) -> None:
    """Two logs and two writers on the same rows, in opposite orders: nobody waits for ever."""
    people = await town.people("ada", "bob", "eve")
    accounts = [user.id for user in people]
    rooms = [await town.room(dict.fromkeys(accounts, Role.OWNER)) for _ in range(4)]

    def drafts(turn: int) -> list[Draft]:
        text = f"@{people[0].username}" if turn % 3 == 0 else "hi"
        return [
            conversation.message(account, room, text)
            for room in (rooms if turn % 2 else rooms[::-1])
            for account in (accounts if turn % 2 else accounts[::-1])
        ]

    async def mark(post: Post, turn: int) -> None:
        order = rooms if turn % 2 else rooms[::-1]
        for refusals in await asyncio.gather(
            *(
                post.mark(*[Mark(room, account, read=MAX_SEQ) for room in order])
                for account in accounts
            ),
            post.mark_all(accounts[turn % 3]),
        ):
            assert refusals == []

    async with (
        opened(town, node=1) as one,
        opened(town, node=2) as two,
        posting(town) as three,
        posting(town) as four,
        asyncio.timeout(60),
    ):
        for turn in range(25):
            await asyncio.gather(
                one.write(*drafts(turn)),
                two.write(*drafts(turn + 1)),
                mark(three, turn),
                mark(four, turn + 1),
            )
        deadlocks = await town.fetch(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )
        assert deadlocks[0]["deadlocks"] == 0
    assert [len(post.connections) for post in (three, four)] == [1, 1]
    assert [len(desk.published) for desk in (one, two)] == [25 * 12, 25 * 12]
