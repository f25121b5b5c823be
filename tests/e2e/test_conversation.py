"""Three people with two devices each talk in a room."""

import asyncio
from typing import NamedTuple

import asyncpg
import pytest

from protocol.ids import parse_id
from tests.e2e.device import Device, Encoding, Fields
from tests.e2e.site import Person, Site

Encodings = tuple[Encoding, Encoding]


class Trio(NamedTuple):
    """Ada owns the room; Bob and Eve are members. Each is there twice."""

    room: str
    people: list[Person]
    devices: list[Device]  # ada's two, bob's two, eve's two

    @property
    def ada(self) -> Device:
        return self.devices[0]

    @property
    def bob(self) -> Device:
        return self.devices[2]

    async def everybody_hears(self, count: int) -> list[Fields]:
        """The next events, which have to be the same for all."""
        heard = [await device.events(count) for device in self.devices]
        assert all(events == heard[0] for events in heard)
        return heard[0]

    async def nobody_hears_more(self) -> None:
        for device in self.devices:
            assert await device.heard() == []


@pytest.fixture(
    params=[("json", "json"), ("msgpack", "msgpack"), ("json", "msgpack")], ids="+".join
)
def encodings(request: pytest.FixtureRequest) -> Encodings:
    """Of each person's two devices."""
    encodings: Encodings = request.param
    return encodings


@pytest.fixture
async def trio(site: Site, encodings: Encodings) -> Trio:
    people = await site.people("ada", "bob", "eve")
    devices = [await site.device(person, encoding) for person in people for encoding in encodings]
    others = [person.id for person in people[1:]]
    created = await devices[0].do("create", kind="group", title="Engines", members=others)
    for device in devices:
        assert (await device.event())["t"] == "room"
    return Trio(created["room"]["id"], people, devices)


# --- order and durability ------------------------------------------------------------------------


async def test_all_devices_see_the_same_events_in_the_same_order(trio: Trio) -> None:
    sent = [
        (device, device.tell("send", room=trio.room, body=f"{number} from {index}"))
        for number in range(20)
        for index, device in enumerate(trio.devices)
    ]
    heard = await trio.everybody_hears(len(sent))
    assert [event["seq"] for event in heard] == list(range(2, len(sent) + 2))
    for device, command in sent:
        answer = await device.answer(command)
        event = heard[answer["seq"] - 2]
        assert (event["event_id"], event["at"]) == (answer["event_id"], answer["at"])
    for index in range(len(trio.devices)):  # each device's own in the order in which it sent them
        own = [event["body"] for event in heard if event["body"].endswith(f"from {index}")]
        assert own == [f"{number} from {index}" for number in range(20)]
    await trio.nobody_hears_more()


async def test_ok_comes_when_the_message_is_in_the_database(trio: Trio, site: Site) -> None:
    answer = await trio.ada.do("send", room=trio.room, body="durable")
    (row,) = await site.fetch(
        "SELECT room_id, body FROM room_events WHERE event_id = $1", parse_id(answer["event_id"])
    )
    assert row["room_id"] == parse_id(trio.room)
    assert row["body"] == "durable"


async def test_neither_ok_nor_the_event_comes_before_the_commit(trio: Trio, site: Site) -> None:
    async with site.database.transaction() as connection:
        await connection.fetch("SELECT FROM rooms WHERE id = $1 FOR UPDATE", parse_id(trio.room))
        sent = trio.ada.tell("send", room=trio.room, body="not yet")
        await _blocked(connection)
        assert await trio.ada.heard() == []  # it is alive, and silent about the message
        await trio.nobody_hears_more()
    assert (await trio.ada.answer(sent))["t"] == "ok"
    assert [event["body"] for event in await trio.everybody_hears(1)] == ["not yet"]


async def _blocked(connection: asyncpg.Connection) -> None:
    """Wait until another session waits for a lock that this one holds."""
    waiting = """
        SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))
    """
    async with asyncio.timeout(10):
        while not await connection.fetchval(waiting):
            await asyncio.sleep(0.005)


# --- retries -------------------------------------------------------------------------------------


