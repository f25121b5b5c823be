"""Rooms come to be, people come and go, and each hears what concerns them: no less, no more."""

import asyncio
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest

from persistence import rooms
from protocol.events import Created
from protocol.ids import parse_id
from protocol.records import Role, RoomKind
from tests.e2e.device import Device, Encoding, Fields
from tests.e2e.site import Person, Site


@pytest.fixture(params=["json", "msgpack"])
def encoding(request: pytest.FixtureRequest) -> Encoding:
    encoding: Encoding = request.param
    return encoding


class Someone(NamedTuple):
    """A person with two devices that hear the same."""

    id: str
    first: Device
    second: Device

    async def hears(self, *types: str) -> list[Fields]:
        """The next events, which are of these types."""
        first = await self.first.events(len(types))
        assert [event["t"] for event in first] == list(types)
        assert await self.second.events(len(types)) == first
        return first

    async def hears_no_more(self) -> None:
        assert await self.first.heard() == []
        assert await self.second.heard() == []

    async def do(self, t: str, **fields: Any) -> Fields:
        return await self.first.do(t, **fields)

    async def refused(self, t: str, **fields: Any) -> str:
        return await self.first.refused(t, **fields)


async def _people(site: Site, encoding: Encoding, *names: str) -> list[Someone]:
    async def connect(person: Person) -> Someone:
        devices = [await site.device(person, encoding) for _ in range(2)]
        return Someone(person.id, *devices)

    return [await connect(person) for person in await site.people(*names)]


async def _room(owner: Someone, *members: Someone, kind: str = "group") -> str:
    """A new room that all of them have heard of."""
    created = await owner.do(
        "create", kind=kind, title="Engines", members=[member.id for member in members]
    )
    for person in (owner, *members):
        await person.hears("room")
    return str(created["room"]["id"])


# --- creation ------------------------------------------------------------------------------------


async def test_a_dm_is_created_once(site: Site, encoding: Encoding) -> None:
    ada, bob = await _people(site, encoding, "ada", "bob")
    tries = [
        (device, device.tell("create", kind="dm", members=[other.id]))
        for person, other in ((ada, bob), (bob, ada))
        for device in (person.first, person.second)
        for _ in range(3)
    ]
    rooms = [(await device.answer(command))["room"] for device, command in tries]
    assert len({room["id"] for room in rooms}) == 1
    assert rooms[0]["kind"] == "dm"
    (seen_by_ada,) = await ada.hears("room")
    assert seen_by_ada["room"]["peer"]["id"] == bob.id
    (seen_by_bob,) = await bob.hears("room")
    assert seen_by_bob["room"]["peer"]["id"] == ada.id
    again = await bob.do("create", kind="dm", members=[ada.id])
    assert again["room"]["id"] == rooms[0]["id"]
    await bob.do("send", room=rooms[0]["id"], body="hi")
    await ada.hears("message")
    await bob.hears("message")


async def test_a_dm_stays_as_it_is(site: Site) -> None:
    ada, bob, eve = await _people(site, "json", "ada", "bob", "eve")
    room = (await ada.do("create", kind="dm", members=[bob.id]))["room"]["id"]
    assert await ada.refused("leave", room=room) == "forbidden"
    assert await ada.refused("invite", room=room, account=eve.id) == "forbidden"
    assert await ada.refused("kick", room=room, account=bob.id) == "forbidden"
    assert await ada.refused("promote", room=room, account=ada.id, role="owner") == "forbidden"
    assert await ada.refused("rename", room=room, title="Us") == "forbidden"
    for members in ([], [bob.id, eve.id]):
        assert await ada.refused("create", kind="dm", members=members) == "bad_request"
    assert await ada.refused("create", kind="dm", title="Us", members=[bob.id]) == "bad_request"


