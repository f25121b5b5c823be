"""Others' servers run while the block does, with their children, and no longer."""

import socket
import sys

import psutil
import pytest

from loadtest.peers.foreground import foreground, free_port
from loadtest.process import StartFailed

PARENT = """
import subprocess, sys
subprocess.run([sys.executable, "-m", "http.server", "--bind", "127.0.0.1", sys.argv[1]])
"""


async def test_the_whole_family_ends() -> None:
    port = free_port()
    async with foreground([sys.executable, "-c", PARENT, str(port)], port) as pids:
        assert len(pids) == 2
        family = [psutil.Process(pid) for pid in pids]
        assert all(map(runs, family))
    assert not any(map(runs, family))
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_what_does_not_start_is_quoted() -> None:
    program = "import sys; sys.exit('There is no such file.')"
    with pytest.raises(StartFailed, match="There is no such file"):
        async with foreground([sys.executable, "-c", program], free_port()):
            pass
