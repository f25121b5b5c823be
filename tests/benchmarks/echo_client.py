"""The independent client: compiles echo_client.c and runs it."""

import asyncio
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).with_name("echo_client.c")
BUILT = Path("build/echo_client")


class Unfit(Exception):
    """There is no compiler, or the client found something amiss."""


class Echoes(NamedTuple):
    """What a client has found, of the messages of the measured seconds.

    Attributes:
        measured: how many came back.
        lost: how many that were ever sent did not.
        wrong: were not what was sent, or not in order.
        p50, p99: milliseconds from the time at which they were due.
        client, server: share of a core.
    """

    measured: int
    lost: int
    wrong: int
    p50: float
    p99: float
    client: float
    server: float


class Work(NamedTuple):
    """What a client is to do.

    Attributes:
        rate: messages a second of all connections; 0: as fast as it goes.
        in_flight: then, of each connection.
        message_bytes: of a message.
        warm_up: seconds before it is measured.
        seconds: that are.
        stalls: whether the server is stopped now and then.
    """

    connections: int
    rate: float
    in_flight: int
    message_bytes: int
    warm_up: float
    seconds: float
    stalls: bool = False

    @property
    def name(self) -> str:
        """For people."""
        if not self.rate:
            return f"{self.in_flight} in flight"
        return f"{self.rate:,.0f}/s{', stalls' if self.stalls else ''}"


class Scale(NamedTuple):
    """How much to measure.

    Attributes:
        connections: of either client.
        rates: messages a second, of all connections together.
        stalled: likewise, of a server that stalls.
        in_flight: of each connection, where it goes as fast as it goes.
        members: of the room.
        warm_up, seconds: of each measurement.
        rounds: of all of them.
    """

    connections: int
    rates: Sequence[float]
    stalled: float
    in_flight: int
    members: int
    warm_up: float
    seconds: float
    rounds: int


def works(scale: Scale, message_bytes: int) -> list[Work]:
    """At each rate, of a server that stalls, and as fast as it goes."""
    paces = [
        *((rate, 0, False) for rate in scale.rates),
        (scale.stalled, 0, True),
        (0.0, scale.in_flight, False),
    ]
    return [
        Work(
            *(scale.connections, rate, in_flight, message_bytes, scale.warm_up, scale.seconds),
            stalls=stalls,
        )
        for rate, in_flight, stalls in paces
    ]


async def compiled() -> Path:
    """Compile the client, where it is older than its source.

    Raises:
        Unfit: there is no compiler, or it did not like it.
    """
    if _is_built():
        return BUILT
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise Unfit("There is no C compiler: `apt-get install gcc libc6-dev` brings one.")
    BUILT.parent.mkdir(exist_ok=True)
    # Under a name of its own, so that another run never starts half a program.
    partial = BUILT.with_name(f"{BUILT.name}-{os.getpid()}")
    process = await asyncio.create_subprocess_exec(
        *(compiler, "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(partial), str(SOURCE))
    )
    if await process.wait():
        raise Unfit("The compiler has said what is amiss.")
    return partial.replace(BUILT)


def _is_built() -> bool:
    return BUILT.exists() and BUILT.stat().st_mtime > SOURCE.stat().st_mtime


async def run(port: int, server: int, work: Work) -> Echoes:
    """Have the client do it.

    Args:
        port: of the server, on this machine.
        server: its process id.

    Raises:
        Unfit: something is amiss; what, it has said on standard error.
    """
    words = (port, server, work.connections, work.rate, work.in_flight, *work[3:6])
    process = await asyncio.create_subprocess_exec(
        str(await compiled()), *map(str, words), stdout=asyncio.subprocess.PIPE
    )
    try:
        out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise Unfit("The client in C has found something amiss.")
    found = json.loads(out)
    return Echoes(
        measured=found["measured"],
        lost=found["sent"] - found["received"],
        wrong=found["forged"] + found["disordered"],
        p50=found["p50"],
        p99=found["p99"],
        client=found["client"],
        server=found["server"],
    )
