"""Whatever happens while a client comes and goes: its rooms, and the events it has heard, are what
a client would read that had never been here before.
"""

import asyncio
import contextlib
import random
from typing import Any

import pytest

from server.config import Config
from server.sections import Limits
from tests.e2e.device import Device, Encoding, Fields
from tests.e2e.site import Person, Site

CAP = 15


@pytest.fixture(scope="module")
def config() -> Config:
    return Config(
        limits=Limits(
            replay_events=CAP,
            unanswered_commands=0,
            commands_per_connection_second=0,
            commands_per_account_second=0,
            commands_per_ip_second=0,
            connects_per_account_minute=0,
            connects_per_ip_minute=0,
        )
    )


class Follower:
    """A client that comes and goes, and keeps its rooms by the rules of docs/protocol.md.

    Attributes:
        rooms: the records, with all later events.
        logs: room -> its events, without a hole since the seq in `begins`.
        gaps: how many it was told of.
        counted: how many events were above the last_seq of a record.
        device: the present connection.
    """

    def __init__(self, site: Site, person: Person, encoding: Encoding) -> None:
        self.rooms: dict[str, Fields] = {}
        self.logs: dict[str, list[Fields]] = {}
        self.begins: dict[str, int] = {}
        self.gaps = self.counted = 0
        self.device: Device
        self._site = site
        self._person = person
        self._encoding: Encoding = encoding

    async def connect(self) -> None:
        cursors = {room: self.cursor(room) for room in self.logs}
        self.device = await self._site.device(self._person, self._encoding, cursors=cursors)
        self.rooms = {room["id"]: room for room in self.device.ready["rooms"]}
        for room in self.rooms.values():
            if room["id"] not in self.logs:
                self._begin(room["id"], room["last_seq"])

    def cursor(self, room: str) -> int:
        log = self.logs[room]
        return int(log[-1]["seq"]) if log else self.begins[room]

    def _begin(self, room: str, seq: int) -> None:
        self.logs[room], self.begins[room] = [], seq

    @property
    def shown(self) -> dict[str, Fields]:
        """The rooms, to be compared."""
        return {room: comparable(record) for room, record in self.rooms.items()}

    async def follow(self, count: int) -> None:
        for event in await self.device.events(count):
            self.hear(event)

    async def catch_up(self) -> None:
        """Hear all that was sent so far."""
        for event in await self.device.heard():
            self.hear(event)

    def hear(self, event: Fields) -> None:
        room = event.get("room", "")
        match event["t"]:
            case "room":
                self.rooms[room["id"]] = room
                self._begin(room["id"], room["last_seq"])
            case "room_gone":
                self.rooms.pop(room, None)
                del self.logs[room]
            case "gap":
                assert event["from"] == self.cursor(room) + 1
                self._begin(room, event["to"])
                self.gaps += 1
            case "read" if event["account"] == self._person.id:
                counts = {"read_seq": event["seq"], "unread": 0, "mentions": 0} | event
                for name in ("read_seq", "unread", "mentions", "last_seq"):
                    self.rooms[room][name] = counts[name]
            case _ if "seq" in event and "sender" in event:
                self._append(event)

    def _append(self, event: Fields) -> None:
        record = self.rooms[event["room"]]
        if event["seq"] > record["last_seq"]:
            assert event["seq"] == record["last_seq"] + 1, "a hole"
            self._count(record, event)
        if event["seq"] > self.begins[event["room"]]:
            assert event["seq"] == self.cursor(event["room"]) + 1, "a hole, or a double"
            log = self.logs[event["room"]]
            take_effect(log, event)
            log.append(event)

    def _count(self, record: Fields, event: Fields) -> None:
        self.counted += 1
        record["last_seq"] = event["seq"]
        read, mentioned = record.get("read_seq", 0), self._person.id in event.get("mentions", ())
        unread, mentions = record.get("unread", 0), record.get("mentions", 0)
        match event["t"]:
            case "message" if event["sender"] == self._person.id:
                record |= {"read_seq": event["seq"], "unread": 0, "mentions": 0}
            case "message":
                record |= {"unread": unread + 1, "mentions": mentions + mentioned}
            case "delete" if event["target"] > read:
                record |= {"unread": unread - 1, "mentions": mentions - mentioned}
            case "edit" if event["target"] > read:
                former = self._person.id in event.get("former_mentions", ())
                record["mentions"] = mentions + mentioned - former
            case "title":
                record["title"] = event["title"]
            case "member":
                record["members"] = event["members"]
                if event["account"] == self._person.id:
                    record["role"] = event.get("role")


def take_effect(log: list[Fields], event: Fields) -> None:
    """What an event changes in the log that it is appended to."""
    target = next((e for e in log if e["seq"] == event.get("target")), None)
    match event["t"]:
        case "delete":
            for edit in log:
                if edit["t"] == "edit" and edit["target"] == event["target"]:
                    for name in ("body", "mentions", "former_mentions"):
                        edit.pop(name, None)
            if target is not None:
                for name in ("body", "mentions", "reactions", "pinned"):
                    target.pop(name, None)
                target["deleted"] = True
        case "edit" if target is not None:
            target |= {"body": event.get("body", ""), "mentions": event.get("mentions", [])}
            target["edited_at"] = event["at"]
        case "react" | "unreact" if target is not None:
            reactions = {each["emoji"]: each["accounts"] for each in target.get("reactions", ())}
            accounts = set(reactions.get(event["emoji"], ()))
            (accounts.add if event["t"] == "react" else accounts.discard)(event["sender"])
            reactions[event["emoji"]] = sorted(accounts)
            target["reactions"] = [
                {"emoji": emoji, "accounts": who} for emoji, who in reactions.items() if who
            ]
        case "pin" | "unpin" if target is not None:
            target["pinned"] = event["t"] == "pin"


