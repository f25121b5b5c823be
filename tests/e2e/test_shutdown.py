"""SIGTERM while many talk: what was accepted is answered, and everybody is told to come back."""

import asyncio
import itertools
import time
from contextlib import AsyncExitStack
from typing import Any

import psutil

from plaza_client import Client, ConnectionLost, Message, Rest
from plaza_client.link import State, Status
from protocol import close, errors
from protocol.ids import parse_id
from server.config import Config
from tests.e2e.device import ANSWERS, Device, Encoding, Fields
from tests.e2e.process import ServerProcess
from tests.e2e.talkers import PASSWORD, Tally, check, gather, log_of
from tests.e2e.websocket import Closed

PEOPLE = 10
GRACE = Config().server.shutdown_seconds


async def test_sigterm_answers_what_was_accepted(server: ServerProcess) -> None:
    codes: list[int] = []

    class Watch(Tally):
        def watch(self, status: Status) -> None:
            super().watch(status)
            if status.state is State.WAITING and isinstance(status.error, ConnectionLost):
                codes.append(status.error.code)

    async with AsyncExitStack() as stack, asyncio.timeout(60):
        tally = Watch()
        talkers = await gather(server, PEOPLE, tally, stack)
        async with asyncio.TaskGroup() as tasks:
            listening = [tasks.create_task(talker.listen()) for talker in talkers]
            talking = [tasks.create_task(talker.talk()) for talker in talkers]
            await tally.reach(200)
            assert await server.stop() == 0
            told = codes.copy()
            await server.start()
            await tally.reach(tally.acknowledged + 100)
            for talker in talkers:
                talker.stop()
            await asyncio.wait(talking)
            await check(talkers, server)
            for task in listening:
                task.cancel()
    assert told == [close.RESTART.code] * PEOPLE
    assert "Traceback" not in server.errors()


class Hasty:
    """Somebody who sends without waiting for answers, until the connection ends."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.answers: list[Fields] = []
        self.closed: Closed | None = None

    async def talk(self, room: str) -> None:
        for number in itertools.count():
            if self.closed is not None:
                return
            if number % 20:
                self.device.tell("send", room=room, body="and another thing")
            else:
                self.device.tell("create", kind="group", title="Elsewhere", members=[])
            await self.device.socket.flushed()

    async def read(self, enough: asyncio.Event) -> None:
        try:
            while True:
                received = await self.device.receive()
                if received["t"] in ANSWERS:
                    self.answers.append(received)
                if len(self.answers) == 300:
                    enough.set()
        except Closed as closed:
            self.closed = closed
            self.device.abort()

    def done(self, field: str) -> list[Any]:
        """A field of the answers to what was carried out."""
        return [answer[field] for answer in self.answers if field in answer]


async def test_what_was_done_was_acknowledged_and_the_reverse(server: ServerProcess) -> None:
    people, room = await _hasty_people(server)
    enough = asyncio.Event()
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        for person in people:
            tasks.create_task(person.read(enough))
            tasks.create_task(person.talk(room))
        await enough.wait()
        postmaster = psutil.Process(server.postmaster)
        begin = time.monotonic()
        assert await server.stop() == 0
        assert time.monotonic() - begin < GRACE
    assert not postmaster.is_running()
    assert [person.closed and person.closed.code for person in people] == [close.RESTART.code] * 3
    refused = {code for person in people for code in person.done("code")}
    assert refused <= {errors.RATE_LIMITED.code}

    await server.start()
    async with Rest(server.url) as rest:
        login = await rest.log_in("hasty_0", PASSWORD)
        made = {str(found.id) for found in await rest.rooms() if found.kind == "group"}
        async with Client(server.url, token=login.access_token) as client:
            log = await log_of(client, parse_id(room))
    assert made == {created["id"] for created in people[0].done("room")}
    acknowledged = sorted(seq for person in people for seq in person.done("seq"))
    assert acknowledged == [event.seq for event in log if isinstance(event, Message)]
    assert [event.seq for event in log] == list(range(1, len(log) + 1))


async def _hasty_people(server: ServerProcess) -> tuple[list[Hasty], str]:
    """Three of them, and a room."""
    people = []
    encodings: tuple[Encoding, ...] = ("json", "msgpack", "json")
    async with Rest(server.url) as rest:
        for number, encoding in enumerate(encodings):
            login = await rest.sign_up(f"hasty_{number}", f"{number}@example.org", PASSWORD)
            device = await Device.open(server.url, encoding)
            await device.hello(login.access_token)
            people.append(Hasty(device))
    channel = await people[0].device.do("create", kind="channel", title="x", members=[])
    room = channel["room"]["id"]
    for person in people[1:]:
        await person.device.do("join", room=room)
    return people, room
