"""One member stops reading: the others hear everything meanwhile, and it misses nothing in the end.

How little the others feel of it is measured by the question does-a-slow-reader-hurt-others.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from persistence.embedded import EmbeddedPostgres
from protocol import close
from server.config import Config
from server.sections import Limits
from tests.e2e.device import Device, Encoding, Fields
from tests.e2e.site import Site, copy_of, serving
from tests.e2e.websocket import Closed

BODY = "much " * 1_500
MESSAGES = 120  # of 7,500 characters: several times what fits into the buffers
SENDERS = 2


@pytest.fixture(scope="module")
async def narrow(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Site]:
    """A server whose connections, and whose patience with them, hold little."""
    limits = Limits(outbox_soft_bytes=65_536, outbox_hard_bytes=262_144)
    async with (
        copy_of(template, postgres) as dsn,
        serving(dsn, Config(limits=limits), send_buffer=16_384) as served,
    ):
        yield served


async def say(device: Device, room: str, count: int) -> None:
    for number in range(count):
        await device.do("send", room=room, body=f"{number} {BODY}")


async def entries(device: Device, room: str, upto: int) -> list[Fields]:
    """The entries of a room's log up to one; other events are left out."""
    return [event for event in await device.up_to(room, upto) if "seq" in event]


async def until(device: Device, room: str, upto: int) -> list[Fields]:
    """The events up to an entry of the log, or up to a close because it was too slow again.

    While it catches up, more may be said than a server this narrow has room for.
    """
    events: list[Fields] = []
    try:
        while not events or (events[-1].get("room"), events[-1].get("seq")) != (room, upto):
            events.append(await device.event())
    except Closed as closed:
        if closed.code != close.SLOW.code:
            raise
    return events


def of_log(events: list[Fields]) -> list[Fields]:
    """Entries of a log, without what only a live event has."""
    return [{**event, "nonce": None} for event in events if event.get("t") == "message"]


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
async def test_the_others_hear_all_and_the_slow_one_in_the_end(
    narrow: Site, encoding: Encoding
) -> None:
    ada, *others = await narrow.people("ada", *["bob"] * SENDERS, *["eve"] * 3)
    devices = [await narrow.device(other, encoding) for other in others]
    members = [person.id for person in (ada, *others[1:])]
    created = await devices[0].do("create", kind="group", title="Engines", members=members)
    room, last = created["room"]["id"], 1 + MESSAGES
    slow = await narrow.device(ada, encoding, receive_buffer=4_096)
    slow_before = narrow.plaza.gateway.traffic.slow

    talk = [say(device, room, MESSAGES // SENDERS) for device in devices[:SENDERS]]
    heard, *_ = await asyncio.gather(
        asyncio.gather(*(entries(device, room, last) for device in devices[SENDERS:])), *talk
    )
    # The slow one has not read a byte yet; the others have all there is.
    for events in heard:
        assert [event["seq"] for event in of_log(events)] == list(range(2, last + 1))
    assert narrow.plaza.gateway.traffic.slow == slow_before + 1

    before, closed = await slow.to_the_end()
    assert (closed.code, closed.reason) == (close.SLOW.code, close.SLOW.reason)
    assert 1 < of_log(before)[-1]["seq"] < last

    # It comes back while the others talk on.
    end = last + MESSAGES
    talk = [say(device, room, MESSAGES // SENDERS) for device in devices[:SENDERS]]

    async def come_back() -> list[Fields]:
        events = before
        while (cursor := of_log(events)[-1]["seq"]) < end:
            back = await narrow.device(ada, encoding, cursors={room: cursor})
            events = events + await until(back, room, end)
        return events

    (everything, *later), *_ = await asyncio.gather(
        asyncio.gather(come_back(), *(entries(each, room, end) for each in devices[SENDERS:])),
        *talk,
    )
    for events, more in zip(heard, later, strict=True):
        assert of_log(events) + of_log(more) == of_log(everything)
