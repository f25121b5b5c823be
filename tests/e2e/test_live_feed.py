"""What happens to posts, as those hear of it who watch: over REST and real sockets.

That somebody is told nothing is seen by what they are told after it: events come in their order.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from plaza_client import Client, NewPost, PostCounters
from protocol.ids import Id
from server.config import Config
from server.sections import Feed, Limits
from tests.e2e.device import Device, Encoding, Fields
from tests.e2e.site import Person, Site

MAY_WATCH = 6

FOLLOWING = {"follower", "muting", "friend"}
SEERS = {
    "public": {"owner", "stranger", "moderator"} | FOLLOWING,
    "followers": {"owner", "moderator"} | FOLLOWING,
    "friends": {"owner", "moderator", "friend"},
    "private": {"owner"},
}
AT_HOME = {"owner", "follower", "friend"}


@pytest.fixture(scope="module")
def config() -> Config:
    return Config(feed=Feed(watched=MAY_WATCH), limits=Limits(commands_per_account_second=0))


class Rest:
    """REST, on behalf of one account or another."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def ask(self, person: Person, method: str, path: str, **fields: Any) -> Any:
        """Something that is granted."""
        answer = await self._http.request(
            method, path, headers=person.bearer, json=fields if fields else None
        )
        assert answer.is_success, (method, path, answer.text)
        return answer.json() if answer.content else None

    async def write(self, person: Person, content: str = "Good morning.", **fields: Any) -> Fields:
        post: Fields = await self.ask(
            person, "POST", "/posts", type="text", content=content, **fields
        )
        return post

    async def follow(self, person: Person, *others: Person) -> None:
        for other in others:
            await self.ask(person, "PUT", f"/accounts/{other.id}/follow")


@asynccontextmanager
async def rest_of(site: Site) -> AsyncIterator[Rest]:
    async with httpx.AsyncClient(
        base_url=f"{site.url}/api/v1", verify=ssl.create_default_context()
    ) as http:
        yield Rest(http)


@pytest.fixture
async def rest(site: Site) -> AsyncIterator[Rest]:
    async with rest_of(site) as opened:
        yield opened


async def up_to(device: Device, post: Fields) -> list[Fields]:
    """What a device hears of posts before it hears that `post` is there."""
    heard = []
    while True:
        event = await device.event()
        if event["t"].startswith("feed."):
            if event["t"] == "feed.new_post" and event["post"]["id"] == post["id"]:
                return heard
            heard.append(event)


class Scene:
    """An account, and somebody of each kind who watches all that it posts."""

    def __init__(self, site: Site, rest: Rest) -> None:
        self.site = site
        self.rest = rest
        self.people: dict[str, Person] = {}
        self.devices: dict[str, Device] = {}

    async def begin(self, encoding: Encoding) -> None:
        names = ["owner", "stranger", "blocked", "blocking", "muting", "follower", "friend"]
        names += ["moderator", "crier"]
        self.people = dict(zip(names, await self.site.people(*names), strict=True))
        owner = self.people["owner"]
        for name in ("follower", "muting", "friend", "blocked", "blocking"):
            await self.rest.follow(self.people[name], owner)
        await self.rest.follow(owner, self.people["friend"])
        await self.rest.ask(owner, "PUT", f"/me/blocks/{self.people['blocked'].id}")
        await self.rest.ask(self.people["blocking"], "PUT", f"/me/blocks/{owner.id}")
        await self.rest.ask(self.people["muting"], "PUT", f"/me/mutes/{owner.id}")
        await self.site.fetch(
            "UPDATE accounts SET moderator = true WHERE id = $1", int(self["moderator"])
        )
        for name in names[:-1]:
            person = self.people[name]
            device = self.devices[name] = await self.site.device(person, encoding)
            await device.do(
                "watch",
                feed="home",
                authors=[owner.id, self["crier"]],
                tags=["Ｌooms"],
            )

    def __getitem__(self, name: str) -> str:
        return self.people[name].id

    async def watch(self, post: str) -> None:
        for device in self.devices.values():
            await device.do("watch", posts=[post])

    async def told(self) -> dict[str, list[Fields]]:
        """What everybody has heard so far; who has heard nothing is left out."""
        last = await self.rest.write(self.people["crier"], "The end.")
        heard = {name: await up_to(device, last) for name, device in self.devices.items()}
        return {name: events for name, events in heard.items() if events}

    def expected(self, t: str, post: str, names: set[str]) -> Mapping[str, list[tuple[str, ...]]]:
        feeds = {
            "home": AT_HOME,
            f"author:{self['owner']}": names,
            "tag:looms": names - {"muting"},
            f"post:{post}": names,
        }
        return {
            name: [(t, feed, post) for feed, of in feeds.items() if name in of] for name in names
        }


