"""Who is here, as others see it: over real sockets, with the server's clock and its flush.

That something is not told is seen by what is told after it: changes are told in their order.
"""

from datetime import UTC, datetime, timedelta

import pytest

from server.config import Config
from server.sections import Limits, Presence
from tests.e2e.device import Device, Encoding, Fields
from tests.e2e.site import Person, Site

GRACE = 1


@pytest.fixture(scope="module")
def config() -> Config:
    return Config(
        presence=Presence(grace_seconds=GRACE, room_members=3), limits=Limits(watched_accounts=3)
    )


async def group(owner: Device, *members: Person) -> str:
    room = await owner.do(
        "create", kind="group", title="Engines", members=[member.id for member in members]
    )
    return str(room["room"]["id"])


async def hears(device: Device, person: Person, state: str) -> Fields:
    """The event that tells a device of somebody's state; those before it are about others."""
    while True:
        event = await device.presence()
        if event.get("account") == person.id:
            assert event["state"] == state
            return event


async def say(device: Device, *states: str) -> None:
    """Say one state after the other, in one write: the server reads them in one tick."""
    identifiers = range(1_000, 1_000 + len(states))
    device.socket.write(
        b"".join(
            device.framed({"t": "presence", "id": identifier, "state": state})
            for identifier, state in zip(identifiers, states, strict=True)
        )
    )
    for identifier in identifiers:
        assert (await device.answer(identifier))["t"] == "ok"


async def pair(
    site: Site, encoding: Encoding = "json"
) -> tuple[tuple[Person, Device], tuple[Person, Device]]:
    """Two people who share a room and know that they are here."""
    ada, bob = await site.people("ada", "bob")
    first, second = await site.device(ada, encoding), await site.device(bob, encoding)
    await group(first, bob)
    for device in (first, second):
        told = [await device.presence() for _ in range(2)]
        assert {event["account"] for event in told} == {ada.id, bob.id}
        assert [event["state"] for event in told] == ["online"] * 2
    return (ada, first), (bob, second)


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
async def test_who_arrives_is_told_who_is_here(site: Site, encoding: Encoding) -> None:
    ada, bob, eve = await site.people("ada", "bob", "eve")
    first = await site.device(ada, encoding)
    await group(first, bob, eve)
    second = await site.device(bob, encoding)
    await hears(first, bob, "online")
    third = await site.connect(encoding)
    third.tell("hello", token=eve.token)
    assert (await third.receive())["t"] == "ready"
    told = [await third.receive() for _ in range(2)]
    assert sorted(event["account"] for event in told) == sorted([ada.id, bob.id])
    assert [event["t"] for event in told] == ["presence"] * 2
    assert [event["state"] for event in told] == ["online"] * 2
    for device in (first, second):
        await hears(device, eve, "online")
    await hears(third, eve, "online")


async def test_offline_comes_after_the_grace_and_says_when(site: Site) -> None:
    (ada, first), (_, second) = await pair(site)
    before = datetime.now(UTC)
    first.abort()
    event = await hears(second, ada, "offline")
    assert datetime.now(UTC) - before >= timedelta(seconds=GRACE)
    last_seen = datetime.fromisoformat(event["last_seen"])
    assert timedelta(milliseconds=-1) <= last_seen - before < timedelta(seconds=GRACE)


async def test_who_comes_back_within_the_grace_was_never_away(site: Site) -> None:
    (ada, first), (bob, second) = await pair(site)
    first.abort()
    again = await site.device(ada)
    await hears(again, bob, "online")
    # Were the grace over, this would be told after it.
    (eve,) = await site.people("eve")
    third = await site.device(eve)
    await group(third, bob)
    third.abort()
    await hears(second, eve, "online")
    await hears(second, eve, "offline")
    assert await second.heard_of_presence() == []


async def test_the_best_state_of_several_devices_wins(site: Site) -> None:
    (ada, laptop), (_, second) = await pair(site)
    phone = await site.device(ada)
    await say(phone, "away")
    await say(laptop, "away")
    await hears(second, ada, "away")
    await hears(phone, ada, "online")  # as she was when it arrived
    await hears(phone, ada, "away")
    await hears(laptop, ada, "away")
    await say(phone, "online")
    await hears(second, ada, "online")
    phone.abort()
    await hears(second, ada, "away")


async def test_what_is_undone_at_once_is_not_told(site: Site) -> None:
    (ada, first), (bob, second) = await pair(site)
    await say(first, "away", "online")
    await say(second, "away")
    await hears(first, bob, "away")
    assert [event for event in await second.heard_of_presence() if event["account"] == ada.id] == []


