"""The command line: what it prints, and with which code it ends."""

import asyncio
import fcntl
import os
import signal
import socket
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import NamedTuple

import asyncpg
import httpx
import pytest

from persistence.embedded import EmbeddedPostgres
from persistence.migrate import migrations
from persistence.objects import ObjectStoreError
from server import cli, exits
from server.pidfile import PidFile, running_in

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without a plaza.toml."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plaza(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    code = ended.value.code
    return code if isinstance(code, int) else 0


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert plaza("version") == 0
    name, number = capsys.readouterr().out.split()
    assert name == "plaza"
    assert number[0].isdigit()


def test_config_shows_what_is_in_force(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAZA_SERVER__PORT", "9000")
    monkeypatch.setenv("PLAZA_DATABASE__URL", "postgresql://plaza:hunter2@db/plaza")
    assert plaza("config") == 0
    shown = capsys.readouterr().out
    assert "port = 9000" in shown
    assert "hunter2" not in shown


def test_help_lists_the_commands_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert plaza("--help") == 0
    shown = capsys.readouterr().out
    for command in ("serve", "drain", "account", "migrate", "config", "version", "chat"):
        assert command in shown
    for exit_ in exits.CATALOGUE:
        assert f"{exit_.code} {exit_.name}" in " ".join(shown.split())


def test_exit_codes_differ() -> None:
    codes = [exit_.code for exit_ in exits.CATALOGUE]
    assert codes == sorted(set(codes))


@pytest.mark.parametrize("wrong", [["serv"], ["serve", "--prot", "1"], ["serve", "--port", "x"]])
def test_a_misspelt_command_line(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert plaza(*wrong) == exits.USAGE.code
    assert capsys.readouterr().err


def test_a_wrong_setting(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "plaza.toml").write_text("[limits]\nmesage_bytes = 1\n")
    assert plaza("config") == exits.CONFIGURATION.code
    assert "Did you mean limits.message_bytes?" in capsys.readouterr().err


def test_a_store_that_is_none() -> None:
    failure = ObjectStoreError("uploads.store names no store: give the URL of a bucket.")
    assert exits.exit_of(failure) is exits.CONFIGURATION


def test_flags_are_settings(capsys: pytest.CaptureFixture[str]) -> None:
    assert plaza("serve", "--port", "70000") == exits.CONFIGURATION.code
    assert "server.port = 70000 (command line)" in capsys.readouterr().err


class Ended(NamedTuple):
    """A process and what it left."""

    code: int | None
    out: str
    error: str


async def started(*arguments: str) -> Process:
    command = [sys.executable, "-m", "server", *arguments]
    return await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE, stderr=PIPE)


async def serving(dsn: str, folder: Path) -> tuple[Process, str]:
    """A server that listens, and where."""
    server = await started(
        *("serve", "--port", "0", "--database-url", dsn, "--data-dir", str(folder))
    )
    assert server.stdout is not None
    line = (await server.stdout.readline()).decode()
    return server, line.removeprefix("Plaza is listening on ").strip()


async def process(*arguments: str) -> Ended:
    """Run plaza in a process of its own: it sets up a loop and the logs."""
    child = await started(*arguments)
    out, error = await child.communicate()
    return Ended(child.returncode, out.decode(), error.decode())


async def test_migrate_fills_an_empty_database(postgres: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(postgres.dsn)
    await connection.execute("CREATE DATABASE empty")
    dsn = postgres.dsn_of("empty")
    for steps in (1, 0):
        ended = await process("migrate", "--database-url", dsn)
        assert (ended.code, ended.out) == (0, "The schema is up to date.\n"), ended.error
        assert ended.error.count("0001_accounts_and_sessions") == steps
    await connection.execute("DROP DATABASE empty")
    await connection.close()


async def test_a_database_that_is_not_there(unused_tcp_port: int) -> None:
    url = f"postgresql://plaza:hunter2@127.0.0.1:{unused_tcp_port}/plaza"
    ended = await process("migrate", "--database-url", url)
    assert ended.code == exits.DATABASE.code
    assert ended.error.startswith("Error: The database cannot be reached")
    assert "hunter2" not in ended.error
    assert "Traceback" not in ended.error


async def test_a_database_from_the_future(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    version = migrations()[-1].version + 1
    await connection.execute(
        "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, 'future', '')", version
    )
    await connection.close()
    ended = await process("migrate", "--database-url", dsn)
    assert ended.code == exits.MIGRATION.code
    assert "newer plaza (migration future)" in ended.error


async def test_a_data_directory_that_is_a_file(folder: Path) -> None:
    (folder / "data").write_text("")
    ended = await process("migrate", "--data-dir", str(folder / "data"))
    assert ended.code == exits.EMBEDDED.code
    assert "--data-dir" in ended.error


async def test_a_data_directory_in_use(folder: Path) -> None:
    with (folder / "plaza.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711\n")
        lock.flush()
        ended = await process("serve", "--port", "0", "--data-dir", str(folder))
    assert ended.code == exits.EMBEDDED.code
    assert "in use by another plaza (process 4711)" in ended.error


async def test_a_port_in_use(dsn: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        ended = await process("serve", "--port", port, "--database-url", dsn)
    assert ended.code == exits.ADDRESS.code
    assert f"Port {port} of 127.0.0.1 is taken" in ended.error
    assert ended.out == ""


async def test_a_media_port_in_use(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:  # such as another plaza's
        other.bind(("127.0.0.1", 0))
        port = str(other.getsockname()[1])
        monkeypatch.setenv("PLAZA_MEDIA__PORT", port)
        ended = await process("serve", "--port", "0", "--database-url", dsn)
    assert ended.code == exits.ADDRESS.code
    assert f"The media port {port} of 127.0.0.1 (UDP and TCP) is taken" in ended.error
    assert "media.port" in ended.error
    assert "Traceback" not in ended.error


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_serve_says_where_and_stops_on_a_signal(
    dsn: str, folder: Path, stop: signal.Signals
) -> None:
    server, url = await serving(dsn, folder)
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{url}/healthz")).status_code == 200
    server.send_signal(stop)
    out, error = await server.communicate()
    assert (server.returncode, out) == (0, b""), error
    assert b"Traceback" not in error


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
async def test_a_start_that_waits_can_be_stopped(folder: Path, stop: signal.Signals) -> None:
    with (folder / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as a server does that never becomes ready
        server = await started("serve", "--port", "0", "--data-dir", str(folder))
        assert server.stderr is not None
        while b"Creating the database" not in await server.stderr.readline():
            pass
        server.send_signal(stop)
        out, error = await server.communicate()
    assert (server.returncode, out) == (exits.INTERRUPTED.code, b"")
    assert b"Traceback" not in error


async def test_drain_ends_a_server(dsn: str, folder: Path) -> None:
    server, _ = await serving(dsn, folder)
    ended = await process("drain", "--data-dir", str(folder))
    assert (ended.code, ended.out) == (0, ""), ended.error
    assert f"Draining process {server.pid}" in ended.error
    out, error = await server.communicate()
    assert (server.returncode, out) == (0, b""), error
    assert running_in(folder) == []


async def test_drain_asks_which_of_several_servers(dsn: str, folder: Path) -> None:
    first, first_url = await serving(dsn, folder)
    second, second_url = await serving(dsn, folder)
    ended = await process("drain", "--data-dir", str(folder))
    assert ended.code == exits.DRAIN.code
    assert f"{first.pid} at {first_url}" in ended.error
    assert f"{second.pid} at {second_url}" in ended.error
    for server in (first, second):
        ended = await process("drain", "--data-dir", str(folder), "--pid", str(server.pid))
        assert ended.code == 0, ended.error
        assert await server.wait() == 0


@pytest.mark.parametrize("pid", [[], ["--pid", "1"]])
async def test_drain_without_a_server(folder: Path, pid: list[str]) -> None:
    ended = await process("drain", "--data-dir", str(folder), *pid)
    assert ended.code == exits.DRAIN.code
    assert ended.error.startswith("Error: No server runs with the data directory")
    assert "--data-dir" in ended.error
    assert "Traceback" not in ended.error


def test_drain_of_what_is_not_ones_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr("os.kill", refuse)
    with PidFile(folder) as pid_file:
        pid_file.announce("http://127.0.0.1:8080")
        assert plaza("drain", "--data-dir", str(folder)) == exits.DRAIN.code
    assert "Do it as the user that it runs as" in capsys.readouterr().err


def test_drain_of_another_container(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with PidFile(folder) as pid_file:
        pid_file.announce("http://127.0.0.1:8080")
        monkeypatch.setattr("server.pidfile.namespace", lambda: "another")
        assert plaza("drain", "--data-dir", str(folder)) == exits.DRAIN.code
    assert "runs in another container" in capsys.readouterr().err


@pytest.mark.parametrize("drains", [False, True])
def test_drain_of_what_does_not_end(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], drains: bool
) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr("os.kill", lambda *signal_: sent.append(signal_))
    monkeypatch.setattr("server.drain_command.DATABASE_SECONDS", -20.0)
    with PidFile(folder) as pid_file:
        pid_file.announce("http://127.0.0.1:8080")
        if drains:
            pid_file.draining(1, 2)
        assert plaza("drain", "--data-dir", str(folder)) == exits.DRAIN.code
    # A second signal would make it hurry.
    assert sent == ([] if drains else [(os.getpid(), signal.SIGTERM)])
    assert "is still there after 0 s" in capsys.readouterr().err


async def test_chat_without_a_server(unused_tcp_port: int) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}"
    ended = await process("chat", url, "--username", "ada", "--password", "correct horse")
    assert ended.code == exits.CHAT.code
    assert ended.error.startswith("Error: ")
    assert "Traceback" not in ended.error


def test_what_nobody_foresaw_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli, "load", fail)
    with pytest.raises(ZeroDivisionError):
        cli.main(["config"])


def test_a_quick_command_does_not_load_the_server() -> None:
    program = "import server.cli, sys; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", program], text=True, cwd=ROOT).split()
    assert not {"asyncpg", "litestar", "uvicorn", "httpx", "server.app"} & set(loaded)
