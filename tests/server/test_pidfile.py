"""How a server that runs is found, and one that is gone is not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from server.pidfile import PidFile, Running, running_in

HOLD = """
import sys
from pathlib import Path
from server.pidfile import PidFile
with PidFile(Path(sys.argv[1])) as pid_file:
    pid_file.announce("http://127.0.0.1:1")
    print("here", flush=True)
    sys.stdin.readline()
"""


def started(data_dir: Path) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, data_dir],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "here\n"
    return child


def end(child: subprocess.Popen[str]) -> None:
    child.communicate("\n")


def found(data_dir: Path) -> list[Running]:
    servers = running_in(data_dir)
    for server in servers:
        server.close()
    return [server.running for server in servers]


def test_nobody_runs(tmp_path: Path) -> None:
    assert found(tmp_path / "missing") == []


def test_servers_are_found_until_they_end(tmp_path: Path) -> None:
    first, second = started(tmp_path), started(tmp_path)
    assert {server.pid for server in found(tmp_path)} == {first.pid, second.pid}
    assert all(server.reachable for server in found(tmp_path))
    watched = next(server for server in running_in(tmp_path) if server.running.pid == first.pid)
    assert watched.look()
    end(first)
    assert not watched.look()
    watched.close()
    assert [server.pid for server in found(tmp_path)] == [second.pid]
    end(second)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_was_killed_is_not_found(tmp_path: Path) -> None:
    child = started(tmp_path)
    child.kill()
    child.communicate()
    assert len(list(tmp_path.iterdir())) == 1
    assert found(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_how_the_end_goes_can_be_watched(tmp_path: Path) -> None:
    with PidFile(tmp_path / "made") as pid_file:
        pid_file.draining(9, 9)  # nobody can know yet
        pid_file.announce("http://[::1]:8080")
        (watched,) = running_in(tmp_path / "made")
        assert watched.running.pid == os.getpid()
        assert watched.running.url == "http://[::1]:8080"
        pid_file.draining(1_000, 5_000)
        assert watched.look()
        assert (watched.running.left, watched.running.total) == (1_000, 5_000)
        pid_file.draining(0, 5_000)
        assert watched.look()
        assert watched.running.left == 0
    assert not watched.look()
    watched.close()


def test_an_id_of_another_container_means_nothing_here() -> None:
    assert not Running(pid=1, pids="pid:[1]", url="").reachable


def test_a_place_that_cannot_be_written_keeps_nobody_from_serving(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with capture_logs() as logs, PidFile(tmp_path / "file") as pid_file:
        pid_file.announce("http://127.0.0.1:8080")
        pid_file.draining(0, 1)
    assert [line["log_level"] for line in logs] == ["warning"]


def test_what_is_half_written_is_read_the_next_time(tmp_path: Path) -> None:
    with PidFile(tmp_path) as pid_file:
        pid_file.announce("http://127.0.0.1:8080")
        (watched,) = running_in(tmp_path)
        before = watched.running
        path = next(tmp_path.iterdir())
        whole = path.read_bytes()
        path.write_bytes(whole[:7])
        assert watched.look()
        assert watched.running == before
        path.write_bytes(whole)
    watched.close()


@pytest.fixture(autouse=True)
def _no_leftovers(tmp_path: Path) -> None:
    assert not list(tmp_path.glob("serve-*"))