async def test_busy_is_for_all_devices_and_stays(site: Site) -> None:
    (ada, first), (_, second) = await pair(site)
    phone = await site.device(ada)
    await say(phone, "away")
    await first.do("presence", busy=True)
    settings = {"t": "settings", "busy": True, "hidden": False}
    for device in (first, phone):
        told = await device.event()
        while told["t"] != "settings":
            told = await device.event()
        assert told == settings
    await hears(second, ada, "busy")
    await first.do("presence", busy=True)  # nothing new
    first.abort()
    phone.abort()
    await hears(second, ada, "offline")
    again = await site.device(ada)
    assert again.ready["busy"] is True
    await hears(second, ada, "busy")
    await again.do("presence", busy=False, state="away")
    await hears(second, ada, "away")


async def test_the_hidden_are_offline_to_all_but_themselves(site: Site) -> None:
    (ada, first), (bob, second) = await pair(site)
    await first.do("presence", hidden=True)
    assert "last_seen" not in await hears(second, ada, "offline")
    phone = await site.device(ada)
    assert phone.ready["hidden"] is True
    await hears(phone, bob, "online")
    await hears(phone, ada, "online")
    stranger = await site.device(await site.person("eve"))
    await stranger.do("watch", accounts=[ada.id])
    assert "last_seen" not in await hears(stranger, ada, "offline")
    await say(phone, "away")
    await say(first, "away")
    await hears(phone, ada, "away")
    assert await second.heard_of_presence() == []
    await first.do("presence", hidden=False)
    await hears(second, ada, "away")
    await hears(stranger, ada, "away")


async def test_watching_a_stranger(site: Site) -> None:
    ada, bob = await site.people("ada", "bob")
    first = await site.device(ada)
    command = first.tell("watch", accounts=[bob.id])
    received = await first.receive()
    while received["t"] == "presence":  # of herself
        received = await first.receive()
    assert (received["t"], received["id"]) == ("ok", command)
    event = await hears(first, bob, "offline")
    assert "last_seen" not in event  # never seen
    second = await site.device(bob)
    await hears(first, bob, "online")
    await hears(second, bob, "online")
    assert await second.heard_of_presence() == []  # nothing of ada
    second.abort()
    last_seen = (await hears(first, bob, "offline"))["last_seen"]
    while (await site.fetch("SELECT last_seen_at FROM accounts WHERE id = $1", int(bob.id)))[0][
        0
    ] is None:
        pass
    await first.do("watch", accounts=[bob.id])
    assert (await hears(first, bob, "offline"))["last_seen"] == last_seen
    await first.do("unwatch", accounts=[bob.id])
    second = await site.device(bob)
    await hears(second, bob, "online")
    assert await first.heard_of_presence() == []


async def test_watch_has_a_limit_and_knows_accounts(site: Site) -> None:
    people = await site.people("ada", "bob", "eve", "kay")
    device = await site.device(people[0])
    ids = [person.id for person in people]
    await device.do("watch", accounts=ids[:3])
    await device.do("watch", accounts=ids[:2])
    assert await device.refused("watch", accounts=ids[3:]) == "forbidden"
    await device.do("unwatch", accounts=ids[:1])
    await device.do("watch", accounts=ids[3:])
    assert await device.refused("watch", accounts=["17"]) == "not_found"
    assert await device.refused("watch", accounts=[]) == "bad_request"


async def test_a_large_room_is_counted(site: Site) -> None:
    ada, bob, eve, kay = await site.people("ada", "bob", "eve", "kay")
    first = await site.device(ada)
    room = await group(first, bob, eve, kay)
    count = {"t": "room_presence", "room": room}
    await hears(first, ada, "online")
    assert await first.presence() == {**count, "online": 1}
    second = await site.device(bob)
    assert await second.presence() == {**count, "online": 1}
    assert await first.presence() == {**count, "online": 2}
    # One leaves: no longer large.
    await first.do("kick", room=room, account=kay.id)
    await hears(first, bob, "online")
    # One comes: large again, and they forget each other.
    await first.do("invite", room=room, account=kay.id)
    await hears(first, bob, "offline")
    assert await first.presence() == {**count, "online": 2}


async def test_who_leaves_the_last_common_room_is_forgotten(site: Site) -> None:
    (ada, first), (bob, second) = await pair(site)
    room = (await second.event())["room"]["id"]
    another = await group(first, bob)
    await second.do("leave", room=another)
    assert await first.heard_of_presence() == []
    await second.do("leave", room=room)
    event = await hears(first, bob, "offline")
    assert "last_seen" not in event
    await hears(second, ada, "offline")
