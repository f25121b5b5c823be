"""A connection that comes back with cursors gets what it missed: once, in order, without holes."""

from collections.abc import AsyncIterator

import pytest

from persistence.embedded import EmbeddedPostgres
from protocol import close
from server.config import Config
from server.sections import Limits
from tests.e2e.device import Device, Encoding
from tests.e2e.site import Person, Site, copy_of, serving

CAP = 600  # above rooms.catchup.BATCH, so that one room takes more than one read


@pytest.fixture(scope="module")
def config() -> Config:
    return Config(limits=Limits(replay_events=CAP, unanswered_commands=0))


@pytest.fixture(params=["json", "msgpack"])
def encoding(request: pytest.FixtureRequest) -> Encoding:
    encoding: Encoding = request.param
    return encoding


@pytest.fixture
async def ada(site: Site) -> Person:
    return await site.person("ada")


@pytest.fixture
async def bob(site: Site) -> Device:
    """Who goes on talking while Ada is away."""
    return await site.device(await site.person("bob"))


async def _room(bob: Device, *members: Person) -> str:
    ids = [member.id for member in members]
    created = await bob.do("create", kind="group", title="Engines", members=ids)
    return str(created["room"]["id"])


async def _say(bob: Device, room: str, count: int, *, body: str = "hi") -> int:
    """Send messages; returns the seq of the last."""
    sent = [bob.tell("send", room=room, body=body) for _ in range(count)]
    return [(await bob.answer(command))["seq"] for command in sent][-1]


def _seqs(room: str, events: list[dict[str, object]]) -> list[object]:
    return [event["seq"] for event in events if event["room"] == room and "seq" in event]


async def test_what_was_missed_comes_behind_ready(
    site: Site, ada: Person, bob: Device, encoding: Encoding
) -> None:
    first, second, quiet = [await _room(bob, ada) for _ in range(3)]
    await bob.do("send", room=first, body="teh")
    await bob.do("edit", room=first, seq=2, body="the")
    await _say(bob, second, 3)
    device = await site.device(ada, encoding, cursors={first: 1, second: 2, quiet: 1})
    assert {room["id"]: room["last_seq"] for room in device.ready["rooms"]} == {
        first: 3,
        second: 4,
        quiet: 1,
    }
    events = await device.heard()
    assert _seqs(first, events) == [2, 3]
    assert _seqs(second, events) == [3, 4]
    assert len(events) == 4
    await bob.do("send", room=first, body="live")
    assert (await device.event())["seq"] == 4


async def test_replayed_events_are_those_that_were_sent_live(
    site: Site, ada: Person, bob: Device, encoding: Encoding
) -> None:
    room = await _room(bob, ada)
    live = await site.device(ada, encoding)
    attached = [{"id": await site.upload(bob.ready["user"]["username"])}]
    await bob.do("send", room=room, body="👋", nonce="n1", attachments=attached)
    await bob.do("send", room=room, body="answer", reply_to=2)
    await bob.do("react", room=room, seq=3, emoji="👍")
    await bob.do("unreact", room=room, seq=3, emoji="👍")
    await bob.do("rename", room=room, title="Looms")
    await bob.do("promote", room=room, account=ada.id, role="admin")
    heard = await live.up_to(room, 7)
    again = await site.device(ada, encoding, cursors={room: 1})
    replayed = await again.up_to(room, 7)
    assert replayed[0].pop("replies")["last_seq"] == 3  # what came later, as the log shows it
    assert replayed == heard


async def test_without_cursors_nothing_is_replayed(site: Site, ada: Person, bob: Device) -> None:
    room, other = await _room(bob, ada), await _room(bob, ada)
    await _say(bob, room, 3)
    await _say(bob, other, 3)
    assert await (await site.device(ada)).heard() == []
    device = await site.device(ada, cursors={room: 4})
    assert await device.heard() == []
    assert await (await site.device(ada, cursors={room: 2**53 - 1})).heard() == []


async def test_more_than_the_cap_is_a_gap(
    site: Site, ada: Person, bob: Device, encoding: Encoding
) -> None:
    room, other = await _room(bob, ada), await _room(bob, ada)
    last = await _say(bob, room, CAP)
    await _say(bob, other, 2)
    within = await site.device(ada, encoding, cursors={room: 1})
    assert _seqs(room, await within.up_to(room, last)) == list(range(2, CAP + 2))
    beyond = await site.device(ada, encoding, cursors={room: 0, other: 1})
    gap, *events = await beyond.heard()
    assert gap == {"t": "gap", "room": room, "from": 1, "to": last}
    assert _seqs(other, events) == [2, 3]
    await bob.do("send", room=room, body="live")
    assert (await beyond.event())["seq"] == last + 1