async def test_a_retry_gets_the_first_answer_on_any_connection(trio: Trio) -> None:
    message = {"room": trio.room, "body": "once", "nonce": "c1-7"}
    first = await trio.devices[0].do("send", **message)
    for device in trio.devices[:2]:
        again = await device.do("send", **message)
        assert {**again, "id": first["id"]} == first
    (event,) = await trio.everybody_hears(1)
    assert event["nonce"] == "c1-7"
    await trio.nobody_hears_more()


async def test_tries_at_the_same_time_write_one_message(trio: Trio) -> None:
    message = {"room": trio.room, "body": "once", "nonce": "c1-8"}
    tries = [(device, device.tell("send", **message)) for device in trio.devices[:2] * 5]
    answers = [await device.answer(command) for device, command in tries]
    assert {answer["t"] for answer in answers} == {"ok"}
    assert len({answer["event_id"] for answer in answers}) == 1
    await trio.everybody_hears(1)
    await trio.nobody_hears_more()


async def test_a_nonce_is_its_senders_own(trio: Trio) -> None:
    for device in (trio.ada, trio.bob):
        await device.do("send", room=trio.room, body="mine", nonce="c1-9")
    first, second = await trio.everybody_hears(2)
    assert first["sender"] != second["sender"]


async def test_a_nonce_is_for_one_thing_only(trio: Trio) -> None:
    await trio.ada.do("send", room=trio.room, body="one", nonce="c1-10")
    dm = await trio.ada.do("create", kind="dm", members=[trio.people[1].id])
    elsewhere = {"room": dm["room"]["id"], "body": "one", "nonce": "c1-10"}
    assert await trio.ada.refused("send", **elsewhere) == "nonce_conflict"
    edit = {"room": trio.room, "seq": 2, "body": "two", "nonce": "c1-10"}
    assert await trio.ada.refused("edit", **edit) == "nonce_conflict"


async def test_retries_of_edits_deletions_and_reactions_do_nothing_more(trio: Trio) -> None:
    await trio.ada.do("send", room=trio.room, body="teh")
    for command in (
        {"t": "edit", "seq": 2, "body": "the", "nonce": "e"},
        {"t": "react", "seq": 2, "emoji": "👍", "nonce": "r"},
        {"t": "unreact", "seq": 2, "emoji": "👍", "nonce": "u"},
        {"t": "delete", "seq": 2, "nonce": "d"},
    ):
        first = await trio.ada.do(room=trio.room, **command)
        again = await trio.ada.do(room=trio.room, **command)
        assert {**again, "id": first["id"]} == first
    heard = await trio.everybody_hears(5)
    assert [event["t"] for event in heard] == ["message", "edit", "react", "unreact", "delete"]
    await trio.nobody_hears_more()


# --- what becomes of a message -------------------------------------------------------------------


async def test_an_edit_is_told_and_shown_in_the_history(trio: Trio) -> None:
    eve = trio.people[2]
    await trio.ada.do("send", room=trio.room, body="teh engine")
    await trio.ada.do("edit", room=trio.room, seq=2, body=f"the engine, @{eve.username}")
    _, edit = await trio.everybody_hears(2)
    assert edit["t"] == "edit"
    assert (edit["target"], edit["body"]) == (2, f"the engine, @{eve.username}")
    assert edit["mentions"] == [eve.id]
    message = await _in_the_log(trio, 2)
    assert message["body"] == edit["body"]
    assert message["mentions"] == [eve.id]
    assert message["edited_at"] == edit["at"]


async def test_a_deletion_leaves_a_tombstone(trio: Trio) -> None:
    await trio.ada.do("send", room=trio.room, body="a secret")
    await trio.ada.do("edit", room=trio.room, seq=2, body="another secret")
    await trio.ada.do("delete", room=trio.room, seq=2)
    *_, deletion = await trio.everybody_hears(3)
    assert (deletion["t"], deletion["target"]) == ("delete", 2)
    message = await _in_the_log(trio, 2)
    assert message["deleted"] is True
    page = await trio.bob.do("history", room=trio.room)
    assert "secret" not in str(page)
    assert await trio.ada.refused("edit", room=trio.room, seq=2, body="x") == "message_deleted"
    assert await trio.bob.refused("react", room=trio.room, seq=2, emoji="x") == "message_deleted"
    await trio.ada.do("delete", room=trio.room, seq=2)  # it is deleted: nothing to do
    await trio.nobody_hears_more()