def shape(told: Mapping[str, list[Fields]]) -> Mapping[str, list[tuple[str, ...]]]:
    """Events as type, feed and id."""

    def of(event: Fields) -> tuple[str, ...]:
        subject = event.get("comment", event.get("post"))
        named = subject if isinstance(subject, str) else subject["id"]
        return event["t"], event.get("feed", ""), named

    return {name: list(map(of, events)) for name, events in told.items()}


@pytest.mark.parametrize("visibility", SEERS)
async def test_a_watcher_gets_what_it_could_read(site: Site, rest: Rest, visibility: str) -> None:
    encoding: Encoding = "json" if visibility == "public" else "msgpack"
    scene, seers = Scene(site, rest), SEERS[visibility]
    await scene.begin(encoding)
    owner, friend = scene.people["owner"], scene.people["friend"]
    draft = await rest.write(owner, "Oh #looms", visibility=visibility, status="draft")
    post = draft["id"]
    await scene.watch(post)
    assert await scene.told() == {}, "a draft is nobody's business"

    published = await rest.ask(owner, "PATCH", f"/posts/{post}", status="published")
    told = await scene.told()
    assert shape(told) == scene.expected("feed.new_post", post, seers)
    for events in told.values():
        assert all(event["post"] == published for event in events)

    await rest.ask(owner, "PATCH", f"/posts/{post}", content="Ah #looms")
    told = await scene.told()
    assert shape(told) == scene.expected("feed.post_updated", post, seers)
    assert {event["post"]["content"] for events in told.values() for event in events} == {
        "Ah #looms"
    }

    commenter = friend if "friend" in seers else owner
    comment = await rest.ask(commenter, "POST", f"/posts/{post}/comments", content="Indeed.")
    told = await scene.told()
    of_comments = {
        name: [event for event in events if event["t"] == "feed.new_comment"]
        for name, events in told.items()
    }
    assert shape(of_comments) == {name: [("feed.new_comment", "", comment["id"])] for name in seers}

    await rest.ask(owner, "DELETE", f"/posts/{post}")
    told = {
        name: [event for event in events if event["t"] != "feed.counters"]
        for name, events in (await scene.told()).items()
    }
    assert shape(told) == scene.expected("feed.post_deleted", post, seers)


async def test_fewer_people(site: Site, rest: Rest) -> None:
    scene = Scene(site, rest)
    await scene.begin("json")
    owner = scene.people["owner"]
    post = (await rest.write(owner, "Oh #looms"))["id"]
    await scene.watch(post)
    await scene.told()
    await rest.ask(owner, "PATCH", f"/posts/{post}", visibility="friends")
    lost = scene.expected("feed.post_deleted", post, SEERS["public"] - SEERS["friends"])
    kept = scene.expected("feed.post_updated", post, SEERS["friends"])
    assert shape(await scene.told()) == lost | kept
    await rest.ask(scene.people["moderator"], "PATCH", f"/posts/{post}", status="flagged")
    assert shape(await scene.told()) == scene.expected("feed.post_deleted", post, {"friend"})
    await rest.ask(scene.people["moderator"], "PATCH", f"/posts/{post}", status="published")
    assert shape(await scene.told()) == scene.expected("feed.new_post", post, SEERS["friends"])


async def test_the_next_event_is_judged_anew(site: Site, rest: Rest) -> None:
    ada, bob, eve = await site.people("ada", "bob", "eve")
    device = await site.device(bob)
    await device.do("watch", feed="home", authors=[ada.id, eve.id])

    async def heard_in(**post: str) -> list[str]:
        """The feeds in which a post by ada comes to bob."""
        written = await rest.write(ada, **post)
        events = await up_to(device, await rest.write(eve))
        assert all(event["post"]["id"] == written["id"] for event in events)
        return [event["feed"] for event in events]

    assert await heard_in(visibility="followers") == []
    await rest.follow(bob, ada)
    assert await heard_in(visibility="followers") == ["home", f"author:{ada.id}"]
    await rest.ask(bob, "PUT", f"/me/mutes/{ada.id}")
    assert await heard_in() == [f"author:{ada.id}"]
    await rest.ask(bob, "DELETE", f"/me/mutes/{ada.id}")
    assert await heard_in() == ["home", f"author:{ada.id}"]
    await rest.ask(bob, "DELETE", f"/accounts/{ada.id}/follow")
    assert await heard_in() == [f"author:{ada.id}"]
    await rest.ask(ada, "PUT", f"/me/blocks/{bob.id}")
    assert await heard_in() == []


