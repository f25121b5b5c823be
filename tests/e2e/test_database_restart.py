"""The database goes away and comes back: who talks is told to try again, and nothing is lost."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import httpx
import pytest

from persistence.embedded import EmbeddedPostgres
from persistence.migrate import migrate
from protocol import close
from tests.e2e.process import ServerProcess
from tests.e2e.site import serving
from tests.e2e.talkers import Tally, check, gather


class Cluster:
    """A Postgres of the test's own, and what stops and starts it."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self.server = self._start()

    def _start(self) -> EmbeddedPostgres:
        return EmbeddedPostgres.start(self._data_dir, progress=lambda _: None)

    async def stop(self) -> None:
        await asyncio.to_thread(self.server.stop)

    async def start(self) -> None:
        self.server = await asyncio.to_thread(self._start)


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    # In /tmp itself: the database's user, when we are root, must be able to get there.
    data_dir = Path(tempfile.mkdtemp(prefix="plaza-restart-", dir="/tmp"))
    cluster = Cluster(data_dir)
    connection = await asyncpg.connect(cluster.server.dsn)
    await migrate(connection)
    await connection.close()
    yield cluster
    await cluster.stop()
    shutil.rmtree(data_dir)


async def _ready(http: httpx.AsyncClient, status: int) -> httpx.Response:
    """Wait until /readyz says so."""
    async with asyncio.timeout(20):
        while (response := await http.get("/readyz")).status_code != status:
            await asyncio.sleep(0.02)
    return response


async def test_an_outage_is_told_and_passes_by_itself(cluster: Cluster) -> None:
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(serving(cluster.server.dsn))
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=site.url))
        ada, bob = await site.people("ada", "bob")
        devices = [await site.device(ada, "json"), await site.device(bob, "msgpack")]
        created = await devices[0].do("create", kind="group", title="x", members=[bob.id])
        room = created["room"]["id"]
        for device in devices:
            assert (await device.event())["t"] == "room"
        assert (await http.get("/readyz")).status_code == 200

        await cluster.stop()
        said = await _ready(http, 503)
        details = said.json()["error"]["details"]
        assert {part for part, problem in details.items() if problem != "ok"} == {"database"}
        assert (await http.get("/healthz")).status_code == 200
        for number, device in enumerate(devices):
            message = {"room": room, "body": "anyone?", "nonce": f"n{number}"}
            for command in ({"t": "send", **message}, {"t": "history", "room": room}):
                answer = await device.ask(**command)
                assert answer["code"] == "unavailable"
                assert answer["retry_after"] > 0
        late = await site.connect()
        assert (await late.hello(ada.token))["code"] == "unavailable"
        assert (await late.closed()).code == close.UNAVAILABLE.code
        refused = await http.get("/api/v1/rooms", headers=ada.bearer)
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "unavailable"
        assert int(refused.headers["retry-after"]) > 0

        await cluster.start()
        await _ready(http, 200)
        # On the connections of before, which nobody has closed.
        for number, device in enumerate(devices):
            sent = await device.do("send", room=room, body="anyone?", nonce=f"n{number}")
            assert sent["seq"] == number + 2
        for device in devices:
            events = await device.up_to(room, 3)
            assert [event["t"] for event in events] == ["message", "message"]


DEATHS = {
    "stopped": lambda server: os.kill(server.postmaster, signal.SIGINT),
    "killed": lambda server: os.killpg(server.postmaster, signal.SIGKILL),
}


async def test_nothing_is_lost_when_the_database_dies_under_load(server: ServerProcess) -> None:
    """The server starts it again, and nobody's connection is lost by it."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=server.url))
        tally = Tally()
        talkers = await gather(server, 10, tally, stack)
        connected = tally.connected
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            listening = [tasks.create_task(talker.listen()) for talker in talkers]
            talking = [tasks.create_task(talker.talk()) for talker in talkers]
            for death in DEATHS.values():
                await tally.reach(tally.acknowledged + 100)
                death(server)
                await _ready(http, 503)
                await _ready(http, 200)
            await tally.reach(tally.acknowledged + 100)
            for talker in talkers:
                talker.stop()
            await asyncio.wait(talking)
            await check(talkers, server)
            for task in listening:
                task.cancel()
        assert tally.connected == connected
