"""Channels that one follows without joining them, over real sockets."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from plaza_client import Client, ClientEvent, Options
from protocol.events import Message
from protocol.ids import Id
from server.config import Config
from server.sections import Limits
from tests.e2e.device import Device, Encoding
from tests.e2e.site import Site

LIMIT = 2


@pytest.fixture(scope="module")
def config() -> Config:
    return Config(limits=Limits(subscriptions=LIMIT))


async def channel(device: Device, kind: str = "channel") -> str:
    created = await device.do("create", kind=kind, title="Stage", members=[])
    await device.event()
    return str(created["room"]["id"])


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
async def test_a_guest_hears_the_channel_and_is_no_member(site: Site, encoding: Encoding) -> None:
    ada, eve = await site.people("ada", "eve")
    speaker, guest = await site.device(ada), await site.device(eve, encoding)
    room = await channel(speaker)
    await speaker.do("send", room=room, body="before")
    answer = await guest.do("subscribe", room=room)
    assert (answer["room"]["last_seq"], answer["room"]["members"]) == (2, 1)
    assert "role" not in answer["room"]
    await speaker.do("send", room=room, body="hello")
    heard = await guest.event()
    assert (heard["t"], heard["seq"], heard["body"]) == ("message", 3, "hello")
    assert await guest.refused("send", room=room, body="hi") == "not_found"


async def test_after_unsubscribe_nothing_comes(site: Site) -> None:
    ada, eve = await site.people("ada", "eve")
    speaker, guest = await site.device(ada), await site.device(eve)
    room = await channel(speaker)
    await guest.do("subscribe", room=room)
    await guest.do("unsubscribe", room=room)
    await guest.do("unsubscribe", room=room)
    await speaker.do("send", room=room, body="hello")
    assert await guest.heard() == []


async def test_who_joins_becomes_a_member(site: Site) -> None:
    ada, eve = await site.people("ada", "eve")
    speaker, guest = await site.device(ada), await site.device(eve)
    room = await channel(speaker)
    await guest.do("subscribe", room=room)
    await guest.do("join", room=room)
    kinds = [(await guest.event())["t"], (await guest.event())["t"]]
    assert kinds == ["member", "room"]
    await guest.do("send", room=room, body="hi")


async def test_groups_are_not_subscribed_to(site: Site) -> None:
    ada, eve = await site.people("ada", "eve")
    owner, stranger = await site.device(ada), await site.device(eve)
    group = await channel(owner, "group")
    assert await stranger.refused("subscribe", room=group) == "not_found"
    assert await owner.refused("subscribe", room=group) == "not_found"
    assert await stranger.refused("subscribe", room="1") == "not_found"


async def test_a_connection_subscribes_to_so_many(site: Site) -> None:
    ada, eve = await site.people("ada", "eve")
    speaker, guest = await site.device(ada), await site.device(eve)
    rooms = [await channel(speaker) for _ in range(LIMIT + 1)]
    for room in rooms[:LIMIT]:
        await guest.do("subscribe", room=room)
    assert await guest.refused("subscribe", room=rooms[LIMIT]) == "bad_request"
    await guest.do("unsubscribe", room=rooms[0])
    await guest.do("subscribe", room=rooms[LIMIT])


async def test_the_client_misses_nothing_of_a_subscription(site: Site) -> None:
    ada, eve = await site.people("ada", "eve")
    speaker = await site.device(ada)
    room = await channel(speaker)
    statuses: asyncio.Queue[str] = asyncio.Queue()
    others = set(site.plaza.gateway.connections)
    async with Client(
        site.url,
        token=eve.token,
        options=Options(backoff_base=0.01),
        on_status=lambda status: statuses.put_nowait(status.state.name),
    ) as client:
        shown = await client.subscribe(Id(room))
        assert shown.last_seq == 1
        events = client.events()
        await speaker.do("send", room=room, body="one")
        assert await _next_message(events) == (2, "one")
        while not statuses.empty():
            statuses.get_nowait()
        for connection in site.plaza.gateway.connections - others:
            connection.transport.abort()
        await speaker.do("send", room=room, body="two")
        await speaker.do("send", room=room, body="three")
        assert await _next_message(events) == (3, "two")
        assert await _next_message(events) == (4, "three")
        assert statuses.get_nowait() == "WAITING"
        await client.unsubscribe(Id(room))
        assert Id(room) not in client.cursors


async def _next_message(events: AsyncIterator[ClientEvent]) -> tuple[int, str]:
    async for event in events:
        if isinstance(event, Message):
            return event.seq, event.body
    raise AssertionError("the events ended")