async def test_a_creation_that_is_repeated_returns_the_first_room(
    site: Site, encoding: Encoding
) -> None:
    ada, bob = await _people(site, encoding, "ada", "bob")
    group = {"kind": "group", "title": "Engines", "members": [bob.id], "nonce": "g1"}
    first = await ada.do("create", **group)
    again = await ada.second.do("create", **group)
    assert again["room"]["id"] == first["room"]["id"]
    await ada.hears("room")
    await bob.hears("room")
    await bob.hears_no_more()


@pytest.mark.parametrize("kind", [RoomKind.DM, RoomKind.GROUP])
async def test_a_creation_whose_answer_was_lost(
    site: Site, encoding: Encoding, kind: RoomKind
) -> None:
    """The database went away when it had written the room: the repetition has to tell of it."""
    ada, bob = await _people(site, encoding, "ada", "bob")
    title = None if kind is RoomKind.DM else "Engines"
    written = Created(
        room=parse_id(f"7{ada.id[1:]}"),
        event_id=parse_id(f"7{bob.id[1:]}"),
        sender=parse_id(ada.id),
        kind=kind,
        title=title,
        members={parse_id(ada.id): Role.MEMBER, parse_id(bob.id): Role.MEMBER},
    )
    async with site.database.connection() as connection:
        await rooms.create(connection, written, at=datetime.now(UTC), key="g2")
    again = await ada.do("create", kind=kind, title=title, members=[bob.id], nonce="g2")
    assert again["room"]["id"] == str(written.room)
    for person in (ada, bob):
        await person.hears("room")
    await bob.do("send", room=str(written.room), body="hi")
    for person in (ada, bob):
        await person.hears("message")


async def test_a_group_begins_with_its_creation(site: Site, encoding: Encoding) -> None:
    ada, bob = await _people(site, encoding, "ada", "bob")
    room = await _room(ada, bob)
    page = await bob.do("history", room=room)
    (created,) = page["events"]
    assert (created["t"], created["seq"], created["title"]) == ("created", 1, "Engines")
    assert created["members"] == {ada.id: "owner", bob.id: "member"}
    assert await ada.refused("create", kind="group", members=[]) == "bad_request"
    assert await ada.refused("create", kind="group", title="x", members=["1"]) == "not_found"


# --- coming and going ----------------------------------------------------------------------------


async def test_a_channel_is_open_to_anyone(site: Site, encoding: Encoding) -> None:
    ada, bob, eve = await _people(site, encoding, "ada", "bob", "eve")
    room = await _room(ada, kind="channel")
    await bob.do("history", room=room)  # reading needs no membership
    assert await bob.refused("send", room=room, body="hi") == "not_found"
    joined = await bob.do("join", room=room)
    (added,) = await bob.hears("room")
    assert (added["room"]["role"], added["room"]["last_seq"]) == ("member", joined["seq"])
    (member,) = await ada.hears("member")
    assert (member["account"], member["cause"], member["role"]) == (bob.id, "joined", "member")
    assert "seq" not in await bob.do("join", room=room)  # is in already
    await bob.do("invite", room=room, account=eve.id)
    await eve.hears("room")
    await bob.do("leave", room=room)
    for person in (ada, bob):
        *_, left = await person.hears("member", "member")
        assert (left["account"], left["cause"]) == (bob.id, "left")
        assert "role" not in left
    await bob.hears("room_gone")
    await ada.do("send", room=room, body="gone?")
    await ada.hears("message")
    await eve.hears("member", "message")
    await bob.hears_no_more()


async def test_a_kicked_member_hears_that_and_nothing_more(site: Site, encoding: Encoding) -> None:
    ada, bob, eve = await _people(site, encoding, "ada", "bob", "eve")
    room = await _room(ada, bob, eve)
    # In one packet: what comes after the kick must not slip out with it.
    last = [
        ada.first.tell("send", room=room, body="before"),
        ada.first.tell("kick", room=room, account=eve.id),
        ada.first.tell("send", room=room, body="after"),
    ][-1]
    assert (await ada.first.answer(last))["t"] == "ok"
    _, kicked, gone = await eve.hears("message", "member", "room_gone")
    assert (kicked["account"], kicked["cause"], gone["room"]) == (eve.id, "kicked", room)
    await bob.hears("message", "member", "message")
    await eve.hears_no_more()
    for t, fields in (("send", {"body": "hi"}), ("history", {}), ("read", {"seq": 1})):
        assert await eve.refused(t, room=room, **fields) == "not_found"


