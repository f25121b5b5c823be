"""Streams over REST: made, found, changed, ended, deleted; who sees them; their chat."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest

from protocol.ids import Id
from protocol.posts import Visibility
from protocol.streams import HealthWarning, TrackHealth
from server.sections import Streams
from server.stream_ports import Received
from tests import social
from tests.server.rest.conftest import Person, Serve, Site

NOWHERE = Id(7)


class Air:
    """A server.stream_ports.Air: what is on is in a dictionary, and what is asked for is noted."""

    def __init__(self, site: Site) -> None:
        self.stage = site.streaming.stage
        self.on: dict[int, Received] = {}
        self.rechecked: list[int] = []
        self.ended: list[tuple[int, str]] = []
        site.streaming.carried_by(self)

    def received(self, stream: Id) -> Received | None:
        return self.on.get(stream)

    def end_stream(self, stream: Id, reason: str) -> None:
        self.ended.append((stream, reason))
        if self.on.pop(stream, None) is not None:
            self.stage.ended(stream, reason)

    async def recheck(self, stream: Id) -> None:
        self.rechecked.append(stream)

    async def publish(self, stream: dict[str, Any], *, received: Received | None = None) -> Id:
        """Somebody publishes it."""
        id_ = Id(int(stream["id"]))
        self.on[id_] = received or Received((), ())
        self.stage.live(id_)
        await self.stage.writer.settled()
        return id_


@pytest.fixture
async def air(site: Site) -> AsyncIterator[Air]:
    air = Air(site)
    yield air
    for stream in list(air.on):
        air.end_stream(Id(stream), "ended")
    await site.streaming.stage.writer.settled()


async def make(owner: Person, title: str = "Weaving, live", **fields: Any) -> dict[str, Any]:
    answer = await owner.post("/streams", json={"title": title, **fields})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def join(person: Any, room: object, account: object = None) -> httpx.Response:
    body = {"account": str(account or getattr(person, "id", NOWHERE))}
    answer: httpx.Response = await person.post(f"/rooms/{room}/members", json=body)
    return answer


def titles(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [stream["title"] for stream in answer.json()["items"]]


def ids(*people: Person) -> Sequence[Id]:
    return [Id(int(person.id)) for person in people]


# --- made, changed, deleted ----------------------------------------------------------------------


async def test_a_stream_is_made_with_its_key_and_its_chat(site: Site, alice: Person) -> None:
    made = await make(alice, "  Weaving  live ", description="Two shafts.", category="Crafts")
    assert made["title"] == "Weaving live"
    assert made["state"] == "idle"
    assert made["owner"]["username"] == "alice"
    assert made["publish_url"] == f"/whip/{made['id']}"
    assert made["play_url"] == f"/whep/{made['id']}"
    assert len(made["stream_key"]) >= 32  # 192 bits
    shown = (await alice.get(f"/streams/{made['id']}")).json()
    assert shown == {
        name: value for name, value in made.items() if name not in ("publish_url", "stream_key")
    }
    room = (await alice.get(f"/rooms/{made['room']}")).json()
    assert (room["kind"], room["title"], room["role"]) == ("channel", "Weaving live", "owner")
    async with site.database.connection() as db:
        kept = await db.fetchrow("SELECT * FROM streams")
    assert kept is not None
    assert not any(made["stream_key"] in str(value) for value in kept.values())


async def test_the_key_publishes_and_no_other_does(site: Site, alice: Person, air: Air) -> None:
    first, second = await make(alice), await make(alice)
    admission = site.streaming.admission
    await admission.may_publish(Id(int(first["id"])), first["stream_key"])
    for stream, key in (
        (first["id"], second["stream_key"]),
        (first["id"], ""),
        (first["id"], "schlüssel \ud800"),
        (NOWHERE, first["stream_key"]),
    ):
        with pytest.raises(Exception, match="wrong") as refused:
            await admission.may_publish(Id(int(stream)), key)
        assert refused.value.spec.code == "unauthorized"  # type: ignore[attr-defined]


async def test_a_new_key_ends_what_is_published_with_the_one_before(
    site: Site, alice: Person, bob: Person, air: Air
) -> None:
    made = await make(alice)
    stream = await air.publish(made)
    assert (await bob.post(f"/streams/{stream}/key")).status_code == 403
    renewed = (await alice.post(f"/streams/{stream}/key")).json()
    assert renewed["publish_url"] == made["publish_url"]
    assert air.ended[0] == (stream, "key")
    assert (await alice.get(f"/streams/{stream}")).json()["state"] == "ended"
    await site.streaming.admission.may_publish(stream, renewed["stream_key"])
    with pytest.raises(Exception, match="replaced"):
        await site.streaming.admission.may_publish(stream, made["stream_key"])


async def test_a_retry_makes_no_second_stream(site: Site, alice: Person, air: Air) -> None:
    once = {"Idempotency-Key": "one"}
    body = {"title": "Once"}
    first = (await alice.post("/streams", json=body, headers=once)).json()
    again = (await alice.post("/streams", json=body, headers=once)).json()
    assert again["id"] == first["id"]
    await site.streaming.admission.may_publish(Id(int(again["id"])), again["stream_key"])
    assert titles(await alice.get("/me/streams")) == ["Once"]
    # Of a room with the same key nothing is made.
    key = {"Idempotency-Key": "two"}
    room = {"kind": "channel", "title": "A room", "members": []}
    assert (await alice.post("/rooms", json=room, headers=key)).status_code == 201
    answer = await alice.post("/streams", json=body, headers=key)
    assert answer.json()["error"]["code"] == "nonce_conflict"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"title": ""},
        {"title": " \n "},
        {"title": "a" * 141},
        {"title": "a\u0000b"},
        {"title": "a", "category": "b" * 41},
        {"title": "a", "category": "b\nc"},
        {"title": "a", "description": "d" * 2_001},
        {"title": "a", "visibility": "secret"},
        {"title": "a", "thumbnail": "7"},
        {"title": 7},
    ],
)
async def test_what_no_stream_can_be(alice: Person, body: dict[str, Any]) -> None:
    answer = await alice.post("/streams", json=body)
    assert answer.status_code == 400
    assert titles(await alice.get("/me/streams")) == []
    rooms = (await alice.get("/rooms")).json()["items"]
    assert rooms == []  # nor is a chat left over


async def test_an_account_has_so_many(serve: Serve) -> None:
    site = await serve(streams=Streams(per_account=2))
    alice = await site.sign_up("alice")
    answers = await asyncio.gather(
        *(alice.post("/streams", json={"title": "At once"}) for _ in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 201, 403, 403, 403]
    refused = next(answer for answer in answers if answer.status_code == 403)
    assert "2 streams" in refused.json()["error"]["message"]
    found = (await alice.get("/me/streams?limit=1")).json()
    second = (await alice.get(f"/me/streams?cursor={found['next_cursor']}")).json()
    assert second["next_cursor"] is None
    assert found["items"][0]["id"] > second["items"][0]["id"]
    assert (await alice.delete(f"/streams/{found['items'][0]['id']}")).status_code == 204
    await make(alice, "Now there is room")


async def test_a_stream_changes_and_its_chat_with_it(alice: Person, bob: Person) -> None:
    made = await make(alice, category="Crafts")
    path = f"/streams/{made['id']}"
    changed = (await alice.patch(path, json={"title": "Four shafts", "category": ""})).json()
    assert (changed["title"], changed["category"]) == ("Four shafts", "")
    assert (await alice.get(f"/rooms/{made['room']}")).json()["title"] == "Four shafts"
    assert (await alice.patch(path, json={})).json()["title"] == "Four shafts"
    assert (await bob.patch(path, json={"title": "Mine"})).status_code == 403
    assert (await alice.patch(path, json={"title": ""})).status_code == 400


async def test_its_owner_may_have_left_the_chat(alice: Person, bob: Person) -> None:
    made = await make(alice)
    room = f"/rooms/{made['room']}/members"
    assert (await join(bob, made["room"])).is_success
    assert (await alice.patch(f"{room}/{bob.id}", json={"role": "owner"})).is_success
    assert (await alice.delete(f"{room}/{alice.id}")).is_success
    changed = await alice.patch(f"/streams/{made['id']}", json={"title": "Without me"})
    assert changed.json()["title"] == "Without me"
    assert (await bob.get(f"/rooms/{made['room']}")).json()["title"] == "Weaving, live"


async def test_a_thumbnail_is_an_image_of_ones_own(site: Site, alice: Person, bob: Person) -> None:
    mine, theirs = ids(alice, bob)
    async with site.database.transaction() as db:
        image, other = await social.upload(db, mine), await social.upload(db, mine)
        film = await social.upload(db, mine, kind="video")
        foreign = await social.upload(db, theirs)
    for wrong in (film, foreign, NOWHERE):
        answer = await alice.post("/streams", json={"title": "A", "thumbnail": str(wrong)})
        assert answer.status_code == 400
    made = await make(alice, thumbnail=str(image))
    assert made["thumbnail"]["id"] == str(image)
    assert (await alice.delete(f"/uploads/{image}")).json()["error"]["code"] == "in_use"
    path = f"/streams/{made['id']}"
    changed = (await alice.patch(path, json={"thumbnail": str(other)})).json()
    assert changed["thumbnail"]["id"] == str(other)
    assert (await alice.delete(f"/uploads/{image}")).status_code == 204
    assert "thumbnail" not in (await alice.patch(path, json={"thumbnail": None})).json()
    assert (await alice.delete(f"/uploads/{other}")).status_code == 204


async def test_a_deleted_stream_leaves_its_chat_to_those_who_are_in_it(
    alice: Person, bob: Person, air: Air
) -> None:
    made = await make(alice)
    room, path = f"/rooms/{made['room']}", f"/streams/{made['id']}"
    stream = await air.publish(made)
    assert (await bob.delete(path)).status_code == 403
    assert (await alice.delete(path)).status_code == 204
    assert air.ended[0] == (stream, "deleted")
    assert (await alice.get(path)).status_code == 404
    assert (await alice.delete(path)).status_code == 404
    assert (await alice.get(room)).json()["kind"] == "group"
    assert (await bob.get(room)).status_code == 404
    assert (await join(bob, made["room"])).status_code == 404


# --- on air --------------------------------------------------------------------------------------


async def test_what_is_on_is_listed(site: Site, alice: Person, bob: Person, air: Air) -> None:
    crafts = await make(alice, "Weaving", category="Crafts")
    games = await make(alice, "Chess", category="Games")
    await make(alice, "Not on")
    stage = site.streaming.stage
    first = await air.publish(crafts)
    site.clock.advance(10)
    second = await air.publish(games)
    stage.viewers(first, 3, 4)
    stage.viewers(second, 5, 5)
    await five_seconds(site)
    assert titles(await bob.get("/streams")) == ["Chess", "Weaving"]
    stage.viewers(first, 7, 8)
    listed = (await bob.get("/streams?order=newest")).json()["items"]
    assert [(each["title"], each["viewers"]) for each in listed] == [("Chess", 5), ("Weaving", 7)]
    assert titles(await bob.get("/streams?category=CRAFTS")) == ["Weaving"]
    assert titles(await site.anyone.get("/streams")) == ["Chess", "Weaving"]
    for order in ("viewers", "newest"):
        page = (await bob.get(f"/streams?order={order}&limit=1")).json()
        rest = await bob.get(f"/streams?order={order}&limit=1&cursor={page['next_cursor']}")
        assert [page["items"][0]["title"], *titles(rest)] == ["Chess", "Weaving"]
        assert rest.json()["next_cursor"] is None
    assert (await bob.get("/streams?cursor=broken")).status_code == 400
    # Muted accounts are left out, as of feeds; whoever is followed can be asked for alone.
    assert titles(await bob.get("/streams?followed=true")) == []
    async with site.database.transaction() as db:
        await social.follow(db, *ids(bob, alice))
    assert titles(await bob.get("/streams?followed=true")) == ["Chess", "Weaving"]
    async with site.database.transaction() as db:
        await social.mute(db, *ids(bob, alice))
    assert titles(await bob.get("/streams")) == []
    assert (await bob.get(f"/streams/{first}")).status_code == 200


async def five_seconds(site: Site) -> None:
    """After so long what is on is written with its numbers."""
    for _ in range(5):
        site.streaming.stage.turn()
    await site.streaming.stage.writer.settled()


async def test_interrupted_it_is_still_on(site: Site, alice: Person, air: Air) -> None:
    stream = await air.publish(await make(alice))
    site.streaming.stage.interrupted(stream)
    await site.streaming.stage.writer.settled()
    (shown,) = (await site.anyone.get("/streams")).json()["items"]
    assert shown["state"] == "interrupted"


async def test_how_a_stream_is(site: Site, alice: Person, bob: Person, air: Air) -> None:
    made = await make(alice)
    path = f"/streams/{made['id']}/health"
    assert (await alice.get(path)).json()["state"] == "idle"
    video = TrackHealth(kind="video", codec="H264", bitrate=2_500_000, width=1280, height=720)
    audio = TrackHealth(kind="audio", codec="opus", bitrate=128_000)
    stream = await air.publish(
        made, received=Received((video, audio), (HealthWarning.RARE_KEYFRAMES,))
    )
    site.streaming.stage.viewers(stream, 2, 3)
    site.clock.advance(90.5)
    health = (await alice.get(path)).json()
    assert health["bitrate"] == 2_628_000
    assert health["duration"] == 90.5
    assert (health["viewers"], health["peak_viewers"], health["total_viewers"]) == (2, 2, 3)
    assert [track["codec"] for track in health["tracks"]] == ["H264", "opus"]
    assert health["warnings"] == ["rare_keyframes"]
    assert (await bob.get(path)).status_code == 403
    await alice.post(f"/streams/{stream}/end")
    site.clock.advance(60)
    after = (await alice.get(path)).json()
    assert (after["state"], after["duration"], after["total_viewers"]) == ("ended", 90.5, 3)


async def test_its_owner_ends_it_and_begins_again(
    site: Site, alice: Person, bob: Person, air: Air
) -> None:
    made = await make(alice)
    stream = await air.publish(made)
    site.streaming.stage.viewers(stream, 1, 2)
    path = f"/streams/{stream}/end"
    assert (await bob.post(path)).status_code == 403
    ended = (await alice.post(path)).json()
    assert (ended["state"], ended["peak_viewers"], ended["total_viewers"]) == ("ended", 1, 2)
    assert "viewers" not in ended
    assert (await alice.post(path)).json() == ended  # has no effect again
    site.clock.advance(60)
    await air.publish(made)
    anew = (await alice.get(f"/streams/{stream}")).json()
    assert anew["started_at"] > ended["started_at"]
    assert "ended_at" not in anew
    assert "total_viewers" not in anew


async def test_a_moderator_ends_and_deletes(
    site: Site, alice: Person, bob: Person, air: Air
) -> None:
    hers, private = await make(alice), await make(alice, visibility="private")
    async with site.database.transaction() as db:
        await db.execute("UPDATE accounts SET moderator = true WHERE id = $1", Id(int(bob.id)))
    stream = await air.publish(hers)
    assert (await bob.post(f"/streams/{stream}/end")).json()["state"] == "ended"
    assert (await bob.patch(f"/streams/{stream}", json={"title": "No"})).status_code == 403
    assert (await bob.delete(f"/streams/{private['id']}")).status_code == 404
    assert (await bob.delete(f"/streams/{stream}")).status_code == 204


async def test_a_stream_that_is_deleted_by_elsewhere_ends_here(
    site: Site, alice: Person, air: Air
) -> None:
    stream = await air.publish(await make(alice))
    async with site.database.transaction() as db:
        await db.execute("DELETE FROM streams")
    await five_seconds(site)
    assert air.ended == [(stream, "ended")]
    assert site.streaming.stage.numbers(stream) is None


# --- who sees it ---------------------------------------------------------------------------------

ROLES = (
    *("anonymous", "owner", "stranger", "blocked", "blocking", "banned", "asked", "follower"),
    *("friend", "moderator"),
)


def sees(role: str, visibility: Visibility, *, is_open: bool) -> bool:
    """The rule, in words of its own."""
    if role == "owner":
        return True
    if role in ("blocked", "blocking", "banned") or visibility is Visibility.PRIVATE:
        return False
    if role in ("moderator", "friend"):
        return True
    if role == "follower":
        return visibility is not Visibility.FRIENDS
    return visibility is Visibility.PUBLIC and is_open


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "closed"])
async def test_who_sees_and_watches_what(site: Site, air: Air, *, is_open: bool) -> None:
    people = {role: await site.sign_up(f"the_{role}") for role in ROLES if role != "anonymous"}
    account = {role: Id(int(person.id)) for role, person in people.items()}
    owner = people["owner"]
    made = {each: await make(owner, each, visibility=each.value) for each in Visibility}
    async with site.database.transaction() as db:
        if not is_open:
            await db.execute("UPDATE profiles SET visibility = 'followers'")
        await db.execute("UPDATE accounts SET moderator = true WHERE id = $1", account["moderator"])
        await social.block(db, account["owner"], account["blocked"])
        await social.block(db, account["blocking"], account["owner"])
        await social.follow(db, account["asked"], account["owner"], accepted=False)
        await social.follow(db, account["follower"], account["owner"])
        await social.befriend(db, account["friend"], account["owner"])
    for stream in made.values():
        await air.publish(stream)
        ban = f"/rooms/{stream['room']}/bans/{account['banned']}"
        assert (await owner.put(ban, json={})).is_success
    admission = site.streaming.admission
    for role in ROLES:
        client = people.get(role, site.anyone)
        viewer = account.get(role)
        nothing = await client.get(f"/streams/{NOWHERE}")
        no_room = await client.get(f"/rooms/{NOWHERE}")
        no_member = await join(client, NOWHERE, viewer)
        live = titles(await client.get("/streams"))
        for visibility, stream in made.items():
            where, id_ = f"{role}, {visibility}", Id(int(stream["id"]))
            shown = await client.get(f"/streams/{id_}")
            may = sees(role, visibility, is_open=is_open)
            assert (visibility in live) == may, where
            assert (viewer in await admission.still_may_watch(id_, {viewer})) == may, where
            room = await client.get(f"/rooms/{stream['room']}")
            if may:
                assert shown.json()["title"] == visibility, where
                await admission.may_watch(id_, viewer)
                assert room.status_code == (401 if role == "anonymous" else 200), where
                continue
            assert (shown.status_code, shown.content) == (404, nothing.content), where
            assert (room.status_code, room.content) == (no_room.status_code, no_room.content)
            with pytest.raises(Exception, match="no such stream"):
                await admission.may_watch(id_, viewer)
            if role not in ("anonymous", "banned"):  # who knows that they are
                joined = await join(client, stream["room"], viewer)
                assert joined.content == no_member.content, where
            for method, path in (("PATCH", ""), ("DELETE", ""), ("POST", "/end"), ("POST", "/key")):
                answer = await client.request(method, f"/streams/{id_}{path}", json={})
                absent = await client.request(method, f"/streams/{NOWHERE}{path}", json={})
                assert answer.content == absent.content, where


async def test_without_an_account_only_where_that_is_wanted(serve: Serve, alice: Person) -> None:
    made = await make(alice)
    closed = await serve(streams=Streams(anonymous_viewers=False))
    for path in ("/streams", f"/streams/{made['id']}"):
        answer = await closed.anyone.get(path)
        assert answer.json()["error"]["code"] == "unauthorized"
        token = {"Authorization": f"Bearer {alice.access_token}"}
        assert (await closed.anyone.get(path, headers=token)).status_code == 200
    with pytest.raises(Exception, match="with an account"):
        await closed.streaming.admission.may_watch(Id(int(made["id"])), None)


async def test_a_wrong_token_is_not_taken_for_none(site: Site) -> None:
    answer = await site.anyone.get("/streams", headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code == 401


async def test_who_may_watch_is_asked_again_when_it_changes(
    site: Site, alice: Person, bob: Person, air: Air
) -> None:
    made = await make(alice)
    stream = await air.publish(made)
    await alice.patch(f"/streams/{stream}", json={"title": "As it was"})
    assert air.rechecked == []
    await alice.patch(f"/streams/{stream}", json={"visibility": "followers"})
    assert air.rechecked == [stream]
    await bob.put(f"/me/blocks/{alice.id}")
    await site.settle()
    assert air.rechecked == [stream, stream]
    await alice.put(f"/rooms/{made['room']}/bans/{bob.id}", json={})
    await site.settle()
    assert air.rechecked == [stream, stream, stream]
    for _ in range(60):
        site.streaming.admission.turn()
    await site.settle()
    assert len(air.rechecked) == 4


# --- the chat ------------------------------------------------------------------------------------


async def test_the_chat_has_slow_mode_admins_mutes_and_bans(
    site: Site, alice: Person, bob: Person
) -> None:
    carol = await site.sign_up("carol")
    made = await make(alice)
    room = f"/rooms/{made['room']}"

    async def say(person: Person, text: str) -> str | None:
        answer = await person.post(f"{room}/messages", json={"body": text})
        return answer.json().get("error", {}).get("code")

    for person in (bob, carol):
        assert (await join(person, made["room"])).is_success
        assert await say(person, "Hello") is None
    # Slow mode.
    assert (await alice.patch(room, json={"slow_mode": 60})).is_success
    assert await say(bob, "Again") == "slow_mode"
    assert await say(alice, "I need not wait") is None
    # Bob moderates.
    assert (await bob.put(f"{room}/bans/{carol.id}", json={})).status_code == 403
    promoted = await alice.patch(f"{room}/members/{bob.id}", json={"role": "admin"})
    assert promoted.is_success
    assert await say(bob, "Nor do I now") is None
    assert (await alice.patch(room, json={"slow_mode": 0})).is_success
    muted = await bob.put(f"{room}/members/{carol.id}/mute", json={"seconds": 60})
    assert muted.is_success
    assert await say(carol, "But") == "muted"
    assert (await bob.put(f"{room}/bans/{carol.id}", json={})).is_success
    assert await say(carol, "But") == "not_found"
    assert (await join(carol, made["room"])).json()["error"]["code"] == "banned"
    # And cannot watch, either.
    assert (await carol.get(f"/streams/{made['id']}")).status_code == 404
    assert (await bob.delete(f"{room}/bans/{carol.id}")).is_success
    assert (await carol.get(f"/streams/{made['id']}")).status_code == 200


async def test_chats_are_not_among_the_channels(alice: Person, bob: Person) -> None:
    await make(alice)
    room = {"kind": "channel", "title": "A channel", "members": []}
    await alice.post("/rooms", json=room)
    found = (await bob.get("/rooms?scope=public")).json()["items"]
    assert [each["title"] for each in found] == ["A channel"]
