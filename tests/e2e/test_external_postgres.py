"""An external Postgres, of an older version than the embedded one, reached by TCP and password."""

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from persistence.database import Database
from persistence.migrate import migrate
from tests.e2e.site import serving

PASSWORD = "only for this test"

_found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))

pytestmark = [
    pytest.mark.soak,  # not for its time: Debian's Postgres is there where .ci/run has been
    pytest.mark.skipif(not _found, reason="Debian's postgresql is not installed; see .ci/run"),
]


class Cluster:
    """A Postgres of Debian's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.dsn = f"postgresql://plaza:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{self.port}/plaza"

    async def create(self) -> None:
        (self._folder / "password").write_text(PASSWORD)
        if os.geteuid() == 0:
            shutil.chown(self._folder, "postgres")
            shutil.chown(self._folder / "password", "postgres")
        files, password = self._folder / "files", self._folder / "password"
        await self._run("initdb", "-D", files, "-U", "plaza", f"--pwfile={password}", "-A", "md5")
        await self.start()
        admin = await asyncpg.connect(self.dsn.removesuffix("plaza") + "postgres")
        await admin.execute("CREATE DATABASE plaza")
        await admin.close()

    async def start(self) -> None:
        options = f"-p {self.port} -k {self._folder}"
        await self._pg_ctl("-o", options, "-l", self._folder / "log", "-w", "start")

    async def stop(self) -> None:
        await self._pg_ctl("-m", "fast", "-w", "stop")

    async def _pg_ctl(self, *arguments: object) -> None:
        await self._run("pg_ctl", "-D", self._folder / "files", *arguments)

    async def _run(self, program: str, *arguments: object) -> None:
        await asyncio.to_thread(
            subprocess.run,
            [_found[-1] / program, *map(str, arguments)],
            check=True,
            stdout=subprocess.DEVNULL,
            user=pwd.getpwnam("postgres").pw_uid if os.geteuid() == 0 else None,
        )


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="plaza-external-", dir="/tmp"))
    external = Cluster(folder)
    await external.create()
    yield external
    await external.stop()
    shutil.rmtree(folder)


async def test_chat_on_an_external_postgres_that_restarts(cluster: Cluster) -> None:
    connection = await asyncpg.connect(cluster.dsn)
    await migrate(connection)
    assert 14 <= connection.get_server_version().major < 18
    await connection.close()
    async with serving(cluster.dsn) as site:
        ada, bob = await site.people("ada", "bob")
        first, second = await site.device(ada), await site.device(bob, "msgpack")
        created = await first.do("create", kind="group", title="Team", members=[bob.id])
        room = created["room"]["id"]
        sent = await first.do("send", room=room, body=f"hi @{bob.username}", nonce="n1")
        await second.do("react", room=room, seq=sent["seq"], emoji="👋")
        await first.do("edit", room=room, seq=sent["seq"], body="hello")

        await cluster.stop()
        assert await first.refused("send", room=room, body="anyone?", nonce="n2") == "unavailable"
        await cluster.start()
        async with asyncio.timeout(10):
            while not await site.database.ready() or not site.plaza.log.is_open:
                await asyncio.sleep(0.05)
        assert (await first.do("send", room=room, body="anyone?", nonce="n2"))["seq"] == 5
        events = (await second.do("history", room=room))["events"]
        assert [event["seq"] for event in events] == [1, 2, 3, 4, 5]
        assert events[1]["body"] == "hello"
        assert events[1]["reactions"] == [{"emoji": "👋", "accounts": [bob.id]}]


async def test_a_database_that_is_too_old_is_refused(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("persistence.database.OLDEST_SERVER", 99)
    with pytest.raises(Exception, match="Plaza needs 99 or newer"):
        await Database.open(cluster.dsn)