def comparable(fields: Fields) -> Fields:
    """Without what is as by default, and what the order of events alone does not tell."""
    kept = {name: value for name, value in fields.items() if value and name != "replies"}
    if "reactions" in kept:
        reactions = {each["emoji"]: sorted(each["accounts"]) for each in kept["reactions"]}
        kept["reactions"] = dict(sorted(reactions.items()))
    return kept


class Talk:
    """People who do anything, in rooms that one of them may be thrown out of."""

    def __init__(self, chance: random.Random, eve: Person, rooms: list[str]) -> None:
        self._chance = chance
        self._eve = eve
        self._rooms = rooms
        self._messages: dict[str, list[int]] = {room: [] for room in rooms}

    async def burst(self, ada: Device, bob: Device, phone: Device) -> None:
        """Some things at once; refusals are a part of life."""
        sent: list[tuple[Device, int, str]] = []
        for _ in range(self._chance.randint(1, 12)):
            room = self._chance.choice(self._rooms)
            device, command, fields = self._anything(room, ada, bob, phone)
            sent.append((device, device.tell(command, **fields), room if command == "send" else ""))
        for device, command_id, room in sent:
            answer = await device.answer(command_id)
            if room and answer["t"] == "ok":
                self._messages[room].append(answer["seq"])

    def _anything(
        self, room: str, ada: Device, bob: Device, phone: Device
    ) -> tuple[Device, str, dict[str, Any]]:
        here, chance = {"room": room}, self._chance
        seq = here | {"seq": chance.choice(self._messages[room][-6:] or [1])}
        someone = chance.choice([ada, ada, bob, phone])
        likely = [
            (ada, "send", here | {"body": f"hello @{self._eve.username}"}),
            (someone, "send", here | {"body": "hi"}),
            (ada, "send", seq | {"body": "indeed", "reply_to": seq["seq"]}),
            (ada, "edit", seq | {"body": chance.choice(["no", f"yes, @{self._eve.username}"])}),
            (ada, "delete", seq),
            (someone, "react", seq | {"emoji": chance.choice("👍🌱")}),
            (someone, "unreact", seq | {"emoji": chance.choice("👍🌱")}),
            (phone, "read", seq),
        ]
        rare: list[tuple[Device, str, dict[str, Any]]] = [
            (ada, "pin", seq),
            (ada, "unpin", seq),
            (ada, "rename", here | {"title": f"Room {chance.randint(1, 9)}"}),
            (ada, "kick", here | {"account": self._eve.id}),
            (phone, "leave", here),
            (bob, "leave", here),
            (bob, "join", here),
        ]
        # She is away from a room less often than in it.
        back: list[tuple[Device, str, dict[str, Any]]] = [(phone, "join", here)] * 3
        return chance.choice(likely * 2 + rare + back)


async def come_and_go(
    site: Site, follower: Follower, chance: random.Random, over: asyncio.Event
) -> None:
    """Break off in the middle of something, be away for some of it, come back."""
    while True:
        for _ in range(chance.randint(0, 4)):
            await follower.catch_up()
        if over.is_set():
            return
        heard = await follower.device.heard()
        for event in heard[: chance.randint(0, len(heard))]:
            follower.hear(event)
        follower.device.abort()
        for _ in range(chance.randint(0, 3)):
            await site.fetch("SELECT 1")
        await follower.connect()


@pytest.mark.parametrize(("seed", "encoding"), [(1, "json"), (2, "msgpack"), (3, "json")])
async def test_a_client_has_what_a_fresh_one_reads(
    site: Site, seed: int, encoding: Encoding
) -> None:
    chance = random.Random(seed)
    ada, bob, eve = await site.people("ada", "bob", "eve")
    talkers = [await site.device(ada), await site.device(bob), await site.device(eve)]
    rooms = []
    for _ in range(3):
        members = [bob.id, eve.id]
        made = await talkers[0].do("create", kind="channel", title="Room", members=members)
        rooms.append(str(made["room"]["id"]))
    follower, talk = Follower(site, eve, encoding), Talk(chance, eve, rooms)
    await follower.connect()
    for _ in range(12):
        over = asyncio.Event()
        follows = asyncio.create_task(come_and_go(site, follower, chance, over))
        for _ in range(8):
            await talk.burst(*talkers)
        over.set()
        await follows
        await follower.catch_up()
        await check(follower, await site.device(eve, encoding))
    assert follower.counted  # how much of it comes live is a matter of chance


async def test_a_client_that_was_away_for_long_is_told_where_the_gap_is(site: Site) -> None:
    ada, eve = await site.people("ada", "eve")
    talker = await site.device(ada)
    made = await talker.do("create", kind="group", title="Room", members=[eve.id])
    follower = Follower(site, eve, "json")
    await follower.connect()
    follower.device.abort()
    for _ in range(CAP + 1):
        await talker.do("send", room=made["room"]["id"], body=f"@{eve.username}")
    await follower.connect()
    await talker.do("send", room=made["room"]["id"], body="live")
    await follower.follow(2)
    assert follower.gaps == 1
    await check(follower, await site.device(eve))


async def check(follower: Follower, fresh: Device) -> None:
    shown = {room["id"]: comparable(room) for room in fresh.ready["rooms"]}
    # What no command waits for may still be under way: a room that was joined, a marker.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5):
            while follower.shown != shown:
                await follower.follow(1)
    assert follower.shown == shown
    for room, log in follower.logs.items():
        page = await fresh.ask("history", room=room, after=follower.begins[room], limit=200)
        assert list(map(comparable, log[:200])) == list(map(comparable, page["events"]))
    fresh.abort()
