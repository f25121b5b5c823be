"""Somebody who has done everything that there is to do."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

import httpx

from protocol.ids import Id
from tests import social
from tests.e2e.device import Device
from tests.e2e.site import Site
from tests.files import image_file

PASSWORD = "correct horse battery"


class Person(NamedTuple):
    id: str
    name: str
    http: httpx.AsyncClient
    device: Device

    async def ask(self, method: str, path: str, **options: Any) -> Any:
        answer = await self.http.request(method, path, **options)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def post(self, content: str, **fields: Any) -> str:
        body = {"type": "text", "content": content, **fields}
        return str((await self.ask("POST", "/posts", json=body))["id"])

    async def say(self, room: str, body: str, **fields: Any) -> int:
        return int((await self.device.do("send", room=room, body=body, **fields))["seq"])

    async def room(self, *members: "Person", kind: str = "group", title: str | None = "A") -> str:
        fields: dict[str, Any] = {"kind": kind, "members": [member.id for member in members]}
        if kind != "dm":
            fields["title"] = title
        return str((await self.ask("POST", "/rooms", json=fields))["id"])

    async def log(self, room: str) -> list[dict[str, Any]]:
        found = await self.ask("GET", f"/rooms/{room}/events", params={"limit": 200})
        return list(found["items"])


@asynccontextmanager
async def three_people(site: Site) -> AsyncIterator[list[Person]]:
    """Ada, bob and eve, each with a connection and a name that nobody has."""
    async with AsyncExitStack() as stack:
        found = []
        for who in ("ada", "bob", "eve"):
            http = await stack.enter_async_context(
                httpx.AsyncClient(base_url=f"{site.url}/api/v1", timeout=20)
            )
            name = f"{who}_{next(_numbers)}"
            body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
            signed_in = (await http.post("/accounts", json=body)).json()
            http.headers["Authorization"] = f"Bearer {signed_in['access_token']}"
            device = await site.connect()
            assert (await device.hello(signed_in["access_token"], None))["t"] == "ready"
            found.append(Person(signed_in["account"]["id"], name, http, device))
        yield found


_numbers = iter(range(1, 1000))


class Done(NamedTuple):
    """What is left to look at."""

    group: str
    dm: str
    channel: str
    alone: str
    own_post: str
    bobs_post: str
    poll: str
    buried: str
    answer: str


async def everything(site: Site, ada: Person, bob: Person, eve: Person) -> Done:
    """Have ada do everything that there is to do."""
    group, dm, channel, alone = await rooms(ada, bob, eve)
    picture = (await ada.ask("POST", "/uploads", content=image_file(), params={"name": "a.png"}))[
        "id"
    ]
    await ada.ask(
        "PATCH", f"/accounts/{ada.id}", json={"avatar": picture, "display_name": "Ada", "bio": "b"}
    )
    stream = await ada.ask("POST", "/streams", json={"title": "Live", "thumbnail": picture})
    await bob.device.do("join", room=stream["room"])
    attachment = {"id": picture, "name": ada.id}
    await ada.say(group, "A picture.", nonce="n9", attachments=[attachment])
    own = await ada.post(
        f"#looms for @{bob.name}", type="image", media=[picture], visibility="public"
    )
    bobs = await bob.post(f"Thank you @{ada.name}")
    poll = await bob.post("?", type="poll", poll={"options": ["a", "b"], "multiple": True})
    buried, answer = await social_life(ada, bob, eve, own, bobs, poll)
    await ada.ask("POST", "/me/exports")
    async with site.database.connection() as db:
        for table in ("feed_rankings (id, account_id, posts, floor) VALUES ($2, $1, '{}', 0)",):
            await db.execute(f"INSERT INTO {table}", Id(ada.id), social.new_id())
        await db.execute(
            "INSERT INTO timelines (account_id, floor, active_at) VALUES ($1, 0, now()) "
            "ON CONFLICT DO NOTHING",
            Id(ada.id),
        )
        await db.execute(
            "INSERT INTO timeline_entries (account_id, position, post_id, author_id) "
            "VALUES ($1, $3, $3, $2), ($2, $4, $4, $1) ON CONFLICT DO NOTHING",
            *(Id(ada.id), Id(bob.id), Id(bobs), Id(own)),
        )
    return Done(group, dm, channel, alone, own, bobs, poll, buried, answer)


async def rooms(ada: Person, bob: Person, eve: Person) -> tuple[str, str, str, str]:
    group = await ada.room(bob, eve)
    await ada.device.do("promote", room=group, account=eve.id, role="admin")
    first = await ada.say(group, f"Good morning @{bob.name}", nonce="n1")
    await bob.say(group, f"Hello @{ada.name}", reply_to=first, nonce="b1")
    of_bob = await bob.say(group, "What a day.", nonce="b2")
    reply = await ada.say(group, "Indeed.", reply_to=of_bob, nonce="n2")
    await ada.say(group, "Gone.", nonce="n3")
    await ada.device.do("delete", room=group, seq=reply + 1)
    await ada.device.do("edit", room=group, seq=first, body=f"Good evening @{bob.name}")
    await bob.device.do("edit", room=group, seq=of_bob, body=f"What a day, @{ada.name}.")
    await bob.device.do("edit", room=group, seq=of_bob, body="What a day!")
    await ada.device.do("react", room=group, seq=of_bob, emoji="👍")
    await bob.device.do("react", room=group, seq=first, emoji="🙂")
    await ada.ask("PUT", f"/rooms/{group}/pins/{first}")
    await ada.ask("PUT", f"/rooms/{group}/pins/{of_bob}")
    await ada.ask("POST", f"/rooms/{group}/messages", json={"body": "Without a nonce."})
    await ada.device.do("rename", room=group, title="Renamed")
    # Elsewhere others have something against her, and she against them.
    other = await bob.room(ada, eve)
    await bob.ask("PUT", f"/rooms/{other}/members/{ada.id}/mute", json={"seconds": 1000})
    third = await bob.room(ada)
    await bob.ask("PUT", f"/rooms/{third}/bans/{ada.id}", json={})
    hers = await ada.room(eve, bob)
    await ada.ask("PUT", f"/rooms/{hers}/bans/{bob.id}", json={})
    dm = await ada.room(bob, kind="dm")
    await ada.say(dm, "Between us.", nonce="n4")
    await bob.say(dm, "Quite.", nonce="b4")
    channel = await ada.room(kind="channel")
    await bob.device.do("join", room=channel)
    await ada.say(channel, "Hear, hear.", nonce="n5")
    alone = await ada.room(kind="channel")
    await ada.say(alone, "Nobody hears.", nonce="n6")
    await ada.room(ada, kind="dm")
    return group, dm, channel, alone


async def social_life(
    ada: Person, bob: Person, eve: Person, own: str, bobs: str, poll: str
) -> tuple[str, str]:
    for one, other in ((ada, bob), (bob, ada), (eve, ada)):
        await one.ask("PUT", f"/accounts/{other.id}/follow")
    for one, other in ((ada, eve), (eve, ada)):
        await one.ask("PUT", f"/me/mutes/{other.id}")
    keys = {"Idempotency-Key": "k1"}
    await ada.ask("POST", "/posts", json={"type": "text", "content": "k"}, headers=keys)
    await ada.post("", status="draft")
    await ada.ask("DELETE", f"/posts/{await ada.post('Regretted')}")
    await ada.ask("PATCH", f"/posts/{own}", json={"content": f"#silk for @{bob.name}"})
    await ada.post("I quote.", shared=bobs)
    await ada.ask("POST", f"/posts/{bobs}/share")
    await bob.ask("POST", f"/posts/{own}/share")
    await eve.post("I quote her.", shared=own)
    for one, post in ((ada, bobs), (bob, bobs), (bob, own)):
        await one.ask("PUT", f"/posts/{post}/like")
    await ada.ask("PUT", f"/posts/{bobs}/bookmark")
    await bob.ask("PUT", f"/posts/{own}/bookmark")
    await ada.ask("PUT", f"/posts/{poll}/vote", json={"options": [0, 1]})
    await bob.ask("PUT", f"/posts/{poll}/vote", json={"options": [1]})
    comment = {"content": f"Well, @{bob.name}"}
    path = f"/posts/{bobs}/comments"
    buried = (await ada.ask("POST", path, json=comment, headers=keys))["id"]
    reply = {"content": f"Yes, @{ada.name}?", "parent": buried}
    answer = (await bob.ask("POST", path, json=reply))["id"]
    await ada.ask("POST", path, json={"content": "Nothing.", "parent": answer})
    await ada.ask("PUT", f"/comments/{answer}/like")
    await bob.ask("PUT", f"/comments/{buried}/like")
    await bob.ask("POST", f"/posts/{own}/comments", json={"content": "On hers."})
    return str(buried), str(answer)
