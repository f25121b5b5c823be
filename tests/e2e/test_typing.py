"""Who is writing: told to the others who listen, and to nobody else."""

from collections.abc import AsyncIterator

import pytest

from persistence.embedded import EmbeddedPostgres
from server.config import Config
from server.sections import Limits
from tests.e2e.device import Device, Encoding, Fields
from tests.e2e.site import Person, Site, copy_of, serving


@pytest.fixture(scope="module")
def config() -> Config:
    return Config(limits=Limits(typing_members=3))


@pytest.fixture
async def people(site: Site) -> list[Person]:
    return await site.people("ada", "bob", "eve")


@pytest.fixture(params=["json", "msgpack"])
async def ada(request: pytest.FixtureRequest, site: Site, people: list[Person]) -> Device:
    encoding: Encoding = request.param
    return await site.device(people[0], encoding)


@pytest.fixture
async def bob(site: Site, people: list[Person]) -> Device:
    return await site.device(people[1])


@pytest.fixture
async def room(ada: Device, bob: Device, people: list[Person]) -> str:
    created = await ada.do("create", kind="group", title="Garden", members=[people[1].id])
    for device in (ada, bob):
        await device.heard()
    return str(created["room"]["id"])


def typing(person: Person, room: str, **fields: object) -> Fields:
    return {"t": "typing", "room": room, "account": person.id, "active": True, **fields}


async def test_is_told_to_the_others_alone(
    site: Site, ada: Device, bob: Device, people: list[Person], room: str
) -> None:
    tablet = await site.device(people[0])
    await ada.heard()
    assert "seq" not in await ada.do("typing", room=room)
    assert await bob.heard() == [typing(people[0], room)]
    assert await ada.heard() == []
    assert await tablet.heard() == []


async def test_is_told_once_in_a_while_and_its_end_at_once(
    ada: Device, bob: Device, people: list[Person], room: str
) -> None:
    for identifier in [ada.tell("typing", room=room) for _ in range(3)]:
        assert (await ada.answer(identifier))["t"] == "ok"
    assert await bob.heard() == [typing(people[0], room)]
    for _ in range(2):
        await ada.do("typing", room=room, active=False)
    assert await bob.heard() == [typing(people[0], room, active=False)]


async def test_of_a_thread_is_its_own_matter(
    ada: Device, bob: Device, people: list[Person], room: str
) -> None:
    root = (await ada.do("send", room=room, body="hi"))["seq"]
    await bob.heard()
    await ada.do("typing", room=room, thread=root)
    await ada.do("typing", room=room)
    assert await bob.heard() == [typing(people[0], room, thread=root), typing(people[0], room)]
    await ada.do("typing", room=room, thread=root, active=False)
    assert await bob.heard() == [typing(people[0], room, thread=root, active=False)]


async def test_is_not_kept(
    site: Site, ada: Device, bob: Device, people: list[Person], room: str
) -> None:
    await ada.do("typing", room=room)
    late = await site.device(people[1], cursors={room: 0})
    assert [event["t"] for event in await late.heard()] == ["created"]


async def test_is_for_members(site: Site, bob: Device, people: list[Person], room: str) -> None:
    eve = await site.device(people[2])
    assert await eve.refused("typing", room=room) == "not_found"
    assert await eve.refused("typing", room="7") == "not_found"
    assert await bob.heard() == []


async def test_in_a_larger_room_nobody_is_told(
    site: Site, ada: Device, bob: Device, people: list[Person], room: str
) -> None:
    for person in (people[2], await site.person("eve")):
        await ada.do("invite", room=room, account=person.id)
    await bob.heard()
    await ada.do("typing", room=room)
    assert await bob.heard() == []
    await ada.do("kick", room=room, account=people[2].id)
    await bob.heard()
    await ada.do("typing", room=room)
    assert await bob.heard() == [typing(people[0], room)]


@pytest.fixture(scope="module")
async def narrow(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Site]:
    """A server whose connections hold little before they are behind."""
    limits = Limits(outbox_soft_bytes=16_384)
    async with (
        copy_of(template, postgres) as dsn,
        serving(dsn, Config(limits=limits), send_buffer=8_192) as served,
    ):
        yield served


async def test_who_is_behind_is_not_told(narrow: Site) -> None:
    ada, bob, eve = await narrow.people("ada", "bob", "eve")
    writer, reader = await narrow.device(ada), await narrow.device(bob)
    slow = await narrow.device(eve, receive_buffer=4_096)
    created = await writer.do("create", kind="group", title="x", members=[bob.id, eve.id])
    room, last = created["room"]["id"], 21
    for _ in range(last - 1):
        await writer.do("send", room=room, body="much " * 1_500)
    await reader.up_to(room, last)
    await writer.do("typing", room=room)
    assert await reader.heard() == [typing(ada, room)]
    # It gets all that is in the log; what was a sign of life then is none any more.
    events = await slow.up_to(room, last) + await slow.heard()
    assert {event["t"] for event in events} == {"room", "message"}
    await writer.do("typing", room=room, active=False)
    assert await slow.heard() == [typing(ada, room, active=False)]
