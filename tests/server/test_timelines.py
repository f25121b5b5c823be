"""server/timelines.py: home timelines, the newest first and ranked."""

from collections.abc import AsyncIterator

import pytest

from persistence.database import Database
from protocol.errors import PlazaError
from protocol.ids import Id
from protocol.posts import PostStatus, Visibility
from server.timelines import RankedPlace
from tests import social
from tests.server.home_town import DAY, Town, town


@pytest.fixture
async def place(database: Database) -> AsyncIterator[Town]:
    """Ada, bob and eve, and a moderator; ada follows bob and eve."""
    async with town(database, people=4, pull_followers=2, timeline_entries=10) as made:
        ada, bob, eve, _ = made.people
        await made.graph.follow(ada, bob)
        await made.graph.follow(ada, eve)
        yield made


async def count(place: Town, table: str) -> int:
    return int(await place.db.fetchval(f"SELECT count(*) FROM {table}"))


async def entries(place: Town, account: Id) -> list[int]:
    rows = await place.db.fetch(
        "SELECT post_id FROM timeline_entries WHERE account_id = $1 ORDER BY position DESC", account
    )
    return [row["post_id"] for row in rows]


class TestLatest:
    async def test_has_what_one_and_one_s_followees_have_published(self, place):
        ada, bob, eve, stranger = place.people
        for author in (ada, bob, stranger, eve, bob):
            await place.write(author)
        mine, first, _, second, third = place.written
        assert await place.read(ada) == [third, second, first, mine]
        assert await place.read(bob) == [third, first]

    async def test_the_first_look_makes_a_timeline_and_has_it_filled(self, place):
        ada, bob, _, _ = place.people
        await place.write(bob)
        await place.work_all()
        assert await place.read(ada) == place.written
        assert await entries(place, ada) == []
        assert [job["name"] for job in await place.waiting()] == ["timeline.refill"]
        await place.work_all()
        assert await entries(place, ada) == place.written
        assert await place.read(ada) == place.written

    async def test_a_later_look_is_noted_to_the_hour(self, place):
        ada = place.people[0]
        await place.read(ada)
        noted = await place.db.fetchval("SELECT active_at FROM timelines")
        place.now += 3_599_000
        await place.read(ada)
        assert await place.db.fetchval("SELECT active_at FROM timelines") == noted
        place.now += 1000
        await place.read(ada)
        assert await place.db.fetchval("SELECT active_at FROM timelines") > noted

    async def test_what_is_published_is_there_at_once_and_once(self, place):
        ada, bob, _, _ = place.people
        await place.read(ada)
        await place.work_all()
        await place.write(bob)
        assert await entries(place, ada) == []
        assert await place.read(ada) == place.written
        await place.work_all()
        assert await entries(place, ada) == place.written
        assert await count(place, "feed_pending") == 0
        assert await place.read(ada) == place.written

    async def test_only_whoever_looks_has_a_timeline_that_is_filled(self, place):
        ada, bob, _, _ = place.people
        await place.write(bob)
        await place.work_all()
        assert await count(place, "timeline_entries") == 0
        await place.read(ada)
        await place.work_all()
        place.now += 32 * DAY
        await place.write(bob)
        await place.work_all()
        assert await entries(place, ada) == place.written[:1]
        assert await place.read(ada) == place.written[::-1]
        await place.work_all()
        assert await entries(place, ada) == place.written[::-1]

    async def test_the_seam_is_not_to_be_seen(self, place):
        """More posts than a timeline keeps, at any size of page."""
        ada, bob, eve, _ = place.people
        await place.read(ada)
        await place.work_all()
        for number in range(25):
            await place.write((bob, eve, ada)[number % 3])
        await place.work_all()
        await place.deliveries.trim()
        assert len(await entries(place, ada)) == 10
        for limit in (1, 3, 7, 10, 30):
            assert await place.read(ada, limit=limit) == place.written[::-1]

    async def test_who_is_followed_by_many_is_read_and_not_delivered(self, place):
        ada, bob, eve, other = place.people
        await place.read(ada)
        await place.write(bob)
        await place.work_all()
        for follower in (eve, other):
            await place.graph.follow(follower, bob)
        await place.write(eve)
        await place.write(bob)
        assert await place.db.fetchval("SELECT pulled FROM profiles WHERE account_id = $1", bob)
        await place.work_all()
        first, second, third = place.written
        assert await entries(place, ada) == [second, first]
        for person in (ada, eve, other):
            assert (
                await place.read(person, limit=1)
                == [third, second, first][:: 1 if person != other else 2]
            )

    async def test_a_follow_and_its_end_count_at_once(self, place):
        ada, bob, _, other = place.people
        await place.read(ada)
        await place.write(bob)
        await place.write(other)
        await place.work_all()
        await place.graph.follow(ada, other)
        assert await place.read(ada) == place.written[::-1]
        await place.work_all()
        assert await entries(place, ada) == place.written[::-1]
        await place.graph.unfollow(ada, bob)
        assert await place.read(ada) == place.written[1:]
        await place.work_all()
        assert await entries(place, ada) == place.written[1:]

    async def test_an_end_that_is_noted_late_takes_nothing_from_a_new_follow(self, place):
        ada, bob, _, _ = place.people
        await place.read(ada)
        await place.write(bob)
        await place.work_all()
        await place.graph.unfollow(ada, bob)
        await place.graph.follow(ada, bob)
        await place.work(1)  # fills in
        await place.work(0)  # takes out
        assert await entries(place, ada) == place.written
        assert await place.read(ada) == place.written

    async def test_a_followee_with_more_posts_than_are_kept(self, place):
        ada, _, _, other = place.people
        await place.read(ada)
        await place.work_all()
        for _ in range(12):
            await place.write(other)
        await place.work_all()
        await place.graph.follow(ada, other)
        await place.work_all()
        assert len(await entries(place, ada)) == 10
        assert await place.read(ada, limit=5) == place.written[::-1]

    async def test_muted_accounts_are_left_out_and_shares_of_their_posts(self, place):
        ada, bob, eve, other = place.people
        await place.read(ada)
        await place.write(other)
        await place.share(bob, place.written[0])
        await place.write(bob, shared=place.written[0])
        await place.write(eve)
        await place.work_all()
        _, share, quote, plain = place.written
        assert await place.read(ada) == [plain, quote, share]
        await place.relate("mute", ada, other)
        assert await place.read(ada) == [plain]
        assert await place.read_ranked(ada) == [plain]
        await place.relate("unmute", ada, other)
        await place.relate("mute", ada, bob)
        assert await place.read(ada) == [plain]

    async def test_what_is_held_back_is_not_in_a_moderator_s_timeline_either(self, place):
        bob, moderator = place.people[1], place.people[3]
        await place.graph.follow(moderator, bob)
        await place.read(moderator)
        await place.write(bob)
        await place.work_all()
        await place.change(place.written[0], status=PostStatus.UNDER_REVIEW)
        for person in (bob, moderator):
            assert await place.read(person) == []
            assert await place.read_ranked(person) == []

    async def test_who_gets_a_timeline_while_a_post_is_held_back_gets_it_later(self, place):
        """The delivery had passed by, and is still on its way to others."""
        ada, bob, eve, _ = place.people
        await place.graph.follow(eve, bob)
        await place.work_all()
        await place.write(bob)
        await place.begin_delivery(0)
        assert await place.db.fetchval("SELECT reached FROM feed_pending") > 0
        await place.change(place.written[0], status=PostStatus.UNDER_REVIEW)
        assert await place.read(ada) == []
        await place.work(1)  # fills the timeline, before the delivery goes on
        await place.change(place.written[0], status=PostStatus.PUBLISHED)
        await place.work_all()
        assert await place.read(ada) == place.written

    async def test_drafts_come_when_they_are_published(self, place):
        ada, bob, _, _ = place.people
        await place.write(bob, status=PostStatus.DRAFT)
        await place.write(bob)
        draft, post = place.written
        await place.read(ada)
        await place.work_all()
        assert await place.read(ada) == [post]
        place.now += 1000
        await place.change(draft, status=PostStatus.PUBLISHED)
        for _ in range(2):
            assert await place.read(ada, limit=1) == [draft, post]
            await place.work_all()

    async def test_what_is_shown_to_more_people_comes_to_its_place(self, place):
        ada, bob, _, _ = place.people
        await place.write(bob, visibility=Visibility.PRIVATE)
        await place.write(bob)
        hidden, post = place.written
        await place.read(ada)
        await place.work_all()
        assert await place.read(ada) == [post]
        await place.change(hidden, visibility=Visibility.FOLLOWERS)
        await place.work_all()
        assert await place.read(ada) == [post, hidden]
        await place.change(hidden, visibility=Visibility.FRIENDS)
        assert await place.read(ada) == [post]
        await place.graph.follow(bob, ada)
        assert await place.read(ada) == [post, hidden]

    async def test_nobody_has_published_anything(self, place):
        assert await place.read(place.people[0]) == []
        assert await place.read_ranked(place.people[0]) == []