async def test_reactions_are_told_and_counted(trio: Trio) -> None:
    ada, bob, _ = trio.people
    await trio.ada.do("send", room=trio.room, body="hello")
    for device, emoji in ((trio.bob, "👍"), (trio.ada, "👍"), (trio.bob, "🎉")):
        assert "seq" in await device.do("react", room=trio.room, seq=2, emoji=emoji)
    assert "seq" not in await trio.bob.do("react", room=trio.room, seq=2, emoji="🎉")
    await trio.bob.do("unreact", room=trio.room, seq=2, emoji="🎉")
    assert "seq" not in await trio.bob.do("unreact", room=trio.room, seq=2, emoji="🎉")
    heard = await trio.everybody_hears(5)
    assert [(event["t"], event.get("emoji")) for event in heard[1:]] == [
        ("react", "👍"),
        ("react", "👍"),
        ("react", "🎉"),
        ("unreact", "🎉"),
    ]
    message = await _in_the_log(trio, 2)
    assert message["reactions"] == [{"emoji": "👍", "accounts": [bob.id, ada.id]}]
    await trio.nobody_hears_more()


async def test_replies_and_mentions(trio: Trio, site: Site) -> None:
    ada, bob, eve = trio.people
    stranger = await site.person("zoe")
    names = f"@{bob.username} @{eve.username.upper()} @{stranger.username} @nobody_at_all"
    await trio.ada.do("send", room=trio.room, body=names)
    await trio.bob.do("send", room=trio.room, body=f"mail@{ada.username}", reply_to=2)
    first, reply = await trio.everybody_hears(2)
    assert first["mentions"] == [bob.id, eve.id]  # those who can read it
    assert "mentions" not in reply
    assert reply["reply_to"] == 2
    assert await _in_the_log(trio, 3) == reply
    no_message = {"room": trio.room, "body": "to what?"}
    assert await trio.ada.refused("send", reply_to=1, **no_message) == "not_found"
    assert await trio.ada.refused("send", reply_to=99, **no_message) == "not_found"


async def test_bodies_are_kept_in_normal_form(trio: Trio) -> None:
    await trio.ada.do("send", room=trio.room, body="cafe\u0301 \U0001f469\u200d\U0001f680")
    await trio.ada.do("send", room=trio.room, body="\U0001f680" * 8_000)
    cafe, long = await trio.everybody_hears(2)
    assert cafe["body"] == "caf\u00e9 \U0001f469\u200d\U0001f680"
    assert long["body"] == "\U0001f680" * 8_000
    for body in ("", " \n", "a\x00b", "a\x1bb", "x" * 8_001):
        assert await trio.ada.refused("send", room=trio.room, body=body) == "bad_request"
    await trio.nobody_hears_more()


async def test_attachments_need_no_body(site: Site, trio: Trio) -> None:
    upload = await site.upload(trio.people[0].username)
    attachments = [{"id": upload, "name": "map.png"}]
    await trio.ada.do("send", room=trio.room, body="", attachments=attachments)
    (event,) = await trio.everybody_hears(1)
    assert event["attachments"] == [
        {
            "id": upload,
            "name": "map.png",
            "type": "image/webp",
            "size": 9,
            "url": f"/media/key-{upload}/original",
            "thumbnail": f"/media/key-{upload}/original",
            "width": 640,
            "height": 480,
        }
    ]
    assert await _in_the_log(trio, 2) == event


async def test_a_read_marker_moves_forward_only(trio: Trio, site: Site) -> None:
    for number in range(4):
        await trio.ada.do("send", room=trio.room, body=str(number))
    for seq in (4, 2):
        await trio.bob.do("read", room=trio.room, seq=seq)
    device = await site.device(trio.people[1])
    (room,) = device.ready["rooms"]
    assert (room["last_seq"], room["read_seq"], room["unread"]) == (5, 4, 1)


async def _in_the_log(trio: Trio, seq: int) -> Fields:
    page = await trio.bob.do("history", room=trio.room, around=seq, limit=1)
    (event,) = page["events"]
    assert event["seq"] == seq
    return event
