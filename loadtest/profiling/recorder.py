"""Runs a profiler on the server's process, and gets the stacks from it."""

import asyncio
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from loadtest.profiling.stacks import Stacks, parse

_PY_SPY = Path(sys.executable).with_name("py-spy")
_MAY_NOT = re.compile(r"permission|not permitted|not allowed", re.IGNORECASE)
_PTRACE = (
    "{tool} may not look into the server. Run this as root; or allow it: "
    "`sysctl kernel.yama.ptrace_scope=0 kernel.perf_event_paranoid=1`, and in a container "
    "`--cap-add SYS_PTRACE --cap-add PERFMON`."
)
_KERNEL = re.compile(r"\[kernel|\[guest\.kernel|\.ko\b")


class NotRecorded(Exception):
    """There is no profile, and this is why."""


async def record_python(pid: int, *, seconds: int, rate: int, native: bool) -> Stacks:
    """Python's stacks, by py-spy; a function in C counts for the line that calls it.

    Args:
        pid: of the server.
        rate: samples a second.
        native: whether the frames of C are wanted, too. The server is then stopped for each sample,
            and what it does in the kernel seems to take longer than it does; without, a stack that
            changes while it is read is left out instead.

    Raises:
        NotRecorded: it is not installed, or the kernel forbids it.
    """
    if not _PY_SPY.exists():
        raise NotRecorded("py-spy is not installed: `make setup` does that.")
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "stacks"
        await _run(
            *("py-spy", str(_PY_SPY), "record", "--format", "raw", "--output", str(output)),
            *("--native" if native else "--nonblocking", "--pid", str(pid)),
            *("--duration", str(seconds), "--rate", str(rate)),
        )
        return parse(output.read_text())


async def record_c(pids: Sequence[int], output: Path, *, seconds: int, rate: int) -> None:
    """Have perf look at C: at the kernel, and at what of the rest has frame pointers.

    Args:
        pids: of the server and of its database's processes.
        output: for `read_c`.
        rate: samples a second.

    Raises:
        NotRecorded: it is not installed, or the kernel forbids it.
    """
    await _run(
        *("perf", _perf(), "record", "--freq", str(rate), "--call-graph", "fp"),
        *("--output", str(output), "--pid", ",".join(map(str, pids)), "--", "sleep", str(seconds)),
    )


async def read_c(output: Path) -> Stacks:
    """The stacks that perf has recorded: takes longer than recording them."""
    fields = "comm,ip,sym,dso"
    return parse_script(
        await _run("perf", _perf(), "script", "--input", str(output), "--fields", fields)
    )


def _perf() -> str:
    perf = shutil.which("perf")
    if perf is None:
        raise NotRecorded("perf is not installed: `apt-get install linux-perf` does that.")
    return perf


def parse_script(listing: str) -> Stacks:
    """Fold what `perf script --fields comm,ip,sym,dso` prints.

    It has a block for each sample: the command's name, and a line for each frame, the innermost
    first. Frames without a name are left out, as the stack stops making sense there.
    """
    stacks: Stacks = Counter()
    for block in listing.split("\n\n"):
        command, *lines = block.strip("\n").splitlines() or [""]
        if not command.strip():
            continue
        frames = []
        for line in lines:
            _, _, frame = line.strip().partition(" ")
            symbol, _, place = frame.rpartition(" (")
            if symbol and symbol != "[unknown]":
                library = "kernel" if _KERNEL.search(place) else Path(place.rstrip(")")).name
                frames.append(f"{symbol.partition('+0x')[0]} ({library})")
        stacks[(command.strip(), *reversed(frames))] += 1
    return stacks


async def _run(tool: str, *command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if process.returncode:
        words = err.decode(errors="replace").strip()
        if _MAY_NOT.search(words):
            raise NotRecorded(_PTRACE.format(tool=tool))
        raise NotRecorded(f"{tool} ended with {process.returncode}: {words}")
    return out.decode(errors="replace")
