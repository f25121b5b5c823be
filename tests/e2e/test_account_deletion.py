"""An account that has done everything is deleted: nothing is left of it, nothing else is hurt."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from persistence.account_data import PLACES
from protocol.drafts import Draft, Unchanged, Written
from protocol.errors import PlazaError
from protocol.ids import Id
from server.clock import now_ms
from server.config import Config
from server.deletion import Deletion
from server.live_feed import LiveFeed
from server.sections import Limits, Server
from tests.e2e.busy_life import PASSWORD, Done, Person, everything, three_people
from tests.e2e.site import Site

# In no row for long: a test of the schema says that they are covered.
PASSING = {"feed_pending.author_id", "rooms.dm_low", "rooms.dm_high", "timeline_entries.author_id"}


@pytest.fixture(scope="module")
def config() -> Iterator[Config]:
    folder = tempfile.mkdtemp(prefix="plaza-e2e-", dir="/tmp")
    limits = Limits(signups_per_ip_hour=0, logins_per_ip_minute=0, logins_per_account_minute=0)
    yield Config(server=Server(data_dir=folder), limits=limits)
    shutil.rmtree(folder)


@pytest.fixture
async def people(site: Site) -> AsyncIterator[list[Person]]:
    async with three_people(site) as found:
        yield found


async def in_places(site: Site, account: str) -> set[str]:
    """The columns in which an account's id is: of every table, looked through as a whole."""
    columns = await site.fetch(
        "SELECT table_name, column_name, udt_name FROM information_schema.columns "
        "JOIN information_schema.tables USING (table_schema, table_name) "
        "WHERE table_schema = 'public' AND table_type = 'BASE TABLE'"
    )
    found = set()
    for table, column, type_ in columns:
        match type_:
            case "int8":
                condition = f"{column} = $1::text::bigint"
            case "_int8":
                condition = f"$1::text::bigint = ANY({column})"
            case "jsonb" | "json":
                condition = f"{column}::text ~ ('(^|[^0-9])' || $1 || '($|[^0-9])')"
            case _:
                continue
        if await site.fetch(f"SELECT FROM {table} WHERE {condition} LIMIT 1", account):
            found.add(f"{table.removesuffix('_rest')}.{column}")
    return found


def objects_of(site: Site) -> set[str]:
    folder = Path(site.config.server.data_dir) / "objects"
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


async def until_gone(site: Site, account: str) -> None:
    """Wait for the job, and for those that it has left behind."""
    async with asyncio.timeout(30):
        while await site.fetch("SELECT FROM accounts WHERE id = $1", Id(account)) or (
            await site.fetch("SELECT FROM pgqueuer WHERE entrypoint LIKE '%.erase'")
        ):
            await asyncio.sleep(0.05)


async def counters(site: Site) -> dict[str, Any]:
    """All counters as they are, and as they would be if they were counted now."""
    rows = await site.fetch(
        """
        SELECT 'post ' || c.post_id AS what, ARRAY[c.likes, c.comments, c.shares] AS kept, ARRAY[
            (SELECT count(*) FROM post_likes l WHERE l.post_id = c.post_id),
            (SELECT count(*) FROM comments m WHERE m.post_id = c.post_id AND deleted_at IS NULL),
            (SELECT count(*) FROM posts s WHERE s.shared_id = c.post_id AND s.status = 'published')
        ] AS counted FROM post_counters c
        UNION ALL SELECT 'comment ' || m.id, ARRAY[m.likes, m.replies], ARRAY[
            (SELECT count(*) FROM comment_likes l WHERE l.comment_id = m.id),
            (SELECT count(*) FROM comments x WHERE x.parent_id = m.id AND x.deleted_at IS NULL)
        ] FROM comments m
        UNION ALL
        SELECT 'profile ' || p.account_id, ARRAY[p.posts, p.followers, p.following], ARRAY[
            (SELECT count(*) FROM posts x WHERE x.author_id = p.account_id
                AND x.status = 'published'),
            (SELECT count(*) FROM follows f WHERE f.followee_id = p.account_id AND f.accepted),
            (SELECT count(*) FROM follows f WHERE f.follower_id = p.account_id AND f.accepted)
        ] FROM profiles p
        UNION ALL SELECT 'option ' || o.post_id || ' ' || o.option, ARRAY[o.votes], ARRAY[
            (SELECT count(*) FROM poll_votes v WHERE (v.post_id, v.option) = (o.post_id, o.option))
        ] FROM poll_options o
        UNION ALL SELECT 'poll ' || q.post_id, ARRAY[q.voters], ARRAY[
            (SELECT count(DISTINCT v.account_id) FROM poll_votes v WHERE v.post_id = q.post_id)
        ] FROM polls q
        UNION ALL SELECT 'room ' || r.id, ARRAY[r.member_count, r.last_seq], ARRAY[
            (SELECT count(*) FROM room_members m WHERE m.room_id = r.id),
            (SELECT count(*) FROM room_events e WHERE e.room_id = r.id)
        ] FROM rooms r
        UNION ALL SELECT 'thread ' || t.room_id || ' ' || t.root, ARRAY[t.replies], ARRAY[
            (SELECT count(*) FROM room_events e WHERE (e.room_id, e.thread) = (t.room_id, t.root)
                AND e.type = 'message' AND e.deleted_at IS NULL)
        ] FROM room_threads t
        """
    )
    return {row["what"]: (row["kept"], row["counted"]) for row in rows}


