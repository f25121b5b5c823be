"""Fifty people like, vote, comment, keep and follow at once: what is counted is there.

Over REST, on a real server. What each of them does comes from a seed; what happens first does not.
At the end every counter of the database equals the rows that it counts, and what the last answer
to each of them said is so.
"""

import asyncio
import random
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import httpx
import pytest

from protocol.ids import Id
from tests import social
from tests.e2e.site import Person, Site
from tests.persistence.test_polls import WRONG_COUNTERS as WRONG_POLLS
from tests.persistence.thread_model import WRONG_COUNTERS as WRONG_THREADS

CLIENTS = 50
STEPS = 24

WRONG_LIKES = """
SELECT 'likes', post_id FROM post_counters c WHERE likes <> (
    SELECT count(*) FROM post_likes l WHERE l.post_id = c.post_id
)
"""
WRONG_PROFILES = """
SELECT username, followers, following FROM profiles p JOIN accounts a ON a.id = p.account_id
WHERE followers <> (SELECT count(*) FROM follows f WHERE f.followee_id = a.id AND f.accepted)
    OR following <> (SELECT count(*) FROM follows f WHERE f.follower_id = a.id AND f.accepted)
"""


@dataclass
class Scene:
    """What everybody meets around. Hosts write no more than the posts."""

    posts: list[Id] = field(default_factory=list)
    polls: list[tuple[Id, bool]] = field(default_factory=list)
    hosts: list[Id] = field(default_factory=list)
    comments: list[tuple[Id, str]] = field(default_factory=list)


@pytest.fixture
async def scene(site: Site) -> Scene:
    scene = Scene()
    async with site.database.connection() as connection:
        for _ in range(3):
            scene.hosts.append(await social.person(connection))
        scene.posts.append(await social.post(connection, scene.hosts[0]))
        for multiple in (False, True):
            poll = await social.poll(connection, scene.hosts[1], options=4, multiple=multiple)
            scene.polls.append((poll, multiple))
            scene.posts.append(poll)
    return scene


class Client:
    """Somebody who clicks around, and remembers what was said last of what."""

    def __init__(self, http: httpx.AsyncClient, person: Person, seed: int, scene: Scene) -> None:
        self.http = http
        self.person = person
        self.chance = random.Random(seed)
        self.scene = scene
        self.statuses: Counter[int] = Counter()
        self.liked: set[Id] = set()
        self.kept: set[Id] = set()
        self.votes: dict[Id, list[int]] = {}
        self.follows: set[Id] = set()

    async def run(self) -> None:
        acts = [self.like, self.like, self.vote, self.comment, self.comment, self.keep, self.follow]
        acts += [self.like_comment, self.delete_comment]
        for _ in range(STEPS):
            await self.chance.choice(acts)()

    async def ask(self, method: str, path: str, **fields: object) -> httpx.Response:
        answer = await self.http.request(
            method, path, json=fields or None, headers=self.person.bearer
        )
        self.statuses[answer.status_code] += 1
        return answer

    async def switch(self, path: str, on: set[Id], what: Id) -> httpx.Response:
        """Put, or delete, whether it was there or not."""
        put = self.chance.random() < 0.6
        answer = await self.ask("PUT" if put else "DELETE", path)
        assert answer.is_success, answer.text
        (on.add if put else on.discard)(what)
        return answer

    async def like(self) -> None:
        post = self.chance.choice(self.scene.posts)
        answer = await self.switch(f"/posts/{post}/like", self.liked, post)
        assert answer.json()["liked"] == (post in self.liked)

    async def keep(self) -> None:
        post = self.chance.choice(self.scene.posts)
        await self.switch(f"/posts/{post}/bookmark", self.kept, post)

    async def follow(self) -> None:
        host = self.chance.choice(self.scene.hosts)
        await self.switch(f"/accounts/{host}/follow", self.follows, host)

    async def vote(self) -> None:
        poll, multiple = self.chance.choice(self.scene.polls)
        if self.chance.random() < 0.3:
            options: list[int] = []
            answer = await self.ask("DELETE", f"/posts/{poll}/vote")
        else:
            options = self.chance.sample(range(4), self.chance.randint(1, 4) if multiple else 1)
            answer = await self.ask("PUT", f"/posts/{poll}/vote", options=options)
        assert answer.is_success, answer.text
        self.votes[poll] = sorted(options)
        assert answer.json().get("chosen", []) == self.votes[poll]

    async def comment(self) -> None:
        if self.scene.comments and self.chance.random() < 0.6:
            post, parent = self.chance.choice(self.scene.comments)
            answer = await self.ask(
                "POST", f"/posts/{post}/comments", content="Yes.", parent=parent
            )
        else:
            post = self.chance.choice(self.scene.posts)
            answer = await self.ask("POST", f"/posts/{post}/comments", content="Hm.")
        if answer.is_success:
            self.scene.comments.append((post, answer.json()["id"]))

    async def like_comment(self) -> None:
        if self.scene.comments:
            _, comment = self.chance.choice(self.scene.comments)
            await self.ask(self.chance.choice(["PUT", "DELETE"]), f"/comments/{comment}/like")

    async def delete_comment(self) -> None:
        if self.scene.comments:
            _, comment = self.chance.choice(self.scene.comments)
            await self.ask("DELETE", f"/comments/{comment}")