class TestRanked:
    async def like(self, place: Town, account: Id, *posts: Id) -> None:
        for post in posts:
            await place.db.execute(
                "INSERT INTO post_likes (post_id, account_id) VALUES ($1, $2) "
                "ON CONFLICT DO NOTHING",
                post,
                account,
            )
            await place.db.execute(
                "UPDATE post_counters SET likes = likes + 1 WHERE post_id = $1", post
            )

    async def test_what_one_likes_to_read_comes_first(self, place):
        ada, bob, eve, _ = place.people
        for author in (bob, eve, eve):
            await place.write(author)
        first, second, third = place.written
        assert await place.read_ranked(ada) == [third, first, second]
        await self.like(place, eve, first)
        await self.like(place, ada, first)
        assert await place.read_ranked(ada) == [first, third, second]

    async def test_close_authors_and_those_one_talks_to_come_first(self, place):
        ada, bob, eve, _ = place.people
        await place.write(bob)
        await place.write(eve)
        first, second = place.written
        assert await place.read_ranked(ada) == [second, first]
        await place.graph.set_close(ada, bob, close=True)
        assert await place.read_ranked(ada) == [first, second]
        old = await social.post(place.db, eve)
        await place.db.execute(
            "INSERT INTO comments (id, post_id, author_id, content) "
            "SELECT $1::bigint + n, $2, $3, 'So true.' FROM generate_series(1, 9) n",
            second,
            old,
            ada,
        )
        assert await place.read_ranked(ada) == [second, first, old]

    async def test_the_order_stays_while_likes_and_posts_arrive(self, place):
        ada, bob, eve, _ = place.people
        for number in range(9):
            await place.write((bob, eve, ada)[number % 3])
        expected = await place.read_ranked(ada)
        assert sorted(expected) == sorted(place.written)
        page = await place.timelines.ranked(ada, at=None, limit=2)
        found = page.posts
        while page.after is not None:
            await self.like(place, eve, expected[-1] if len(found) < 4 else expected[len(found)])
            await place.write(bob)
            place.now += DAY // 4
            await self.like(place, bob, place.written[-1])
            page = await place.timelines.ranked(ada, at=page.after, limit=2)
            found = found + page.posts
        assert [post.id for post in found] == expected

    async def test_what_may_not_be_seen_any_more_is_left_out_of_later_pages(self, place):
        ada, bob, eve, other = place.people
        await place.graph.follow(ada, other)
        for author in (bob, eve, other, bob, eve, other):
            await place.write(author)
        page = await place.timelines.ranked(ada, at=None, limit=1)
        seen = [post.author.id for post in page.posts]
        await place.graph.unfollow(ada, bob)
        await place.relate("mute", ada, eve)
        page = await place.timelines.ranked(ada, at=page.after, limit=9)
        assert seen == [other]
        assert [post.author.id for post in page.posts] == [other]
        assert page.after is None

    async def test_behind_the_ranked_posts_the_feed_goes_on_in_time(self, place, monkeypatch):
        monkeypatch.setattr("feed_push.ranking.CANDIDATES", 4)
        ada, bob, eve, _ = place.people
        for number in range(12):
            await place.write((bob, eve)[number % 2])
        await self.like(place, eve, place.written[8])
        for limit in (1, 3, 4, 5, 20):
            found = await place.read_ranked(ada, limit=limit)
            assert found[0] == place.written[8]
            assert set(found[:4]) == set(place.written[8:])
            assert found[4:] == place.written[7::-1]

    async def test_orders_are_kept_for_a_while(self, place):
        ada, bob, _, _ = place.people
        for _ in range(3):
            await place.write(bob)
        page = await place.timelines.ranked(ada, at=None, limit=1)
        for _ in range(3):
            await place.timelines.ranked(ada, at=None, limit=1)
        assert (await place.timelines.ranked(ada, at=page.after, limit=1)).posts
        await place.timelines.ranked(ada, at=None, limit=1)
        with pytest.raises(PlazaError, match="not kept any more"):
            await place.timelines.ranked(ada, at=page.after, limit=1)
        assert await count(place, "feed_rankings") == 4
        place.now += DAY + 1000
        await place.deliveries.sweep()
        assert await count(place, "feed_rankings") == 0

    async def test_an_order_is_one_s_own(self, place):
        ada, bob, _, _ = place.people
        await place.write(bob)
        await place.write(bob)
        page = await place.timelines.ranked(ada, at=None, limit=1)
        with pytest.raises(PlazaError, match="not kept any more"):
            await place.timelines.ranked(bob, at=page.after, limit=1)

    async def test_no_place_of_an_order_is_outside_it(self, place):
        ada, bob, _, _ = place.people
        await place.write(bob)
        await place.write(bob)
        page = await place.timelines.ranked(ada, at=None, limit=1)
        assert page.after is not None
        for before in (2**62, 1):
            again = await place.timelines.ranked(
                ada, at=RankedPlace(page.after.ranking, before), limit=5
            )
            assert len(again.posts) == (2 if before > 1 else 0)