async def test_a_room_that_one_is_no_longer_in_is_gone(
    site: Site, ada: Person, bob: Device, encoding: Encoding
) -> None:
    left, kept = await _room(bob, ada), await _room(bob, ada)
    await bob.do("kick", room=left, account=ada.id)
    await _say(bob, kept, 1)
    device = await site.device(ada, encoding, cursors={left: 1, kept: 1, "12345": 7})
    events = await device.heard()
    gone = [event["room"] for event in events if event["t"] == "room_gone"]
    assert sorted(gone) == sorted([left, "12345"])
    assert _seqs(kept, events) == [2]
    assert len(events) == 3


async def test_coming_back_again_and_again_while_others_talk(
    site: Site, ada: Person, bob: Device, encoding: Encoding
) -> None:
    """Each time somewhere else in the stream: in the middle of a batch, of a catch-up."""
    room = await _room(bob, ada)
    cursor = 1
    for _ in range(25):
        sent = [bob.tell("send", room=room, body="on and on") for _ in range(20)]
        device = await site.device(ada, encoding, cursors={room: cursor})
        for event in await device.events(7):
            assert event["seq"] == cursor + 1
            cursor += 1
        device.abort()
        await bob.answer(sent[-1])
    device = await site.device(ada, encoding, cursors={room: cursor})
    last = await _say(bob, room, 1)
    assert _seqs(room, await device.up_to(room, last)) == list(range(cursor + 1, last + 1))


# --- more than the network takes at once ---------------------------------------------------------


@pytest.fixture(scope="module")
async def narrow(postgres: EmbeddedPostgres, template: str, config: Config) -> AsyncIterator[Site]:
    """A server whose connections hold little."""
    async with (
        copy_of(template, postgres) as dsn,
        serving(dsn, config, send_buffer=16_384) as served,
    ):
        yield served


@pytest.fixture
async def long_log(narrow: Site) -> tuple[Person, Device, str, int]:
    """Ada has missed four megabytes of what Bob said in a room: up to the last seq."""
    ada = await narrow.person("ada")
    bob = await narrow.device(await narrow.person("bob"))
    room = await _room(bob, ada)
    for _ in range(10):
        last = await _say(bob, room, 50, body="long " * 1_600)
    return ada, bob, room, last


async def test_a_long_replay_makes_nobody_a_slow_reader(
    narrow: Site, long_log: tuple[Person, Device, str, int]
) -> None:
    ada, _, room, last = long_log
    slow = narrow.plaza.gateway.traffic.slow
    device = await narrow.device(ada, cursors={room: 1})
    assert _seqs(room, await device.up_to(room, last)) == list(range(2, last + 1))
    assert await device.heard() == []
    assert narrow.plaza.gateway.traffic.slow == slow


async def test_a_close_during_the_replay_leaves_no_hole(
    narrow: Site, long_log: tuple[Person, Device, str, int]
) -> None:
    """What is live waits behind the replay; it must not come first because of the close."""
    ada, bob, room, last = long_log
    reader = await narrow.connect(receive_buffer=4_096)
    await reader.hello(ada.token, {room: 1})
    first = await reader.event()
    assert await _say(bob, room, 1) == last + 1  # live, and held: the replay waits for its reader
    (behind,) = [each for each in narrow.plaza.gateway.connections if each.waiting]
    behind.close(close.RESTART)
    events, closed = await reader.to_the_end()
    assert closed.code == close.RESTART.code
    cursor = events[-1]["seq"]
    assert 2 < cursor < last
    assert _seqs(room, [first, *events]) == list(range(2, cursor + 1))
    rest = await narrow.device(ada, cursors={room: cursor})
    assert _seqs(room, await rest.up_to(room, last + 1)) == list(range(cursor + 1, last + 2))


async def test_a_cursor_is_a_seq(site: Site, ada: Person) -> None:
    for cursors in ({"1": -1}, {"1": "x"}, {"x": 1}, {"": 1}, [1], {"1": 2**53}):
        device = await site.connect()
        answer = await device.ask("hello", token=ada.token, cursors=cursors)
        assert answer["code"] == "bad_request"
        assert (await device.hello(ada.token))["t"] == "ready"  # it may try again