async def test_of_a_hundred_likes_the_latest_counts_are_told(site: Site, rest: Rest) -> None:
    ada, *crowd = await site.people("ada", *["fan"] * 100)
    post = (await rest.write(ada))["id"]
    device, elsewhere = await site.device(ada), await site.device(ada)
    await device.do("watch", posts=[post])
    await elsewhere.do("watch", authors=[ada.id])
    started = time.monotonic()
    for fan in crowd:
        await rest.ask(fan, "PUT", f"/posts/{post}/like")
    counts = []
    while not counts or counts[-1]["likes"] < len(crowd):
        counts.append(await device.event())
    assert {event["t"] for event in counts} == {"feed.counters"}
    likes = [event["likes"] for event in counts]
    assert likes == sorted(set(likes))
    assert len(counts) <= time.monotonic() - started + 1
    assert counts[-1] == {
        "t": "feed.counters", "post": post, "likes": 100, "comments": 0, "shares": 0
    }  # fmt: skip
    end = await rest.write(ada)
    assert await up_to(elsewhere, end) == [], "only those who watch the post"


async def test_votes_are_counters_too(site: Site, rest: Rest) -> None:
    ada, bob = await site.people("ada", "bob")
    poll = await rest.ask(
        ada, "POST", "/posts", type="poll", content="Which?", poll={"options": ["Old", "New"]}
    )
    device = await site.device(ada)
    await device.do("watch", posts=[poll["id"]])
    await rest.ask(bob, "PUT", f"/posts/{poll['id']}/vote", options=[1])
    event = await device.event()
    assert (event["votes"], event["voters"]) == ([0, 1], 1)


async def test_what_cannot_be_watched(site: Site, rest: Rest) -> None:
    ada, bob = await site.people("ada", "bob")
    device = await site.device(ada)
    for command in ("watch", "unwatch"):
        answer = await device.ask(command)
        assert (answer["code"], answer["message"]) == (
            "bad_request",
            "Name at least one of: accounts, feed, authors, tags and posts.",
        )
        answer = await device.ask(command, tags=["two words"])
        assert answer["code"] == "bad_request"
        assert answer["message"].startswith("'two words' is no hashtag")
        assert await device.refused(command, feed="work") == "bad_request"
    posts = [str(number) for number in range(1, MAY_WATCH + 1)]
    # All or nothing, presence included.
    assert await device.refused("watch", posts=posts, authors=[bob.id]) == "forbidden"
    assert await device.refused("watch", accounts=["9"], authors=[bob.id]) == "not_found"
    everything = {"accounts": [bob.id], "authors": [bob.id], "posts": posts}
    assert await device.refused("watch", **everything) == "forbidden"
    await device.do("watch", feed="home", posts=posts)
    assert await device.refused("watch", authors=[bob.id]) == "forbidden"
    await device.do("unwatch", posts=posts[:1])
    await device.do("watch", accounts=[bob.id], authors=[bob.id])
    assert (await device.presence())["account"] in (ada.id, bob.id)
    post = await rest.write(bob)
    assert await up_to(device, post) == []


async def test_who_watches_no_longer_and_who_is_gone(site: Site, rest: Rest) -> None:
    ada, bob = await site.people("ada", "bob")
    await rest.follow(bob, ada)
    device, other = await site.device(bob), await site.device(bob)
    for watcher in (device, other):
        await watcher.do("watch", feed="home", authors=[ada.id])
    before = await _watchers(site)
    await device.do("unwatch", feed="home")
    await device.do("unwatch", feed="home")
    post = await rest.write(ada)
    assert (await device.event())["feed"] == f"author:{ada.id}"
    assert await up_to(other, post) == []
    other.abort()
    while await _watchers(site) > before - 1:
        await asyncio.sleep(0.01)
    post = await rest.write(ada)
    assert await up_to(device, post) == []


async def test_the_python_client_watches(site: Site, rest: Rest) -> None:
    ada, bob = await site.people("ada", "bob")
    await rest.follow(bob, ada)
    async with Client(site.url, token=bob.token, encoding="msgpack") as client:
        await client.watch(feed="home")
        post = await rest.write(ada, "Good #morning")
        events = client.events()
        event = await anext(events)
        while not isinstance(event, NewPost):
            event = await anext(events)
        assert (event.feed, event.post.id, event.post.tags) == ("home", Id(post["id"]), ["morning"])
        await client.watch(posts=[event.post.id])
        await rest.ask(bob, "PUT", f"/posts/{post['id']}/like")
        while not isinstance(event, PostCounters):
            event = await anext(events)
        assert (event.post, event.likes) == (Id(post["id"]), 1)


async def _watchers(site: Site) -> float:
    async with httpx.AsyncClient() as http:
        metrics = (await http.get(f"{site.url}/metrics")).text
    (line,) = [line for line in metrics.splitlines() if line.startswith("plaza_feed_watchers ")]
    return float(line.split()[1])
