"""What a process uses, seen from outside."""

import os
import sys
import time

import pytest

from loadtest.process import StartFailed, cpu_seconds, launched, resident_bytes, tree_cpu_seconds

READY = "print('Listening on http://127.0.0.1:1', flush=True);"


def test_the_clock_is_the_process_s_own() -> None:
    before = time.process_time()
    seen = cpu_seconds(os.getpid())
    assert before <= seen <= time.process_time()


async def test_a_tree_includes_children_that_have_ended() -> None:
    work = "import time\nwhile time.process_time() < 0.1: pass"
    script = (
        "import signal, subprocess, sys;"
        f"subprocess.run([sys.executable, '-c', {work!r}]); {READY} signal.pause()"
    )
    async with launched([sys.executable, "-c", script]) as (pid, url):
        assert url == "http://127.0.0.1:1"
        assert tree_cpu_seconds(pid) >= 0.05
        assert resident_bytes(pid) > 1_000_000


async def test_a_server_that_ends_before_it_is_ready() -> None:
    with pytest.raises(StartFailed):
        async with launched([sys.executable, "-c", "pass"]):
            pass
