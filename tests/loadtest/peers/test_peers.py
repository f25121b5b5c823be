"""Every peer that is installed does the same work, exactly, and is gone afterwards.

What was measured is looked at no further than that it is there: it is this machine's business.
"""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
import pytest

from loadtest.deployment import Deployment
from loadtest.peers.clients import Clients
from loadtest.peers.contest import Contest
from loadtest.peers.contestant import ECHO, FAN_OUT, FLAT_OUT
from loadtest.peers.peer import Dialect, Peer, Server
from loadtest.peers.plaza import Plaza
from loadtest.peers.roster import everybody
from loadtest.peers.scale import SMALL
from loadtest.peers.text import DELIVERY

# By `make setup`.
INSTALLED = ("uWebSockets", "websockets")

SCALE = SMALL._replace(flat_out=64)


class Watched:
    """A peer whose processes are noted."""

    def __init__(self, peer: Peer) -> None:
        self.name, self.hint = peer.name, peer.hint
        self.is_installed, self.version = peer.is_installed, peer.version
        self._peer = peer
        self.family: set[psutil.Process] = set()

    @asynccontextmanager
    async def launched(self, members: int, /) -> AsyncIterator[Server]:
        async with self._peer.launched(members) as server:
            yield server
            for pid in server.pids:
                process = psutil.Process(pid)
                self.family |= {process, *process.children(recursive=True)}


def check(contest: Contest, name: str) -> None:
    assert contest.violations == []
    (samples,) = contest.rounds
    assert {key.work for key in samples} == {"", FLAT_OUT, *FAN_OUT, *ECHO}
    for key, value in samples.items():
        assert key.peer == name
        assert math.isfinite(value), key
        if not key.measure.startswith(("server.growth", "postgres.")):
            assert value > 0, key


OTHERS = [
    pytest.param(peer, id=peer.name, marks=[] if peer.name in INSTALLED else pytest.mark.soak)
    for peer in everybody()[1:]
]


@pytest.mark.parametrize("peer", OTHERS)
async def test_a_peer(peer: Peer) -> None:
    if not peer.is_installed():
        pytest.skip(f"{peer.name} is not installed. {peer.hint}")
    assert peer.version()
    watched = Watched(peer)
    contest = Contest([watched], SCALE, lambda _: None)
    await contest.run(asyncio.Event())
    check(contest, peer.name)
    assert watched.family
    assert not any(process.is_running() for process in watched.family)


async def test_plaza(deployment: Deployment) -> None:
    contest = Contest([Plaza(deployment)], SCALE, lambda _: None)
    await contest.run(asyncio.Event())
    check(contest, "plaza")


async def lengths(server: Server, dialect: Dialect) -> set[int]:
    """Of what a client gets for a message that it says."""
    found: set[int] = set()

    class Listening(type(dialect)):  # type: ignore[misc]
        def split(self, received: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
            payloads, rest = super().split(received)
            found.update(
                len(payload) for _, payload in payloads if self.text.number(payload) is not None
            )
            return payloads, rest

    dialect.__class__ = Listening
    clients = Clients(server.url, dialect)
    await clients.join(1)
    clients.members[0].write(dialect.frames(0, 0, 1))
    await clients.reached(2 if dialect.acknowledgement else 1)
    clients.abort()
    return found


async def test_deliveries_have_the_length_that_is_promised(deployment: Deployment) -> None:
    async with Plaza(deployment).launched(1) as server:
        (length,) = await lengths(server, server.room)
        assert length == DELIVERY - 3  # its seq has one digit, and most have four
