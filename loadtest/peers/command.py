"""`plaza loadtest peers`: Plaza and its peers, compared in one run."""

import asyncio
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime

import uvloop
from rich.console import Console

from loadtest.figures import environment
from loadtest.interruption import Ended, heeded
from loadtest.peers.contest import Contest
from loadtest.peers.contestant import FIRST
from loadtest.peers.outcome import figures
from loadtest.peers.peer import Peer
from loadtest.peers.roster import chosen
from loadtest.peers.scale import FULL, SMALL, Scale
from loadtest.process import raise_file_limit
from loadtest.report.model import Report

NAME = "peers"
QUESTION = "What does it cost Plaza, and what does it cost others?"


class BadScale(ValueError):
    """Nothing can be measured with these numbers. The text says what to do."""


def run(
    *,
    only: Sequence[str] = (),
    rounds: int | None = None,
    members: int | None = None,
    small: bool = False,
    console: Console | None = None,
) -> Report:
    """Compare, and report. The first Ctrl-C ends it with what has been found so far.

    Args:
        only: names of peers; Plaza always takes part. None: all.
        rounds: samples of each figure; None: as many as the scale has.
        members: of the room; likewise.
        small: some seconds, to see that all works.
        console: gets words about what is not installed and how it goes; None: standard error.

    Raises:
        UnknownPeer: there is none of a name.
        BadScale: there is nothing to measure.
        Ended: there was a second Ctrl-C, or SIGTERM; all servers have been stopped.
    """
    peers = chosen(only)
    scale = scaled(SMALL if small else FULL, rounds=rounds, members=members)
    console = console or Console(stderr=True)
    raise_file_limit()
    status = console.status("") if console.is_terminal else nullcontext()
    with status as shown:
        progress = shown.update if shown is not None else lambda _: None
        try:
            return uvloop.run(_heeding_signals(peers, scale, progress, console.print))
        except asyncio.CancelledError:
            raise Ended("It was told twice to end, or to end at once.") from None


async def _heeding_signals(
    peers: Sequence[Peer],
    scale: Scale,
    progress: Callable[[str], object],
    tell: Callable[[str], object],
) -> Report:
    ended = asyncio.Event()
    with heeded(ended):
        return await compared(peers, scale, ended=ended, progress=progress, tell=tell)


def scaled(scale: Scale, *, rounds: int | None, members: int | None) -> Scale:
    """A scale with other numbers.

    Raises:
        BadScale: there is nothing to measure.
    """
    if rounds is not None:
        scale = scale._replace(rounds=rounds)
    if members is not None:
        scale = scale._replace(members=members)
    if scale.rounds < 1:
        raise BadScale(f"--rounds {scale.rounds}: at least 1 is needed.")
    if scale.members <= FIRST:
        raise BadScale(f"--members {scale.members}: at least {FIRST + 1} are needed.")
    return scale


async def compared(
    peers: Sequence[Peer],
    scale: Scale,
    *,
    ended: asyncio.Event,
    progress: Callable[[str], object],
    tell: Callable[[str], object],
) -> Report:
    """Compare those that are installed.

    Args:
        ended: set when it is to end now, with what has been found.
        progress: is told what is being done.
        tell: is told of each peer that is not installed, and how it gets there.
    """
    began, clock = datetime.now(UTC), time.monotonic()
    server = {peer.name: _described(peer) for peer in peers}
    for peer in peers:
        if not peer.is_installed():
            tell(f"{peer.name} is {server[peer.name]}")
    contest = Contest([peer for peer in peers if peer.is_installed()], scale, progress)
    await contest.run(ended)
    return Report(
        question=QUESTION,
        name=NAME,
        command=shlex.join(["plaza", *sys.argv[1:]]),
        began=began.isoformat(timespec="seconds").replace("+00:00", "Z"),
        seconds=time.monotonic() - clock,
        environment=environment(),
        server=server,
        scenario=scale._asdict(),
        figures=figures(contest.rounds),
        violations=contest.violations,
        interrupted=contest.interrupted,
    )


def _described(peer: Peer) -> str:
    return peer.version() if peer.is_installed() else f"not installed. {peer.hint}"
