"""Threads: told live, counted at their first message, and read by themselves."""

import pytest

from tests.e2e.device import Device, Fields
from tests.e2e.site import Person, Site


@pytest.fixture
async def people(site: Site) -> list[Person]:
    return await site.people("ada", "bob")


@pytest.fixture(params=["json", "msgpack"])
async def ada(request: pytest.FixtureRequest, site: Site, people: list[Person]) -> Device:
    return await site.device(people[0], request.param)


@pytest.fixture
async def bob(site: Site, people: list[Person], ada: Device) -> Device:
    return await site.device(people[1])


@pytest.fixture
async def room(ada: Device, bob: Device, people: list[Person]) -> str:
    created = await ada.do("create", kind="group", title="Garden", members=[people[1].id])
    return str(created["room"]["id"])


async def say(device: Device, room: str, body: str, reply_to: int | None = None) -> int:
    answer = await device.do("send", room=room, body=body, reply_to=reply_to)
    return int(answer["seq"])


async def thread(device: Device, room: str, seq: int, **bounds: int) -> list[Fields]:
    page = await device.do("history", room=room, thread=seq, **bounds)
    events: list[Fields] = page["events"]
    return events


async def first_of(device: Device, room: str, seq: int) -> Fields:
    (event,) = (await device.do("history", room=room, around=seq, limit=1))["events"]
    return dict(event)


async def test_a_reply_to_a_reply_is_in_the_same_thread(
    ada: Device, bob: Device, room: str
) -> None:
    root = await say(ada, room, "what shall we plant?")
    reply = await say(bob, room, "beans", reply_to=root)
    await say(ada, room, "by the way")
    other = await say(bob, room, "peas", reply_to=reply)
    events = await thread(ada, room, root)
    assert [event["body"] for event in events] == ["what shall we plant?", "beans", "peas"]
    assert await thread(bob, room, other) == events
    live = [event for event in await bob.up_to(room, other) if event.get("seq") in (reply, other)]
    assert [(event["reply_to"], event["thread"]) for event in live] == [(root, root), (reply, root)]


async def test_the_first_message_counts_what_stands(ada: Device, bob: Device, room: str) -> None:
    root = await say(ada, room, "what shall we plant?")
    assert "replies" not in await first_of(ada, room, root)
    replies = [await say(bob, room, str(number), reply_to=root) for number in range(3)]
    await bob.do("delete", room=room, seq=replies[2])
    last = (await first_of(ada, room, replies[2]))["at"]
    shown = (await first_of(ada, room, root))["replies"]
    assert shown == {"replies": 2, "last_seq": replies[2], "last_at": last}
    *_, deleted = await thread(ada, room, root)
    assert deleted["deleted"] is True
    (gone,) = [event for event in await ada.up_to(room, replies[2] + 1) if event["t"] == "delete"]
    assert (gone["target"], gone["thread"]) == (replies[2], root)


async def test_pages_of_a_thread_are_its_messages(ada: Device, bob: Device, room: str) -> None:
    roots = [await say(ada, room, "one"), await say(ada, room, "two")]
    members = {root: [root] for root in roots}
    for number in range(20):
        root = roots[number % 2]
        target = members[root][number % 3 if number > 6 else 0]
        members[root].append(await say(bob, room, "x", reply_to=target))
        await ada.do("react", room=room, seq=root, emoji=f"{number}")
    for root in roots:
        paged: list[int] = []
        while True:
            page = await ada.do(
                "history", room=room, thread=root, after=paged[-1] if paged else 0, limit=4
            )
            paged += [event["seq"] for event in page["events"]]
            if not page["more"]:
                break
        assert paged == members[root]
        page = await ada.do("history", room=room, thread=root, limit=3)
        assert [event["seq"] for event in page["events"]] == members[root][-3:]
        assert page["more"] is True


@pytest.mark.parametrize("seq", [0, 1, 99])
async def test_what_is_no_message_begins_no_thread(ada: Device, room: str, seq: int) -> None:
    assert await ada.refused("history", room=room, thread=seq) == "not_found"


async def test_a_thread_is_as_private_as_its_room(site: Site, ada: Device, room: str) -> None:
    root = await say(ada, room, "what shall we plant?")
    eve = await site.device(await site.person("eve"))
    assert await eve.refused("history", room=room, thread=root) == "not_found"
