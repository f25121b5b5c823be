"""Bans, mutes, slow mode and pins over the socket: refused, told to all, and by whom."""

import asyncio
from typing import Any

import pytest

from tests.e2e.device import Device, Fields
from tests.e2e.site import Person, Site


class Someone:
    """A person with a connection, who hears of the room's log."""

    def __init__(self, person: Person, device: Device) -> None:
        self.id = person.id
        self.person = person
        self.device = device

    async def do(self, t: str, **fields: Any) -> Fields:
        return await self.device.do(t, **fields)

    async def refusal(self, t: str, **fields: Any) -> Fields:
        answer = await self.device.ask(t, **fields)
        assert answer["t"] == "error", answer
        return answer

    async def hears(self, *types: str) -> list[Fields]:
        """The next events of these types; others may be between them."""
        heard = []
        for type_ in types:
            while (event := await self.device.event())["t"] != type_:
                pass
            heard.append(event)
        return heard


@pytest.fixture
async def trio(site: Site) -> tuple[Someone, Someone, Someone]:
    ada, bob, eve = [
        Someone(person, await site.device(person, encoding))
        for person, encoding in zip(
            await site.people("ada", "bob", "eve"), ("json", "msgpack", "json"), strict=True
        )
    ]
    return ada, bob, eve


async def channel(owner: Someone, *members: Someone) -> str:
    """A room that all have heard of, owner and members."""
    created = await owner.do("create", kind="channel", title="Town square")
    room = str(created["room"]["id"])
    await owner.hears("room")
    for member in members:
        await member.do("join", room=room)
        await member.hears("room")
        await owner.hears("member")
    return room


class TestBan:
    async def test_removes_and_keeps_out(self, trio: tuple[Someone, Someone, Someone]) -> None:
        ada, bob, eve = trio
        room = await channel(ada, bob, eve)
        # In one packet: what comes after the ban must not slip out with it.
        ada.device.tell("ban", room=room, account=eve.id)
        await ada.do("send", room=room, body="after")
        for person in (ada, bob, eve):
            (banned,) = await person.hears("member")
            while banned["cause"] != "banned":
                (banned,) = await person.hears("member")
            assert (banned["account"], banned["sender"]) == (eve.id, ada.id)
            assert (banned["members"], "role" in banned, "until" in banned) == (2, False, False)
        await eve.hears("room_gone")
        assert "message" not in [event["t"] for event in await eve.device.heard()]
        await bob.hears("message")

        assert (await eve.refusal("join", room=room))["code"] == "banned"
        assert (await eve.refusal("send", room=room, body="x"))["code"] == "not_found"
        for person in (ada, bob):
            refused = await person.refusal("invite", room=room, account=eve.id)
            assert refused["code"] == "banned"
        assert (await bob.refusal("unban", room=room, account=eve.id))["code"] == "forbidden"
        await ada.do("unban", room=room, account=eve.id)
        assert "seq" not in await ada.do("unban", room=room, account=eve.id)
        (unbanned,) = await bob.hears("member")
        assert (unbanned["cause"], unbanned["sender"]) == ("unbanned", ada.id)
        await eve.do("join", room=room)
        await eve.hears("room")

    async def test_runs_out(self, site: Site, trio: tuple[Someone, Someone, Someone]) -> None:
        ada, bob, eve = trio
        room = await channel(ada, bob)
        await ada.do("ban", room=room, account=eve.id, seconds=3_600)
        (banned,) = await bob.hears("member")
        assert banned["until"] > banned["at"]
        assert (await eve.refusal("join", room=room))["code"] == "banned"
        await site.fetch(
            "UPDATE room_bans SET until = now() - interval '1 ms' WHERE room_id = $1", int(room)
        )
        await eve.do("join", room=room)
        await eve.hears("room")

    async def test_of_all_who_join_and_ban_at_once_none_slips_in(
        self, site: Site, trio: tuple[Someone, Someone, Someone]
    ) -> None:
        ada, bob, eve = trio
        room = await channel(ada)
        for _ in range(20):
            await asyncio.gather(
                eve.device.ask("join", room=room),
                ada.device.ask("ban", room=room, account=eve.id),
                bob.device.ask("invite", room=room, account=eve.id),
            )
            members = await site.fetch(
                "SELECT FROM room_members WHERE (room_id, account_id) = ($1, $2)",
                *(int(room), int(eve.id)),
            )
            assert members == []
            await ada.do("unban", room=room, account=eve.id)


class TestMute:
    async def test_refuses_what_is_written(
        self, site: Site, trio: tuple[Someone, Someone, Someone]
    ) -> None:
        ada, bob, eve = trio
        room = await channel(ada, bob, eve)
        seq = (await bob.do("send", room=room, body="hi"))["seq"]
        own = (await eve.do("send", room=room, body="mine"))["seq"]
        await ada.do("mute", room=room, account=eve.id, seconds=3_600)
        (muted,) = await bob.hears("mute")
        assert (muted["account"], muted["sender"]) == (eve.id, ada.id)
        assert muted["until"] > muted["at"]
        commands: list[tuple[str, Fields]] = [
            ("send", {"body": "x"}),
            ("send", {"body": "x", "reply_to": seq}),
            ("send", {"body": f"@bob_{bob.id}"}),
            ("edit", {"seq": own, "body": "x"}),
            ("react", {"seq": seq, "emoji": "👍"}),
        ]
        for t, fields in commands:
            refused = await eve.refusal(t, room=room, **fields)
            assert refused["code"] == "muted"
            assert 3_590 < refused["retry_after"] <= 3_600
        # What was said can be taken back, and read all the same.
        await eve.do("delete", room=room, seq=own)
        await eve.do("history", room=room)
        await bob.do("send", room=room, body="still here")
        await eve.hears("message", "message", "message")

        query = "UPDATE room_members SET muted_until = now() - interval '1 ms' WHERE room_id = $1"
        await site.fetch(query + " AND account_id = $2", int(room), int(eve.id))
        await eve.do("send", room=room, body="again")

    async def test_is_lifted(self, trio: tuple[Someone, Someone, Someone]) -> None:
        ada, bob, eve = trio
        room = await channel(ada, bob, eve)
        await ada.do("mute", room=room, account=eve.id)
        refused = await eve.refusal("send", room=room, body="x")
        assert (refused["code"], "retry_after" in refused) == ("muted", False)
        # It holds wherever one goes.
        await eve.do("leave", room=room)
        await eve.do("join", room=room)
        assert (await eve.refusal("send", room=room, body="x"))["code"] == "muted"
        await ada.do("unmute", room=room, account=eve.id)
        _, lifted = await bob.hears("mute", "mute")
        assert (lifted["account"], lifted["sender"], "until" in lifted) == (eve.id, ada.id, False)
        await eve.do("send", room=room, body="hi")