@pytest.fixture
async def clients(site: Site, scene: Scene) -> AsyncIterator[list[Client]]:
    # One for each: httpx looks at all connections of a client with every request.
    context = ssl.create_default_context()
    async with AsyncExitStack() as stack:
        people = []
        for seed in range(CLIENTS):
            http = httpx.AsyncClient(base_url=f"{site.url}/api/v1", verify=context)
            await stack.enter_async_context(http)
            people.append(Client(http, await site.person("client"), seed, scene))
        yield people


async def test_counters_equal_the_rows(site: Site, scene: Scene, clients: list[Client]) -> None:
    await leave_a_tombstone(clients[0], scene.posts[0])
    await asyncio.gather(*(client.run() for client in clients))
    statuses = sum((client.statuses for client in clients), Counter())
    # Deleted comments are met again; somebody else's cannot be deleted.
    assert statuses.keys() <= {200, 201, 204, 403, 404, 410}, statuses
    for wrong in (WRONG_LIKES, WRONG_THREADS, WRONG_POLLS, WRONG_PROFILES):
        assert await site.fetch(wrong) == []
    for kind, found, told in (
        ("likes", "SELECT account_id, post_id FROM post_likes", "liked"),
        ("bookmarks", "SELECT account_id, post_id FROM bookmarks", "kept"),
        ("follows", "SELECT follower_id, followee_id FROM follows", "follows"),
    ):
        rows = {tuple(row) for row in await site.fetch(found)}
        assert rows == {
            (int(client.person.id), what) for client in clients for what in getattr(client, told)
        }, kind
        assert rows, kind
    votes = await site.fetch("SELECT account_id, post_id, option FROM poll_votes ORDER BY 1, 2, 3")
    assert [tuple(row) for row in votes] == sorted(
        (int(client.person.id), poll, option)
        for client in clients
        for poll, options in client.votes.items()
        for option in options
    )
    assert await site.fetch("SELECT FROM comments WHERE deleted_at IS NOT NULL")
    await counters_are_shown(clients[0], scene, site)


async def leave_a_tombstone(client: Client, post: Id) -> None:
    """Which of the comments become one by chance is the day's; one there is in any case."""
    comment = (await client.ask("POST", f"/posts/{post}/comments", content="Yes.")).json()["id"]
    await client.ask("POST", f"/posts/{post}/comments", content="No.", parent=comment)
    assert (await client.ask("DELETE", f"/comments/{comment}")).is_success


async def counters_are_shown(client: Client, scene: Scene, site: Site) -> None:
    """What one reads is what was counted."""
    for post in scene.posts:
        shown = (await client.ask("PUT", f"/posts/{post}/like")).json()
        [row] = await site.fetch(
            "SELECT likes, comments FROM post_counters WHERE post_id = $1", post
        )
        assert (shown["likes"], shown["comments"]) == tuple(row)
