"""Unread counts are exact, and the same, in `ready`, over REST, and live."""

from dataclasses import dataclass, field

import httpx
import pytest

from tests.e2e.device import Device, Encoding, Fields
from tests.e2e.site import Person, Site

Numbers = tuple[int, int, int]  # read_seq, unread, mentions


@dataclass
class Reader:
    """Bob, on a device that keeps count by the rules of protocol.records.Room."""

    site: Site
    person: Person
    device: Device
    room: str
    numbers: Numbers = (0, 0, 0)
    last_seq: int = 0
    seen: list[Fields] = field(default_factory=list)

    def show(self, room: Fields) -> None:
        self.numbers = numbers_of(room)
        self.last_seq = room["last_seq"]

    async def sees(self, *expected: int) -> None:
        """Bob's numbers on this device, on another, and over REST."""
        for event in await self.device.heard():
            self._apply(event)
        assert self.numbers == expected
        fresh = await self.site.device(self.person)
        (room,) = [room for room in fresh.ready["rooms"] if room["id"] == self.room]
        assert numbers_of(room) == expected
        fresh.abort()
        async with httpx.AsyncClient(headers=self.person.bearer) as http:
            shown = await http.get(f"{self.site.url}/api/v1/rooms/{self.room}")
        assert shown.json() == room

    def _apply(self, event: Fields) -> None:
        if event["t"] == "room":
            self.show(event["room"])
        elif event["t"] == "read" and event["account"] == self.person.id:
            self.numbers = (event["seq"], event["unread"], event["mentions"])
            self.last_seq = event["last_seq"]
        elif event.get("room") == self.room and event.get("seq", 0) > self.last_seq:
            self.last_seq = event["seq"]
            self.numbers = self._after(event, *self.numbers)

    def _after(self, event: Fields, read: int, unread: int, mentions: int) -> Numbers:
        mentioned = self.person.id in event.get("mentions", ())
        if event["t"] == "message":
            if event["sender"] == self.person.id:
                return event["seq"], 0, 0
            return read, unread + 1, mentions + mentioned
        if event["t"] == "delete" and event["target"] > read:
            return read, unread - 1, mentions - mentioned
        if event["t"] == "edit" and event["target"] > read:
            former = self.person.id in event.get("former_mentions", ())
            return read, unread, mentions + mentioned - former
        return read, unread, mentions


def numbers_of(room: Fields) -> Numbers:
    return room.get("read_seq", 0), room.get("unread", 0), room.get("mentions", 0)


@dataclass
class Garden:
    """A channel of ada's, and bob who joins it."""

    ada: Device
    bob: Reader
    room: str

    async def say(self, text: str, **fields: int) -> int:
        answer = await self.ada.do("send", room=self.room, body=text, **fields)
        return int(answer["seq"])

    async def edit(self, seq: int, text: str) -> None:
        await self.ada.do("edit", room=self.room, seq=seq, body=text)

    async def delete(self, seq: int) -> None:
        await self.ada.do("delete", room=self.room, seq=seq)


@pytest.fixture(params=["json", "msgpack"])
async def garden(request: pytest.FixtureRequest, site: Site) -> Garden:
    encoding: Encoding = request.param
    ada, bob = await site.people("ada", "bob")
    ada_device, bob_device = [await site.device(person, encoding) for person in (ada, bob)]
    created = await ada_device.do("create", kind="channel", title="Garden")
    room = str(created["room"]["id"])
    await ada_device.do("send", room=room, body="before bob")
    await bob_device.do("join", room=room)
    reader = Reader(site, bob, bob_device, room)
    while (event := await bob_device.event())["t"] != "room":
        pass
    reader.show(event["room"])
    return Garden(ada_device, reader, room)


async def test_what_was_there_before_one_came_is_not_unread(garden: Garden) -> None:
    await garden.bob.sees(2, 0, 0)


async def test_messages_and_what_becomes_of_them(garden: Garden) -> None:
    me = f"@{garden.bob.person.username}"
    first, second = await garden.say("hi"), await garden.say(f"hi {me}")
    await garden.bob.sees(2, 2, 1)
    await garden.ada.do("react", room=garden.room, seq=first, emoji="👍")
    await garden.ada.do("rename", room=garden.room, title="Allotment")
    await garden.bob.sees(2, 2, 1)
    await garden.edit(first, f"hi {me}")
    await garden.bob.sees(2, 2, 2)
    await garden.edit(first, f"hello {me}")
    await garden.bob.sees(2, 2, 2)
    await garden.edit(second, "hi")
    await garden.bob.sees(2, 2, 1)
    await garden.delete(first)
    await garden.bob.sees(2, 1, 0)
    await garden.delete(second)
    await garden.bob.sees(2, 0, 0)


async def test_what_becomes_of_what_has_been_read_does_not_count(garden: Garden) -> None:
    me = f"@{garden.bob.person.username}"
    first, second = await garden.say(f"hi {me}"), await garden.say(f"hi {me}")
    await garden.bob.device.do("read", room=garden.room, seq=first)
    await garden.bob.sees(first, 1, 1)
    await garden.edit(first, "hi")
    await garden.delete(first)
    await garden.bob.sees(first, 1, 1)
    await garden.bob.device.do("read", room=garden.room, seq=second)
    await garden.bob.sees(second, 0, 0)


async def test_ones_own_message_reads_all_before_it(garden: Garden) -> None:
    await garden.say(f"@{garden.bob.person.username}")
    await garden.say("hi")
    sent = await garden.bob.device.do("send", room=garden.room, body="hi")
    await garden.bob.sees(sent["seq"], 0, 0)
    await garden.say("hi")
    await garden.bob.sees(sent["seq"], 1, 0)


async def test_a_reply_in_a_thread_counts_like_any_message(garden: Garden) -> None:
    root = await garden.say("hi")
    reply = await garden.say("hi", reply_to=root)
    await garden.bob.sees(2, 2, 0)
    await garden.delete(reply)
    await garden.bob.sees(2, 1, 0)


async def test_who_leaves_and_comes_back_begins_anew(garden: Garden) -> None:
    await garden.say(f"@{garden.bob.person.username}")
    await garden.bob.device.do("leave", room=garden.room)
    await garden.say(f"@{garden.bob.person.username}")
    await garden.bob.device.do("join", room=garden.room)
    events = []
    while not events or events[-1]["t"] != "room":
        events.append(await garden.bob.device.event())
    garden.bob.show(events[-1]["room"])
    read = garden.bob.numbers[0]
    await garden.bob.sees(read, 0, 0)
    await garden.say(f"@{garden.bob.person.username}")
    await garden.bob.sees(read, 1, 1)
    await garden.bob.device.do("read_all")
    await garden.bob.sees(garden.bob.last_seq, 0, 0)