async def test_an_invited_member_hears_of_the_room_and_then_its_events(
    site: Site, encoding: Encoding
) -> None:
    ada, bob, zoe = await _people(site, encoding, "ada", "bob", "zoe")
    room = await _room(ada, bob)
    for number in range(200):
        bob.first.tell("send", room=room, body=f"{number}")
        if number == 100:
            invited = ada.first.tell("invite", room=room, account=zoe.id)
    assert (await ada.first.answer(invited))["t"] == "ok"
    added = [await device.event() for device in (zoe.first, zoe.second)]
    last = (await bob.do("send", room=room, body="200"))["seq"]
    for device, notice in zip((zoe.first, zoe.second), added, strict=True):
        assert notice["room"]["role"] == "member"
        seqs = [event["seq"] for event in await device.up_to(room, last)]
        assert seqs == list(range(notice["room"]["last_seq"] + 1, last + 1))


async def test_who_comes_back_hears_again(site: Site, encoding: Encoding) -> None:
    ada, bob = await _people(site, encoding, "ada", "bob")
    room = await _room(ada, bob)
    for _ in range(3):
        await ada.do("kick", room=room, account=bob.id)
        await bob.hears("member", "room_gone")
        await ada.do("send", room=room, body="behind your back")
        await ada.do("invite", room=room, account=bob.id)
        await bob.hears("room")
        await ada.do("send", room=room, body="welcome back")
        (welcome,) = await bob.hears("message")
        assert welcome["body"] == "welcome back"


async def test_invitations_and_kicks_in_a_row_end_as_the_last_one_says(
    site: Site, encoding: Encoding
) -> None:
    ada, zoe = await _people(site, encoding, "ada", "zoe")
    room = await _room(ada)
    commands = [
        ada.first.tell(t, room=room, account=zoe.id) for t in (*("invite", "kick") * 10, "invite")
    ]
    invited = [await ada.first.answer(command) for command in commands][-1]["seq"]
    for device in (zoe.first, zoe.second):
        await _added(device, invited)
    await ada.do("send", room=room, body="are you there?")
    await zoe.hears("message")


async def _added(device: Device, seq: int) -> None:
    """Wait until the device listens to a room that its owner joined by the event with this seq."""
    while (event := await device.event())["t"] != "room" or event["room"]["last_seq"] < seq:
        pass


async def test_titles_and_roles_are_told(site: Site, encoding: Encoding) -> None:
    ada, bob, eve = await _people(site, encoding, "ada", "bob", "eve")
    room = await _room(ada, bob, eve)
    await ada.do("promote", room=room, account=bob.id, role="admin")
    await bob.do("rename", room=room, title="  Looms ")
    assert "seq" not in await bob.do("rename", room=room, title="Looms")
    for person in (ada, bob, eve):
        promoted, renamed = await person.hears("member", "title")
        assert (promoted["account"], promoted["cause"]) == (bob.id, "promoted")
        assert (promoted["role"], renamed["title"]) == ("admin", "Looms")
    device = await site.device(await site.person())
    assert device.ready["rooms"] == []


async def test_a_room_with_members_keeps_an_owner(site: Site) -> None:
    ada, bob = await _people(site, "json", "ada", "bob")
    room = await _room(ada, bob)
    assert await ada.refused("leave", room=room) == "last_owner"
    assert await ada.refused("promote", room=room, account=ada.id, role="member") == "last_owner"
    await ada.do("promote", room=room, account=bob.id, role="owner")
    await ada.do("leave", room=room)
    await bob.do("leave", room=room)  # the last one closes the door


# --- permissions ---------------------------------------------------------------------------------

