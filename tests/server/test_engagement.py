"""server/engagement.py and server/comments.py: who is told of what, and after the commit."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from persistence.database import Database
from protocol.errors import NONCE_CONFLICT, NOT_FOUND, POLL_CLOSED, PlazaError
from protocol.ids import Id, IdMint
from protocol.posts import PostStatus, Visibility
from protocol.times import to_ms
from server.comments import Comments
from server.engagement import Engagement
from tests import social

START = datetime(2027, 1, 1, tzinfo=UTC)


class Witness:
    """A feed_push.ports.Watchers that remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Id]] = []

    def published(self, post: Id) -> None:
        raise AssertionError

    def updated(self, post: Id, *, left: Sequence[str] = ()) -> None:
        raise AssertionError

    def gone(self, post: Id, author: Id, tags: Sequence[str], was: Visibility) -> None:
        raise AssertionError

    def counted(self, post: Id) -> None:
        self.told.append(("counted", post))

    def commented(self, post: Id, comment: Id) -> None:
        self.told.append(("commented", comment))

    def take(self) -> list[tuple[str, Id]]:
        told, self.told = self.told, []
        return told


class Desk:
    def __init__(self, database: Database) -> None:
        self.now = START
        self.witness = Witness()
        parts: tuple[Database, Witness] = (database, self.witness)
        clock: Callable[[], int] = lambda: to_ms(self.now)  # noqa: E731
        mint = IdMint(7)
        self.engagement = Engagement(*parts, mint=mint, clock=clock)
        self.comments = Comments(*parts, mint=mint, clock=clock)


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


async def test_watchers_are_told_of_what_has_changed(database: Database, desk: Desk) -> None:
    async with database.connection() as db:
        ada = await social.person(db)
        post = await social.poll(db, ada)
    once, not_again = [("counted", post)], []
    for told in (once, not_again):
        await desk.engagement.like(ada, post)
        assert desk.witness.take() == told
    for told in (once, not_again):
        await desk.engagement.vote(ada, post, [1])
        assert desk.witness.take() == told
    for told in (once, not_again):
        await desk.engagement.withdraw_vote(ada, post)
        assert desk.witness.take() == told
    for told in (once, not_again):
        await desk.engagement.unlike(ada, post)
        assert desk.witness.take() == told
    await desk.engagement.bookmark(ada, post)
    await desk.engagement.unbookmark(ada, post)
    assert desk.witness.take() == []
    comment = await desk.comments.write(ada, post, "Hm.", parent=None, key="k")
    assert desk.witness.take() == [("counted", post), ("commented", comment.id)]
    assert await desk.comments.write(ada, post, "Hm.", parent=None, key="k") == comment
    await desk.comments.like(ada, comment.id)
    await desk.comments.edit(ada, comment.id, "Hm!")
    assert desk.witness.take() == []
    await desk.comments.delete(ada, comment.id)
    assert desk.witness.take() == [("counted", post)]


async def test_nobody_is_told_of_what_was_refused(database: Database, desk: Desk) -> None:
    async with database.connection() as db:
        ada = await social.person(db)
        post = await social.poll(db, ada, closes_at=START)
        draft = await social.post(db, ada, status=PostStatus.DRAFT)
    for call in (
        desk.engagement.vote(ada, post, [0]),
        desk.engagement.withdraw_vote(ada, post),
        desk.engagement.like(ada, draft),
        desk.comments.write(ada, draft, "Hm.", parent=None, key="k"),
        desk.comments.write(ada, post, "Hm.", parent=Id(17), key="k"),
        desk.comments.write(ada, post, "\0", parent=None, key="k"),
        desk.comments.delete(ada, Id(17)),
    ):
        with pytest.raises(PlazaError):
            await call
    assert desk.witness.take() == []
    # What was refused has not used up the key.
    await desk.comments.write(ada, post, "Hm.", parent=None, key="k")
    async with database.connection() as db:
        assert await db.fetchval("SELECT comments FROM post_counters WHERE post_id = $1", post) == 1


async def test_a_poll_closes_by_the_clock(database: Database, desk: Desk) -> None:
    async with database.connection() as db:
        ada = await social.person(db)
        post = await social.poll(db, ada, closes_at=START + timedelta(seconds=1))
    await desk.engagement.vote(ada, post, [0])
    desk.now += timedelta(seconds=0.999)
    assert (await desk.engagement.vote(ada, post, [1])).chosen == [1]
    desk.now += timedelta(seconds=0.001)
    with pytest.raises(PlazaError) as refusal:
        await desk.engagement.vote(ada, post, [0])
    assert refusal.value.spec is POLL_CLOSED


async def test_a_key_is_for_one_comment(database: Database, desk: Desk) -> None:
    async with database.connection() as db:
        ada, bob = await social.person(db), await social.person(db)
        post, other = await social.post(db, ada), await social.post(db, ada)
    first = await desk.comments.write(ada, post, "Cafe\u0301", parent=None, key="k")
    assert await desk.comments.write(ada, post, "Caf\u00e9", parent=None, key="k") == first
    for post_, content, parent in (
        (other, "Caf\u00e9", None),
        (post, "Tea", None),
        (post, "Caf\u00e9", first.id),
    ):
        with pytest.raises(PlazaError) as refusal:
            await desk.comments.write(ada, post_, content, parent=parent, key="k")
        assert refusal.value.spec is NONCE_CONFLICT
    assert (await desk.comments.write(bob, post, "Tea", parent=None, key="k")).id != first.id
    # Deleted since: it is not written again.
    await desk.comments.delete(ada, first.id)
    with pytest.raises(PlazaError) as refusal:
        await desk.comments.write(ada, post, "Caf\u00e9", parent=None, key="k")
    assert refusal.value.spec is NOT_FOUND