async def assert_exact(site: Site) -> None:
    for what, (kept, counted) in (await counters(site)).items():
        assert list(kept) == list(counted), what


async def test_nothing_is_left(site: Site, people: list[Person]) -> None:
    ada, bob, eve = people
    done = await everything(site, ada, bob, eve)
    # Blocked only now: it would have ended much of the rest.
    await ada.ask("PUT", f"/me/blocks/{eve.id}")
    await eve.ask("PUT", f"/me/blocks/{ada.id}")
    async with asyncio.timeout(20):
        while not await site.fetch("SELECT FROM account_exports WHERE state = 'ready'"):
            await asyncio.sleep(0.05)
    assert PLACES.keys() - await in_places(site, ada.id) <= PASSING
    await assert_exact(site)
    assert objects_of(site)

    wrong = await ada.http.request("DELETE", "/me", json={"password": "correct horse batterie"})
    assert wrong.status_code == 401
    assert wrong.json()["error"]["code"] == "invalid_credentials"
    await ada.ask("DELETE", "/me", json={"password": PASSWORD})
    # From this moment on.
    assert (await ada.http.get("/me")).status_code == 401
    assert (await ada.device.closed()).code == 4502
    login = {"login": ada.name, "password": PASSWORD}
    assert (await ada.http.post("/sessions", json=login)).status_code == 401
    again = {"username": ada.name, "email": f"{ada.name}@example.org", "password": PASSWORD}
    assert (await ada.http.post("/accounts", json=again)).status_code == 201

    await until_gone(site, ada.id)
    assert await in_places(site, ada.id) == set()
    assert objects_of(site) == set()
    await assert_exact(site)
    await rooms_go_on(site, bob, eve, done)
    await posts_go_on(bob, done)
    assert (await bob.http.get(f"/accounts/{ada.id}")).status_code == 404