# action -> who may, in a group; "ok" is an answer of ok, else the code of the refusal.
GROUP = {
    #           owner        admin        member       stranger
    "read":    ("ok",        "ok",        "ok",        "not_found"),
    "history": ("ok",        "ok",        "ok",        "not_found"),
    "send":    ("ok",        "ok",        "ok",        "not_found"),
    "react":   ("ok",        "ok",        "ok",        "not_found"),
    "edit":    ("forbidden", "forbidden", "forbidden", "not_found"),
    "join":    ("ok",        "ok",        "ok",        "not_found"),
    "invite":  ("ok",        "ok",        "forbidden", "not_found"),
    "rename":  ("ok",        "ok",        "forbidden", "not_found"),
    "promote": ("ok",        "forbidden", "forbidden", "not_found"),
    "kick":    ("ok",        "ok",        "forbidden", "not_found"),
    "delete":  ("ok",        "ok",        "forbidden", "not_found"),
}  # fmt: skip


async def test_who_may_do_what_in_a_group(site: Site) -> None:
    people = await _people(site, "json", "owner", "admin", "member", "stranger")
    owner, admin, member, _ = people
    author, guest = await site.people("author", "guest")
    room = await _room(owner, admin, member)
    await owner.do("promote", room=room, account=admin.id, role="admin")
    await owner.do("invite", room=room, account=author.id)
    device = await site.device(author)
    message = (await device.do("send", room=room, body="mine"))["seq"]
    fields: dict[str, Fields] = {
        "read": {"seq": message},
        "send": {"body": "hi"},
        "react": {"seq": message, "emoji": "👍"},
        "edit": {"seq": message, "body": "yours"},
        "invite": {"account": guest.id},
        "rename": {"title": "Looms"},
        "promote": {"account": guest.id, "role": "admin"},
        "kick": {"account": author.id},
        "delete": {"seq": message},
    }
    for action, expected in GROUP.items():
        # From the right: whoever may not comes first, so that nothing is done already.
        for person, outcome in reversed(list(zip(people, expected, strict=True))):
            answer = await person.first.ask(action, room=room, **fields.get(action, {}))
            assert answer.get("code", "ok") == outcome, (action, answer)
            if (action, outcome) == ("kick", "ok"):
                await owner.do("invite", room=room, account=author.id)


async def test_rank_decides_who_can_be_removed(site: Site) -> None:
    ada, bob, eve = await _people(site, "json", "ada", "bob", "eve")
    room = await _room(ada, bob, eve)
    for person in (bob, eve):
        await ada.do("promote", room=room, account=person.id, role="admin")
    assert await bob.refused("kick", room=room, account=ada.id) == "forbidden"
    assert await bob.refused("kick", room=room, account=eve.id) == "forbidden"
    await eve.do("promote", room=room, account=eve.id, role="member")  # down, by oneself
    await bob.do("kick", room=room, account=eve.id)
    assert await bob.refused("kick", room=room, account=eve.id) == "not_found"


async def test_what_is_not_there_and_what_is_hidden_look_the_same(site: Site) -> None:
    ada, eve = await _people(site, "json", "ada", "eve")
    hidden = await _room(ada)
    answers = [
        await eve.first.ask("send", room=room, body="anybody?") for room in (hidden, "123456789")
    ]
    assert answers[0]["message"] == answers[1]["message"]
    assert {answer["code"] for answer in answers} == {"not_found"}


async def test_rooms_do_not_hear_each_other(site: Site, encoding: Encoding) -> None:
    ada, bob, eve = await _people(site, encoding, "ada", "bob", "eve")
    with_bob, with_eve = await _room(ada, bob), await _room(ada, eve)
    await asyncio.gather(
        ada.first.do("send", room=with_bob, body="bob"),
        ada.second.do("send", room=with_eve, body="eve"),
    )
    (event,) = await bob.hears("message")
    assert event["body"] == "bob"
    (event,) = await eve.hears("message")
    assert event["body"] == "eve"
    await bob.hears_no_more()
    await eve.hears_no_more()
