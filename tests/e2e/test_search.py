"""Search over real connections: what is said is found, whatever happens to the server."""

import asyncio
from typing import Any

import httpx

from tests.e2e.device import Device, Fields
from tests.e2e.process import ServerProcess
from tests.e2e.site import Person, Site
from tests.e2e.talkers import PASSWORD


async def search(site: Site, person: Person, q: str) -> list[Fields]:
    async with httpx.AsyncClient(base_url=site.url, headers=person.bearer) as client:
        answer = await client.get("/api/v1/search/messages", params={"q": q})
    assert answer.status_code == 200, answer.text
    items: list[Fields] = answer.json()["items"]
    return items


async def group(device: Device, *members: Person) -> str:
    created = await device.do(
        "create", kind="group", title="Engines", members=[member.id for member in members]
    )
    return str(created["room"]["id"])


async def test_what_was_said_is_found_at_once_as_it_is_now(site: Site) -> None:
    ada, bob = await site.people("ada", "bob")
    device = await site.device(ada, "msgpack")
    room = await group(device, bob)
    seqs = [(await device.do("send", room=room, body=f"loom {n}"))["seq"] for n in range(3)]
    await device.do("edit", room=room, seq=seqs[0], body="engine")
    await device.do("delete", room=room, seq=seqs[1])
    (hit,) = await search(site, bob, "loom")
    assert (hit["room"], hit["message"]["seq"]) == (room, seqs[2])
    assert hit["fragments"] == [{"text": "loom", "match": True}, {"text": " 2"}]
    (hit,) = await search(site, bob, "engine from:" + ada.username)
    assert hit["message"]["edited_at"]


async def test_it_is_indexed_by_itself(site: Site) -> None:
    ada = await site.person()
    device = await site.device(ada)
    room = await group(device)
    seqs = [(await device.do("send", room=room, body="loom"))["seq"] for _ in range(5)]
    query = "SELECT seq FROM message_search WHERE room_id = $1 ORDER BY seq"
    async with asyncio.timeout(30):
        while [row["seq"] for row in await site.fetch(query, int(room))] != seqs:
            pass


async def test_the_next_process_finds_what_one_has_left(site: Site) -> None:
    ada = await site.person()
    device = await site.device(ada)
    room = await group(device)
    await device.do("send", room=room, body="loom")
    await search(site, ada, "loom")
    # As if nothing had been indexed when the process was killed.
    await site.fetch("DELETE FROM message_search WHERE room_id = $1", int(room))
    await site.fetch("DELETE FROM message_search_progress WHERE room_id = $1", int(room))
    async with site.another():
        async with asyncio.timeout(30):
            query = "SELECT FROM message_search WHERE room_id = $1"
            while not await site.fetch(query, int(room)):
                pass
    assert len(await search(site, ada, "loom")) == 1


async def test_kill_9_loses_nothing(server: ServerProcess) -> None:
    async with httpx.AsyncClient(base_url=f"{server.url}/api/v1") as client:

        async def post(path: str, **body: Any) -> Fields:
            answer = await client.post(path, json=body)
            assert answer.status_code == 201, answer.text
            fields: Fields = answer.json()
            return fields

        signed_in = await post(
            "/accounts", username="ada", email="ada@example.org", password=PASSWORD
        )
        client.headers["Authorization"] = f"Bearer {signed_in['access_token']}"
        room = (await post("/rooms", kind="group", title="Engines"))["id"]
        said = [f"loom {number}" for number in range(40)]
        for body in said:
            await post(f"/rooms/{room}/messages", body=body)
        await server.kill()
        await server.start()
        found, cursor = [], {}
        while True:
            answer = await client.get("/search/messages", params={"q": "loom", **cursor})
            page = answer.json()
            found += [hit["message"]["body"] for hit in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
    assert found == said[::-1]
