"""Every limit on a real server: beyond it the answer is as promised, and nobody else is hurt."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from protocol import close
from server.config import Config
from server.sections import Gateway, Limits, Server
from tests.e2e.device import Device, Fields
from tests.e2e.site import Person, Site, serving
from tests.e2e.websocket import PATIENCE, Opcode, Rejected, frame

HEARTBEAT = 25
PROXY = "127.0.0.1"
HOME, WORK = "192.0.2.1", "192.0.2.2"


class Clock:
    """What the buckets go by: it stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Strict:
    """A server with limits of its own, and its clock."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.gateway = site.plaza.gateway
        self.clock = Clock()
        self.gateway.admission.clock = self.clock

    async def somebody(self) -> tuple[Device, str]:
        """A device of a new account, and a room of it."""
        device = await self.site.device(await self.site.person())
        return device, await room_of(device)

    async def rejected(self, **options: dict[str, str]) -> Rejected:
        """A handshake that is refused."""
        with pytest.raises(Rejected) as rejected:
            await self.site.connect(**options)
        return rejected.value

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so inside the server."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await asyncio.sleep(0)

    async def as_time_goes_by(self, *answers: Coroutine[Any, Any, Fields]) -> list[Fields]:
        """Wait for answers, one after the other, while seconds pass in the server."""

        async def wait() -> list[Fields]:
            return [await answer for answer in answers]

        async with asyncio.timeout(PATIENCE):
            waiting = asyncio.create_task(wait())
            while not waiting.done():
                self.clock.now += 1
                self.site.turn(1)
                await asyncio.sleep(0)
            return await waiting

    async def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self.site.url) as http:
            return await http.get(path, headers=headers)

    async def refusals(self) -> dict[str, float]:
        """Of the metrics, how many were turned away, by reason."""
        families = text_string_to_metric_families((await self.get("/metrics")).text)
        return {
            sample.labels["reason"]: sample.value
            for family in families
            for sample in family.samples
            if sample.name == "plaza_connections_refused_total"
        }


Serve = Callable[..., AbstractAsyncContextManager[Strict]]


@pytest.fixture
def serve(site: Site) -> Serve:
    @asynccontextmanager
    async def strict(**limits: int) -> AsyncIterator[Strict]:
        config = Config(
            server=Server(trusted_proxies=[PROXY]),
            gateway=Gateway(heartbeat_seconds=HEARTBEAT),
            limits=Limits(**limits),
        )
        async with serving(site.database.dsn, config) as served:
            yield Strict(served)

    return strict


async def room_of(device: Device, *members: Person) -> str:
    ids = [member.id for member in members]
    created = await device.do("create", kind="group", title="Engines", members=ids)
    return str(created["room"]["id"])


async def burst(device: Device, room: str, count: int) -> list[Fields]:
    """The answers to so many commands in one packet."""
    commands = [
        {"t": "send", "id": 1_000 + number, "room": room, "body": "more"} for number in range(count)
    ]
    device.socket.write(b"".join(map(device.framed, commands)))
    return [await device.answer(command["id"]) for command in commands]  # type: ignore[arg-type]


def came_from(address: str) -> dict[str, dict[str, str]]:
    """Options of a connection that comes through the proxy."""
    return {"headers": {"X-Forwarded-For": f"1.1.1.1, {address}"}}


# --- commands ------------------------------------------------------------------------------------


async def test_commands_beyond_the_rate_are_refused_until_there_are_tokens_again(
    serve: Serve,
) -> None:
    async with serve(commands_per_connection_second=10) as strict:
        device, room = await strict.somebody()
        strict.clock.now += 60
        answers = await burst(device, room, 23)
        assert [answer["t"] for answer in answers] == ["ok"] * 20 + ["error"] * 3
        assert {(answer["code"], answer["retry_after"]) for answer in answers[20:]} == {
            ("rate_limited", 0.1)
        }
        strict.clock.now += answers[-1]["retry_after"]
        assert [answer["t"] for answer in await burst(device, room, 2)] == ["ok", "error"]


async def test_all_connections_of_an_account_draw_on_one_bucket(serve: Serve) -> None:
    async with serve(commands_per_connection_second=100, commands_per_account_second=10) as strict:
        ada = await strict.site.person()
        first, second = await strict.site.device(ada), await strict.site.device(ada)
        room = await room_of(first)
        strict.clock.now += 60
        assert {answer["t"] for answer in await burst(first, room, 20)} == {"ok"}
        assert await second.refused("send", room=room, body="more") == "rate_limited"
        other, elsewhere = await strict.somebody()
        await other.do("send", room=elsewhere, body="not mine")
        # A connection that is new finds them as they were left.
        second.abort()
        assert await (await strict.site.device(ada)).refused("leave", room=room) == "rate_limited"


async def test_all_connections_of_an_address_draw_on_one_bucket(serve: Serve) -> None:
    async with serve(commands_per_ip_second=10) as strict:
        people = await strict.site.people("ada", "bob", "eve")
        first, second, elsewhere = [
            await strict.site.device(person, **came_from(address))
            for person, address in zip(people, (HOME, HOME, WORK), strict=True)
        ]
        room = await room_of(first, *people[1:])
        strict.clock.now += 60
        assert {answer["t"] for answer in await burst(first, room, 20)} == {"ok"}
        assert await second.refused("send", room=room, body="more") == "rate_limited"
        await elsewhere.do("send", room=room, body="not from there")


async def test_who_does_not_heed_it_is_closed_and_nobody_else(serve: Serve) -> None:
    async with serve(commands_per_connection_second=10) as strict:
        ada, bob = await strict.site.people("ada", "bob")
        hasty, calm = await strict.site.device(ada), await strict.site.device(bob)
        room = await room_of(calm, ada)
        strict.clock.now += 60
        command = hasty.framed({"t": "send", "id": 7, "room": room, "body": "!"})
        hasty.socket.write(command * 400)
        closed = await hasty.closed()
        assert closed.code == close.RATE_LIMITED.code
        assert close.delay_of(closed.reason) == 5.0
        await calm.do("send", room=room, body="where were we?")
        back = await strict.site.device(ada, cursors={room: 0})
        seqs = [event["seq"] for event in await back.up_to(room, 22)]
        assert seqs == list(range(1, 23))  # created, twenty of the hasty one's, and the calm one's


async def test_rest_draws_on_the_account_s_bucket(serve: Serve) -> None:
    async with serve(commands_per_account_second=10) as strict:
        ada, bob = await strict.site.people("ada", "bob")
        statuses = [(await strict.get("/api/v1/me", ada.bearer)).status_code for _ in range(4)]
        assert statuses == [200] * 4
        refused = await strict.get("/api/v1/me", ada.bearer)
        assert refused.status_code == 429
        assert refused.json()["error"]["code"] == "rate_limited"
        assert refused.json()["error"]["retry_after"] == 0.5
        assert refused.headers["Retry-After"] == "1"
        assert (await strict.get("/api/v1/me", bob.bearer)).status_code == 200
        device = await strict.site.connect()
        await device.hello(ada.token)
        assert await device.refused("join", room="1") == "rate_limited"
        strict.clock.now += 0.5
        assert (await strict.get("/api/v1/me", ada.bearer)).status_code == 200


async def test_rest_draws_on_the_address_s_bucket_with_or_without_a_token(serve: Serve) -> None:
    async with serve(commands_per_ip_second=10) as strict:
        path, home = "/api/v1/accounts", came_from(HOME)["headers"]
        statuses = [(await strict.get(path, home)).status_code for _ in range(5)]
        assert statuses == [401] * 4 + [429]
        ada = await strict.site.person()
        assert (await strict.get("/api/v1/me", home | ada.bearer)).status_code == 429
        assert (await strict.get("/api/v1/me", ada.bearer)).status_code == 200
        assert (await strict.get("/healthz", home)).status_code == 200


# --- bytes ---------------------------------------------------------------------------------------


async def test_who_sends_too_many_bytes_is_read_no_more_while_the_others_go_on(
    serve: Serve,
) -> None:
    limits = {"bytes_per_connection_second": 20_000, "commands_per_connection_second": 0}
    async with serve(**limits) as strict:
        flood, room = await strict.somebody()
        calm, elsewhere = await strict.somebody()
        # 160,000 bytes, of which 40,000 may come at once.
        ids = [flood.tell("send", room=room, body="*" * 8_000) for _ in range(20)]
        (connection,) = await paused(strict, 1)
        taken = strict.gateway.traffic.messages_in
        for number in range(50):
            answer = await calm.do("send", room=elsewhere, body="calmly")
            assert answer["seq"] == number + 2
        assert connection.reading_paused
        assert strict.gateway.traffic.messages_in == taken + 50
        answers = await strict.as_time_goes_by(*map(flood.answer, ids))
        assert [answer["seq"] for answer in answers] == list(range(2, 2 + len(ids)))


async def paused(strict: Strict, count: int) -> list[object]:
    """The connections that are paused, once there are so many."""

    def found() -> list[object]:
        return [each for each in strict.gateway.connections if each.reading_paused]

    await strict.until(lambda: len(found()) == count)
    return found()


async def test_a_connection_that_is_not_read_is_not_taken_for_dead(serve: Serve) -> None:
    limits = {"bytes_per_connection_second": 100, "commands_per_connection_second": 0}
    async with serve(**limits) as strict:
        flood, room = await strict.somebody()
        # 16 KiB or more are read at once: the pause is longer than four heartbeats.
        flood.socket.write(frame(Opcode.PONG, b"*" * 120) * 500)
        await paused(strict, 1)
        last = flood.tell("send", room=room, body="still here")
        for _ in range(4):
            strict.site.turn(HEARTBEAT)
            while (await flood.socket.receive()).opcode != Opcode.PING:
                pass
        assert not (await strict.site.fetch("SELECT FROM room_events WHERE body = 'still here'"))
        strict.clock.now += 3_600
        (answer,) = await strict.as_time_goes_by(flood.answer(last))
        assert answer["t"] == "ok"


async def test_bytes_of_an_account_and_of_an_address_are_counted_together(serve: Serve) -> None:
    for limit in ("bytes_per_account_second", "bytes_per_ip_second"):
        async with serve(**{limit: 10_000}) as strict:
            ada = await strict.site.person()
            devices = [await strict.site.device(ada) for _ in range(2)]
            for device in devices:  # 16 KiB each, of 20,000 that may come at once
                device.socket.write(frame(Opcode.PONG, b"*" * 125) * 130)
            await paused(strict, 1)


# --- connections ---------------------------------------------------------------------------------


async def test_an_account_has_so_many_connections(serve: Serve) -> None:
    async with serve(connections_per_account=2) as strict:
        ada, bob = await strict.site.people("ada", "bob")
        first, second = await strict.site.device(ada), await strict.site.device(ada)
        third = await strict.site.connect()
        refusal = await third.hello(ada.token)
        assert refusal["code"] == "too_many_connections"
        assert "2 connections" in refusal["message"]
        closed = await third.closed()
        assert closed.code == close.TOO_MANY_CONNECTIONS.code
        assert close.delay_of(closed.reason) == refusal["retry_after"]
        assert 1.0 <= refusal["retry_after"] <= 6.0
        await first.do("read_all")
        await second.do("read_all")
        await strict.site.device(bob)
        connections = strict.gateway.traffic.connections
        first.abort()
        await strict.until(lambda: strict.gateway.traffic.connections < connections)
        await strict.site.device(ada)
        assert await strict.refusals() == {"account's connections": 1}


async def test_an_account_says_hello_so_often_a_minute(serve: Serve) -> None:
    async with serve(connects_per_account_minute=3) as strict:
        ada, bob = await strict.site.people("ada", "bob")
        for _ in range(3):
            (await strict.site.device(ada)).abort()
        again = await strict.site.connect()
        refusal = await again.hello(ada.token)
        assert refusal["code"] == "rate_limited"
        assert refusal["retry_after"] >= 20.0
        closed = await again.closed()
        assert closed.code == close.RATE_LIMITED.code
        assert close.delay_of(closed.reason) == refusal["retry_after"]
        await strict.site.device(bob)
        strict.clock.now += 20
        await strict.site.device(ada)
        assert await strict.refusals() == {"account's connects": 1}


async def test_an_address_has_so_many_connections(serve: Serve) -> None:
    async with serve(connections_per_ip=2) as strict:
        first = await strict.site.connect(**came_from(HOME))
        await strict.site.connect(**came_from(HOME))
        rejected = await strict.rejected(**came_from(HOME))
        assert rejected.status == 429
        assert 1 <= int(rejected.headers["retry-after"]) <= 6
        assert "2 connections" in rejected.body
        await strict.site.connect(**came_from(WORK))
        connections = strict.gateway.traffic.connections
        first.abort()
        await strict.until(lambda: strict.gateway.traffic.connections < connections)
        await strict.site.connect(**came_from(HOME))
        assert await strict.refusals() == {"address's connections": 1}


async def test_a_handshake_that_fails_takes_no_place(serve: Serve) -> None:
    async with serve(connections_per_ip=1) as strict:
        for _ in range(3):
            with pytest.raises(Rejected) as rejected:
                await strict.site.socket("/ws", subprotocol="plaza.v9.xml")
            assert rejected.value.status == 400
            await strict.until(lambda: strict.gateway.traffic.connections == 0)
        await strict.site.connect()


async def test_an_address_connects_so_often_a_minute(serve: Serve) -> None:
    async with serve(connects_per_ip_minute=3) as strict:
        for _ in range(3):
            (await strict.site.connect(**came_from(HOME))).abort()
        rejected = await strict.rejected(**came_from(HOME))
        assert rejected.status == 429
        assert int(rejected.headers["retry-after"]) >= 20
        await strict.site.connect(**came_from(WORK))
        strict.clock.now += 20
        await strict.site.connect(**came_from(HOME))


# --- a process that is behind --------------------------------------------------------------------


def check_overloaded(rejected: Rejected) -> None:
    assert rejected.status == 503
    assert 1 <= int(rejected.headers["retry-after"]) <= 6


async def test_nobody_comes_in_while_the_loop_is_late(serve: Serve) -> None:
    async with serve(loop_lag_ms=60_000) as strict:
        device, room = await strict.somebody()
        pressure = strict.gateway.admission.pressure
        for _ in range(2):
            pressure.lagged(61.0)
        check_overloaded(await strict.rejected())
        await device.do("send", room=room, body="I am in already")
        assert (await strict.get("/healthz")).status_code == 200
        for _ in range(2):
            pressure.lagged(0.0)
        await strict.site.connect()
        assert await strict.refusals() == {"lag": 1}


async def test_nobody_comes_in_while_the_log_is_behind(serve: Serve) -> None:
    async with serve(log_queue=8) as strict:
        device, room = await strict.somebody()
        connection = await asyncpg.connect(strict.site.database.dsn)
        async with connection.transaction():
            await connection.execute("LOCK TABLE rooms IN ACCESS EXCLUSIVE MODE")
            ids = [device.tell("send", room=room, body="first")]
            await strict.until(lambda: strict.gateway.traffic.messages_in == 3)
            await strict.until(lambda: len(strict.site.plaza.log) == 0)  # it waits for the lock
            ids += [device.tell("send", room=room, body="later") for _ in range(5)]
            await strict.until(lambda: len(strict.site.plaza.log) == 5)
            check_overloaded(await strict.rejected())
        await connection.close()
        assert [(await device.answer(identifier))["t"] for identifier in ids] == ["ok"] * 6
        await strict.site.connect()
        assert await strict.refusals() == {"queue": 1}


async def test_nobody_comes_in_while_too_many_wait_for_ready(serve: Serve) -> None:
    async with serve(arriving=2) as strict:
        people = await strict.site.people("ada", "bob", "eve")
        devices = [await strict.site.connect() for _ in people]
        connection = await asyncpg.connect(strict.site.database.dsn)
        async with connection.transaction():
            await connection.execute("LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE")
            for device, person in zip(devices, people, strict=True):
                device.tell("hello", token=person.token)
            await strict.until(lambda: strict.gateway.admission.arriving == 3)
            check_overloaded(await strict.rejected())
        await connection.close()
        assert [(await device.answer(1))["t"] for device in devices] == ["ready"] * 3
        assert strict.gateway.admission.arriving == 0
        await strict.site.connect()
