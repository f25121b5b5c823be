"""Blocking and muting people: what the two of them can do, and what their devices are told."""

from typing import Any

import httpx
import pytest

from server.config import Config
from server.sections import Limits, Presence
from tests.e2e.device import Device
from tests.e2e.site import Person, Site
from tests.e2e.test_presence import group, hears, pair


@pytest.fixture(scope="module")
def config() -> Config:
    return Config(presence=Presence(grace_seconds=0), limits=Limits(blocked_accounts=2))


async def rest(site: Site, person: Person, method: str, path: str, **options: Any) -> Any:
    """Ask REST for something that is granted."""
    async with httpx.AsyncClient(headers=person.bearer) as client:
        answer = await client.request(method, f"{site.url}/api/v1{path}", **options)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def block(site: Site, person: Person, other: Person) -> None:
    await rest(site, person, "PUT", f"/me/blocks/{other.id}")


async def unblock(site: Site, person: Person, other: Person) -> None:
    await rest(site, person, "DELETE", f"/me/blocks/{other.id}")


async def relation(device: Device) -> Any:
    """The next notice about a relation."""
    event = await device.event()
    while event["t"] != "relation":
        event = await device.event()
    return event


async def test_in_their_dm_neither_can_write(site: Site) -> None:
    ada, bob = await site.people("ada", "bob")
    first, second = await site.device(ada), await site.device(bob)
    room = (await first.do("create", kind="dm", members=[bob.id]))["room"]["id"]
    sent = await first.do("send", room=room, body="hi")
    await block(site, ada, bob)
    for device in (first, second):
        assert await device.refused("send", room=room, body="hi") == "blocked"
        assert await device.refused("edit", room=room, seq=sent["seq"], body="x") in (
            "blocked",
            "forbidden",
        )
    # It can be read, and found again.
    assert len((await second.do("history", room=room))["events"]) == 2
    assert (await second.do("create", kind="dm", members=[ada.id]))["room"]["id"] == room
    await block(site, bob, ada)
    await unblock(site, ada, bob)
    for device in (first, second):
        assert await device.refused("send", room=room, body="hi") == "blocked"
    await unblock(site, bob, ada)
    await first.do("send", room=room, body="hi")
    await second.do("send", room=room, body="hi")


@pytest.mark.parametrize("blocked", [True, False], ids=["the blocked", "the one who blocked"])
async def test_neither_can_open_a_dm(site: Site, blocked: bool) -> None:
    ada, bob = await site.people("ada", "bob")
    device = await site.device(ada)
    await (block(site, bob, ada) if blocked else block(site, ada, bob))
    assert await device.refused("create", kind="dm", members=[bob.id]) == "blocked"
    assert await device.refused("create", kind="dm", members=[bob.id], nonce="n") == "blocked"
    count = "SELECT count(*) FROM rooms WHERE creator_id = $1"
    assert (await site.fetch(count, int(ada.id)))[0][0] == 0
    await (unblock(site, bob, ada) if blocked else unblock(site, ada, bob))
    await device.do("create", kind="dm", members=[bob.id], nonce="n")


async def test_in_groups_they_meet(site: Site) -> None:
    ada, bob = await site.people("ada", "bob")
    first, second = await site.device(ada), await site.device(bob)
    await block(site, ada, bob)
    room = await group(first, bob)
    another = await group(second, ada)
    for device in (first, second):
        await device.do("send", room=room, body="hi")
        await device.do("send", room=another, body="hi")


async def test_one_s_devices_are_told_and_the_other_is_not(site: Site) -> None:
    ada, bob = await site.people("ada", "bob")
    laptop, phone = await site.device(ada), await site.device(ada)
    other = await site.device(bob)
    known = {"t": "relation", "account": bob.id, "blocked": False, "muted": False}
    for method, path, changed in (
        ("PUT", "blocks", {"blocked": True}),
        ("PUT", "mutes", {"muted": True}),
        ("DELETE", "blocks", {"blocked": False}),
        ("DELETE", "mutes", {"muted": False}),
    ):
        known |= changed
        for _ in range(2):  # the second one changes nothing
            await rest(site, ada, method, f"/me/{path}/{bob.id}")
        for device in (laptop, phone):
            assert await relation(device) == known
    assert await laptop.heard() == await phone.heard() == await other.heard() == []


async def test_ready_has_them(site: Site) -> None:
    ada, bob, eve = await site.people("ada", "bob", "eve")
    fresh = await site.device(ada)
    assert not {"blocked", "muted", "busy", "hidden"} & fresh.ready.keys()
    await group(fresh, bob)
    await group(fresh, eve)
    await block(site, ada, bob)
    await rest(site, ada, "PUT", f"/me/mutes/{eve.id}")
    await rest(site, ada, "PUT", f"/me/mutes/{bob.id}")
    await rest(site, ada, "PATCH", "/me/settings", json={"hidden": True})
    ready = (await site.device(ada)).ready
    assert ready["blocked"] == [bob.id]
    assert ready["muted"] == [bob.id, eve.id]
    assert ready["hidden"] is True
    assert "busy" not in ready


async def test_to_the_blocked_one_is_offline(site: Site) -> None:
    (ada, first), (bob, second) = await pair(site)
    await block(site, ada, bob)
    assert "last_seen" not in await hears(second, ada, "offline")
    await second.do("watch", accounts=[ada.id])
    assert "last_seen" not in await hears(second, ada, "offline")
    # Ada still sees Bob.
    await second.do("presence", state="away")
    await hears(first, bob, "away")
    # What Ada does, Bob does not see, on no device of his: that of eve's comes after it.
    eve = await site.person("eve")
    await second.do("watch", accounts=[eve.id])
    await hears(second, eve, "offline")
    phone = await site.device(bob)
    await hears(phone, bob, "away")
    await phone.do("watch", accounts=[eve.id])
    await hears(phone, eve, "offline")
    await first.do("presence", state="away")
    await site.device(eve)
    for device in (second, phone):
        told = [await device.presence()]
        while told[-1]["account"] != eve.id:
            told.append(await device.presence())
        assert ada.id not in {event["account"] for event in told}
    await unblock(site, ada, bob)
    for device in (second, phone):
        await hears(device, ada, "away")


async def test_who_was_blocked_while_offline_sees_nobody_arrive(site: Site) -> None:
    ada, bob = await site.people("ada", "bob")
    second = await site.device(bob)
    await group(second, ada)
    await block(site, ada, bob)
    await site.device(ada)
    eve = await site.person("eve")
    await second.do("watch", accounts=[eve.id])
    await site.device(eve)
    told = [await second.presence()]
    while (told[-1]["account"], told[-1]["state"]) != (eve.id, "online"):
        told.append(await second.presence())
    assert ada.id not in {event["account"] for event in told}