async def rooms_go_on(site: Site, bob: Person, eve: Person, done: Done) -> None:
    log = await bob.log(done.group)
    assert [event["seq"] for event in log] == list(range(1, len(log) + 1))
    # What is in memory has changed, too: the newest events come from there.
    newest = await bob.ask("GET", f"/rooms/{done.group}/events", params={"limit": 8})
    assert newest["items"] == log[-8:]
    hers = [event for event in log if event["t"] == "message" and event["sender"] == "0"]
    assert len(hers) == 5
    for event in hers:
        assert event["deleted"]
        assert not {"body", "attachments", "mentions", "reactions", "pinned"} & event.keys()
    # The admin inherits. Eve has seen it happen.
    members = (await eve.ask("GET", f"/rooms/{done.group}/members"))["items"]
    assert {member["username"]: member["role"] for member in members} == {
        bob.name: "member",
        eve.name: "owner",
    }
    assert log[-1]["cause"] == "left"
    assert (log[-1]["sender"], log[-1]["account"], log[-1]["members"]) == ("0", "0", 2)
    # The dm stays, with nobody there to write to.
    rooms = {room["id"]: room for room in (await bob.ask("GET", "/rooms"))["items"]}
    assert "peer" not in rooms[done.dm]
    said = [event.get("body") for event in await bob.log(done.dm) if event["t"] == "message"]
    assert said == [None, "Quite."]
    assert await bob.device.refused("send", room=done.dm, body="Hello?") == "blocked"
    # A member inherits where there is no admin; a room without anybody is gone.
    assert rooms[done.channel]["role"] == "owner"
    assert not await site.fetch("SELECT FROM rooms WHERE id = $1", Id(done.alone))
    assert not await site.fetch("SELECT FROM room_events WHERE room_id = $1", Id(done.alone))
    # Found is what is still there.
    found = await bob.ask("GET", "/search/messages", params={"q": "quite"})
    assert len(found["items"]) == 1
    assert not (await bob.ask("GET", "/search/messages", params={"q": "between"}))["items"]


async def posts_go_on(bob: Person, done: Done) -> None:
    assert (await bob.http.get(f"/posts/{done.own_post}")).status_code == 404
    post = await bob.ask("GET", f"/posts/{done.bobs_post}")
    assert (post["likes"], post.get("shares", 0), post["comments"]) == (1, 0, 1)
    assert post["content"].startswith("Thank you @ada")
    assert "mentions" not in post
    poll = (await bob.ask("GET", f"/posts/{done.poll}"))["poll"]
    assert ([option.get("votes", 0) for option in poll["options"]], poll["voters"]) == ([0, 1], 1)
    (tombstone,) = (await bob.ask("GET", f"/posts/{done.bobs_post}/comments"))["items"]
    assert (tombstone["id"], tombstone["deleted"], tombstone["replies"]) == (done.buried, True, 1)
    assert "author" not in tombstone
    answers = await bob.ask(
        "GET", f"/posts/{done.bobs_post}/comments", params={"parent": done.buried}
    )
    assert [(item["id"], item.get("likes", 0)) for item in answers["items"]] == [(done.answer, 0)]


class Died(Exception):
    """The process has."""


class Log:
    """The server's log, as the rooms' writer."""

    def __init__(self, site: Site) -> None:
        self._log = site.plaza.log

    async def write(self, draft: Draft) -> Written | None:
        outcome = await self._log.write(draft)
        if isinstance(outcome, PlazaError):
            raise outcome
        return None if isinstance(outcome, Unchanged) else outcome


async def test_a_job_that_dies_is_done_again(site: Site, people: list[Person]) -> None:
    """After whichever step: the next try does the rest, and a try too many does nothing."""
    ada, bob, eve = people
    await everything(site, ada, bob, eve)
    # As DELETE /me does, but for the job.
    await site.fetch("UPDATE accounts SET deleted_at = now() WHERE id = $1", Id(ada.id))
    payload = ada.id.encode()

    def deletion() -> Deletion:
        live = LiveFeed(site.database, limit=0)
        return Deletion(site.database, Log(site), live, rewritten=lambda _: None, clock=now_ms)

    for step in ("_posts", "_comments", "_likes", "_graph", "_rooms", "_events"):
        dying = deletion()
        whole = getattr(dying, step)

        async def die(account: Id, whole: Any = whole) -> None:
            await whole(account)
            raise Died

        setattr(dying, step, die)
        with pytest.raises(Died):
            await dying.run(payload)
        await assert_exact(site)
    await deletion().run(payload)
    await deletion().run(payload)
    await until_gone(site, ada.id)
    assert await in_places(site, ada.id) == set()
    await assert_exact(site)


async def test_an_account_that_is_not_deleted_is_not_touched(
    site: Site, people: list[Person]
) -> None:
    ada, bob, _ = people
    post = await ada.post("Still here.")
    live = LiveFeed(site.database, limit=0)
    deletion = Deletion(site.database, Log(site), live, rewritten=lambda _: None, clock=now_ms)
    await deletion.run(ada.id.encode())
    assert (await bob.ask("GET", f"/posts/{post}"))["content"] == "Still here."
