"""server/deliveries.py: timelines are kept filled, whatever is interrupted or happens at once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random

import pytest

from feed_push.composition import Wanted
from persistence import timeline_fanout
from persistence.database import Database
from persistence.graph import BACKFILL, PRUNE
from persistence.posts import FAN_OUT
from persistence.timelines import REFILL
from protocol.ids import Id, IdMint
from protocol.posts import PostType
from protocol.times import from_ms
from server.deliveries import Deliveries
from server.graph import Graph
from server.jobs import Jobs
from server.posts import Posts
from server.sections import Feed
from server.timelines import Timelines
from tests import social
from tests.server.home_town import DAY, PLAIN, Town, town
from tests.server.newsroom import Noted


@pytest.fixture
async def place(database: Database) -> AsyncIterator[Town]:
    """Ada is followed by six others, who all have a timeline. Posts are delivered two at a time."""
    async with town(database, people=7, pull_followers=100, timeline_entries=5) as made:
        ada, *others = made.people
        for person in others:
            await made.graph.follow(person, ada)
            await made.read(person)
        await made.work_all()
        yield made


async def who_has(place: Town, post: Id) -> list[int]:
    rows = await place.db.fetch(
        "SELECT account_id FROM timeline_entries WHERE post_id = $1 ORDER BY 1", post
    )
    return [row["account_id"] for row in rows]


class TestFanOut:
    async def test_a_delivery_that_broke_off_goes_on_where_it_was(self, place, monkeypatch):
        ada, *others = place.people
        await place.write(ada)
        [post] = place.written
        deliver, steps = timeline_fanout.deliver, 0

        async def dies_at_the_third_step(*args, **options):
            nonlocal steps
            steps += 1
            done = await deliver(*args, **options)
            if steps == 3:  # before the commit
                raise ConnectionResetError
            return done

        monkeypatch.setattr(timeline_fanout, "deliver", dies_at_the_third_step)
        with pytest.raises(ConnectionResetError):
            await place.work(0)
        assert await who_has(place, post) == others[:4]
        for person in others:
            assert await place.read(person) == [post]
        for _ in range(2):  # the second time there is nothing left to do
            await place.deliveries.fan_out(str(post).encode())
            assert await who_has(place, post) == others
        assert await place.db.fetchval("SELECT count(*) FROM feed_pending") == 0
        assert steps == 3 + 2 + 1

    async def test_who_follows_meanwhile_gets_it_once(self, place):
        ada, *others = place.people
        await place.write(ada)
        [post] = place.written
        await place.begin_delivery(0)
        late = await social.person(place.db)
        await place.graph.follow(late, ada)
        await place.read(late)
        await place.work_all()
        assert await who_has(place, post) == [*others, late]
        assert await place.read(late) == [post]

    async def test_what_is_deleted_or_unknown_is_not_delivered(self, place):
        ada, *_ = place.people
        await place.write(ada)
        [post] = place.written
        await place.posts.delete(ada, post)
        await place.deliveries.fan_out(str(post).encode())
        await place.deliveries.fan_out(b"17")
        assert await who_has(place, post) == []

    async def test_who_has_become_popular_is_delivered_no_further(self, place):
        ada, *others = place.people
        await place.write(ada)
        await place.begin_delivery(0)
        await place.db.execute("UPDATE profiles SET pulled = true WHERE account_id = $1", ada)
        await place.work_all()
        assert await who_has(place, place.written[0]) == others[:2]
        assert await place.db.fetchval("SELECT count(*) FROM feed_pending") == 0
        for person in others:
            assert await place.read(person) == place.written

    async def test_who_has_been_away_for_long_gets_nothing(self, place):
        ada, *others = place.people
        place.now += 29 * DAY
        await place.read(others[0])
        place.now += 3 * DAY
        await place.write(ada)
        await place.work_all()
        assert await who_has(place, place.written[0]) == others[:1]


class TestUpkeep:
    async def test_timelines_are_trimmed_and_their_floor_raised(self, place, monkeypatch):
        monkeypatch.setattr("server.deliveries.TIMELINES", 2)
        ada, *others = place.people
        for _ in range(8):
            await place.write(ada)
        await place.work_all()
        assert await who_has(place, place.written[0]) == others
        await place.deliveries.trim()
        assert await who_has(place, place.written[2]) == []
        assert await who_has(place, place.written[3]) == others
        floors = await place.db.fetch("SELECT DISTINCT floor FROM timelines")
        assert [row["floor"] for row in floors] == [place.written[3]]
        for person in others:
            assert await place.read(person) == place.written[::-1]

    async def test_what_nobody_looks_at_is_dropped(self, place, monkeypatch):
        monkeypatch.setattr("server.deliveries.TIMELINES", 2)
        ada, *others = place.people
        await place.write(ada)
        await place.work_all()
        place.now += 20 * DAY
        await place.read(others[0])
        place.now += 20 * DAY
        await place.deliveries.sweep()
        assert await who_has(place, place.written[0]) == others[:1]
        assert await place.db.fetchval("SELECT array_agg(account_id) FROM timelines") == others[:1]
        for person in others:
            assert await place.read(person) == place.written

    async def test_entries_without_a_timeline_are_dropped(self, place):
        ada, *others = place.people
        await place.write(ada)
        await place.work_all()
        await place.db.execute("DELETE FROM timelines WHERE account_id = $1", others[0])
        await place.deliveries.sweep()
        assert await who_has(place, place.written[0]) == others[1:]

    async def test_all_of_it_is_registered(self, database):
        jobs = Jobs(database)
        Deliveries(database, Feed(), clock=lambda: 0).register(jobs)
        for name in (FAN_OUT, BACKFILL, PRUNE, REFILL, "timeline.trim", "timeline.sweep"):
            with pytest.raises(ValueError, match="already"):
                jobs.on(name, lambda _: asyncio.sleep(0))


class Crowd:
    """People who do everything at the same time, each on connections of their own."""

    def __init__(self, database: Database, people: list[Id]) -> None:
        settings = Feed(pull_followers=4, timeline_entries=5)
        self.database = database
        self.people = people
        self.now = 1_800_000_000_000
        parts = {"mint": IdMint(0), "clock": self.clock}
        self.timelines = Timelines(database, settings, **parts)
        self.deliveries = Deliveries(database, settings, clock=self.clock, followers=1)
        self.graph = Graph(database, pull_followers=settings.pull_followers, **parts)
        self.posts = Posts(database, Noted(), **parts)
        self.over = asyncio.Event()

    def clock(self) -> int:
        self.now += 1
        return self.now

    async def author(self, author: Id) -> None:
        for number in range(12):
            await self.posts.create(author, Wanted(type=PostType.TEXT, content=f"Number {number}"))

    async def fickle(self, account: Id, random: Random) -> None:
        """Follows and leaves, over and over."""
        for _ in range(10):
            other = random.choice([each for each in self.people if each != account])
            await self.graph.follow(account, other)
            await self.graph.unfollow(account, other)
            await self.graph.follow(account, other)

    async def reader(self, account: Id, followee: Id, random: Random) -> None:
        """Sees everything that the followee had published when the reading began."""
        while not self.over.is_set():
            before = await self._published(followee)
            found = await self.read(account, limit=random.randint(1, 5))
            assert len(found) == len(set(found))
            assert before <= set(found)

    async def forgetful(self) -> None:
        """Takes from timelines, and makes them anew."""
        while not self.over.is_set():
            await self.deliveries.trim()
            async with self.database.connection() as db:
                await db.execute(
                    "UPDATE timelines SET active_at = $1 WHERE account_id % 2 = 0",
                    from_ms(self.now) - timedelta(days=40),
                )
            await self.deliveries.sweep()

    async def worker(self) -> None:
        handlers = {
            FAN_OUT: self.deliveries.fan_out,
            BACKFILL: self.deliveries.backfill,
            PRUNE: self.deliveries.prune,
            REFILL: self.deliveries.refill,
        }
        while True:
            async with self.database.connection() as db:
                job = await db.fetchrow(
                    "DELETE FROM pgqueuer WHERE id = (SELECT id FROM pgqueuer WHERE entrypoint "
                    "LIKE 'timeline.%' ORDER BY random() LIMIT 1 FOR UPDATE SKIP LOCKED) "
                    "RETURNING entrypoint, payload"
                )
            if job is not None:
                await handlers[job["entrypoint"]](job["payload"])
            elif self.over.is_set():
                return
            else:
                await asyncio.sleep(0.001)

    async def read(self, account: Id, *, limit: int) -> list[Id]:
        found: list[Id] = []
        page = await self.timelines.latest(account, limit=limit)
        found += [post.id for post in page.posts]
        while page.after is not None:
            page = await self.timelines.latest(account, before=page.after, limit=limit)
            found += [post.id for post in page.posts]
        return found

    async def _published(self, author: Id) -> set[Id]:
        async with self.database.connection() as db:
            rows = await db.fetch("SELECT id FROM posts WHERE author_id = $1", author)
        return {Id(row["id"]) for row in rows}


async def test_nothing_is_missed_whatever_happens_at_the_same_time(dsn: str) -> None:
    database = await Database.open(dsn, pool_size=10)
    async with database.connection() as db:
        people = [await social.person(db) for _ in range(6)]
        for number, person in enumerate(people):
            await social.follow(db, person, people[number - 1], backfilled=False)
    crowd = Crowd(database, people)

    async def doers() -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for number, person in enumerate(people[:4]):
                    group.create_task(crowd.author(person))
                    group.create_task(crowd.fickle(people[4 + number % 2], Random(number)))
        finally:
            crowd.over.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(doers())
        group.create_task(crowd.forgetful())
        for number in (1, 2, 3):
            group.create_task(crowd.reader(people[number], people[number - 1], Random(number)))
        for _ in range(3):
            group.create_task(crowd.worker())
    async with database.connection() as db:
        for person in people:
            plain = [row["id"] for row in await db.fetch(PLAIN, person)]
            assert await crowd.read(person, limit=7) == plain
    await database.close()