class TestSlowMode:
    async def test_members_wait_and_admins_do_not(
        self, site: Site, trio: tuple[Someone, Someone, Someone]
    ) -> None:
        ada, bob, eve = trio
        room = await channel(ada, bob, eve)
        assert (await bob.refusal("slow_mode", room=room, seconds=5))["code"] == "forbidden"
        await ada.do("slow_mode", room=room, seconds=600)
        (slow,) = await bob.hears("slow_mode")
        assert (slow["seconds"], slow["sender"]) == (600, ada.id)
        # Both in one packet: the second is refused all the same.
        first = bob.device.tell("send", room=room, body="one")
        second = await bob.refusal("send", room=room, body="two")
        assert (await bob.device.answer(first))["t"] == "ok"
        assert second["code"] == "slow_mode"
        assert 590 < second["retry_after"] <= 600
        await eve.do("send", room=room, body="each for oneself")
        for _ in range(3):
            await ada.do("send", room=room, body="an admin")
        query = "UPDATE room_members SET last_message_at = last_message_at - interval '10 min'"
        await site.fetch(f"{query} WHERE room_id = $1", int(room))
        await bob.do("send", room=room, body="patient")
        await ada.do("slow_mode", room=room, seconds=0)
        for _ in range(3):
            await bob.do("send", room=room, body="fast")

    async def test_a_repeat_is_no_second_message(
        self, trio: tuple[Someone, Someone, Someone]
    ) -> None:
        ada, bob, _ = trio
        room = await channel(ada, bob)
        await ada.do("slow_mode", room=room, seconds=600)
        first = await bob.do("send", room=room, body="one", nonce="n1")
        again = await bob.do("send", room=room, body="one", nonce="n1")
        assert again["seq"] == first["seq"]


class TestPins:
    async def test_are_told_and_shown(self, trio: tuple[Someone, Someone, Someone]) -> None:
        ada, bob, _ = trio
        room = await channel(ada, bob)
        seq = (await bob.do("send", room=room, body="the rules"))["seq"]
        assert (await bob.refusal("pin", room=room, seq=seq))["code"] == "forbidden"
        done = await ada.do("pin", room=room, seq=seq, nonce="p1")
        (pinned,) = await bob.hears("pin")
        assert pinned == {
            "t": "pin", "room": room, "sender": ada.id, "target": seq, "nonce": "p1",
            "seq": done["seq"], "event_id": done["event_id"], "at": done["at"],
        }  # fmt: skip
        assert (await ada.do("pin", room=room, seq=seq, nonce="p1"))["seq"] == done["seq"]
        assert "seq" not in await ada.do("pin", room=room, seq=seq)
        events = (await bob.do("history", room=room, around=seq, limit=1))["events"]
        assert events[0]["pinned"] is True
        await ada.do("unpin", room=room, seq=seq)
        (unpinned,) = await bob.hears("unpin")
        assert (unpinned["target"], unpinned["sender"]) == (seq, ada.id)
        events = (await bob.do("history", room=room, around=seq, limit=1))["events"]
        assert "pinned" not in events[0]

    async def test_in_a_dm_both_may(self, trio: tuple[Someone, Someone, Someone]) -> None:
        ada, bob, _ = trio
        room = (await ada.do("create", kind="dm", members=[bob.id]))["room"]["id"]
        seq = (await ada.do("send", room=room, body="hi"))["seq"]
        await bob.do("pin", room=room, seq=seq)
        await ada.hears("pin")
        await ada.do("unpin", room=room, seq=seq)


async def test_whoever_was_away_finds_it_all_in_the_log(
    site: Site, trio: tuple[Someone, Someone, Someone]
) -> None:
    ada, bob, eve = trio
    room = await channel(ada, bob, eve)
    bob.device.abort()
    seq = (await ada.do("send", room=room, body="hi"))["seq"]
    await ada.do("pin", room=room, seq=seq)
    await ada.do("mute", room=room, account=eve.id, seconds=60)
    await ada.do("slow_mode", room=room, seconds=5)
    await ada.do("ban", room=room, account=eve.id, seconds=60)
    last = (await ada.do("unban", room=room, account=eve.id))["seq"]
    back = await site.device(bob.person, cursors={room: seq})
    missed = [event for event in await back.up_to(room, last) if event.get("room") == room]
    assert [event["t"] for event in missed if "seq" in event] == [
        "pin", "mute", "slow_mode", "member", "member"
    ]  # fmt: skip
    assert {event["sender"] for event in missed if "sender" in event} == {ada.id}
    (seen,) = [one for one in back.ready["rooms"] if one["id"] == room]
    assert (seen["slow_mode"], seen["members"]) == (5, 2)
