"""A server is drained and replaced while people chat: they see a reconnect, and nothing else."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from plaza_client import Client, ConnectionLost, Rest, State, Status, Unreachable
from protocol import close
from protocol.events import Message
from server.config import Config
from tests.e2e.process import ServerProcess
from tests.e2e.talkers import PASSWORD, Talker, Tally, check, gather, log_of

PEOPLE = 30
GRACE = Config().server.shutdown_seconds
POLL = 0.02


class Log(Tally):
    """What befell the connections: when, and why."""

    def __init__(self) -> None:
        super().__init__()
        self.losses: list[tuple[float, ConnectionLost]] = []
        self.others: list[Exception | None] = []

    def watch(self, status: Status) -> None:
        super().watch(status)
        if status.state is State.WAITING and isinstance(status.error, ConnectionLost):
            self.losses.append((time.monotonic(), status.error))
        elif status.error is not None:
            self.others.append(status.error)


async def chat(talker: Talker, tally: Tally, enough: asyncio.Event) -> None:
    """Do what people do. Whatever a call raises fails the test."""
    for number, room in enumerate(itertools.cycle(talker.rooms)):
        if enough.is_set():
            return
        nonce = f"{talker.name}-{number}"
        await talker.client.typing(room)
        ok = await talker.client.send(room, f"{talker.name} says {number}", nonce=nonce)
        talker.acknowledged[room, nonce] = ok.seq
        tally.acknowledge()
        await talker.client.react(room, ok.seq, "\N{THUMBS UP SIGN}")
        await talker.client.read(room, ok.seq)
        page = await talker.client.history(room, limit=5)
        assert page.events


@pytest.mark.soak
@pytest.mark.timeout(240)
async def test_a_rolling_restart_is_a_reconnect_and_no_more(server: ServerProcess) -> None:
    enough = asyncio.Event()
    async with AsyncExitStack() as stack, asyncio.timeout(200):
        log = Log()
        talkers = await gather(server, PEOPLE, log, stack)
        assert log.others == []
        async with asyncio.TaskGroup() as tasks:
            listening = [tasks.create_task(talker.listen()) for talker in talkers]
            chatting = [tasks.create_task(chat(talker, log, enough)) for talker in talkers]
            await log.reach(100)
            assert await server.drain() == 0
            before, losses, others = log.acknowledged, log.losses.copy(), log.others.copy()
            await server.start()
            await log.reach(before + 200)
            enough.set()
            await asyncio.wait(chatting)
            written = await check(talkers, server)
            for task in listening:
                task.cancel()
    assert [loss.code for _, loss in losses] == [close.RESTART.code] * PEOPLE
    hints = [loss.retry_after for _, loss in losses]
    assert None not in hints
    assert len(set(hints)) > 3
    took = losses[-1][0] - losses[0][0]
    assert took > 1.0  # a batch of one every tenth of a second
    # Who came back too early found a server that lets nobody in, or none.
    assert all(isinstance(error, Unreachable) for error in others)
    print(
        f"\n{PEOPLE} clients sent away in {took:.1f} s, hints {min(hints)} to {max(hints)} s; "
        f"{log.acknowledged} messages acknowledged, {written} in the logs; "
        f"{len(log.losses)} connections lost, {log.connected - PEOPLE} reconnects"
    )


@asynccontextmanager
async def begun_request(
    server: ServerProcess, body: bytes
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter, Client, int]]:
    """Somebody who posts a message; the server has the header, and waits for the body."""
    async with Rest(server.url) as rest:
        ada = await rest.sign_up("ada", "ada@example.org", PASSWORD)
        room = await rest.create_room("group", "Lounge")
        host, port = server.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            f"POST /api/v1/rooms/{room.id}/messages HTTP/1.1\r\nHost: {host}\r\n"
            f"Authorization: Bearer {ada.access_token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n".encode()
        )
        assert b"100 Continue" in await reader.readuntil(b"\r\n\r\n")
        yield reader, writer, Client(server.url, token=ada.access_token), room.id
        writer.close()


async def port_closed(server: ServerProcess) -> None:
    async with httpx.AsyncClient(base_url=server.url) as http:
        while True:
            try:
                answer = await http.get("/healthz")
            except httpx.TransportError:
                return
            assert answer.status_code == 200  # until the end
            await asyncio.sleep(POLL)


async def test_a_request_that_was_begun_is_answered(server: ServerProcess) -> None:
    body = b'{"body": "just in time"}'
    async with asyncio.timeout(60), begun_request(server, body) as (reader, writer, client, room):
        stopping = asyncio.create_task(server.stop())
        await port_closed(server)
        assert not stopping.done()
        writer.write(body)
        answer = await reader.read()  # to the end: the server closes the connection
        assert answer.startswith(b"HTTP/1.1 201 ")
        assert await stopping == 0
        await server.start()
        async with client:
            log = await log_of(client, room)
    assert [event.body for event in log if isinstance(event, Message)] == ["just in time"]
    assert "Traceback" not in server.errors()


async def test_a_second_signal_waits_for_nobody(server: ServerProcess) -> None:
    async with asyncio.timeout(60), begun_request(server, b"{}") as (reader, _, _, _):
        begin = time.monotonic()
        stopping = asyncio.create_task(server.stop())
        await port_closed(server)
        assert await server.stop() == await stopping == 0
        assert time.monotonic() - begin < GRACE
        assert await reader.read() == b""


async def test_without_connections_the_end_comes_at_once(server: ServerProcess) -> None:
    begin = time.monotonic()
    assert await server.drain() == 0
    assert time.monotonic() - begin < GRACE / 2
