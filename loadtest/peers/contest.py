"""Plaza and its peers, given the same work in turns, so that what the machine does meanwhile hits
all of them alike.

In each round all are started afresh and their rooms filled; then each does the first piece of work,
then each the second, and so on; then all are stopped. A round gives one sample of each figure. A
peer that loses or doubles something, or ends, is out of the contest, and the report says why.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import NamedTuple, TypeVar

from loadtest.interruption import Ended, ending
from loadtest.peers.contestant import WORKS, Contestant, enter
from loadtest.peers.peer import Peer
from loadtest.peers.scale import Scale
from loadtest.process import StartFailed
from loadtest.swarm import Violation

T = TypeVar("T")


class Key(NamedTuple):
    """What a sample is of.

    Attributes:
        peer: whose.
        work: what it did; empty for what does not depend on that.
        measure: as in the names of figures.
    """

    peer: str
    work: str
    measure: str


class Contest:
    """Takes samples, round by round.

    Args:
        peers: who takes part.
        scale: how much is measured.
        progress: is told what is being done, in words.

    Attributes:
        rounds: the samples of each.
        violations: who did what must not be, in words.
        interrupted: whether it was ended before its time; what was found until then is there.
    """

    def __init__(
        self, peers: Sequence[Peer], scale: Scale, progress: Callable[[str], object]
    ) -> None:
        self._peers = list(peers)
        self._scale = scale
        self._progress = progress
        self.rounds: list[dict[Key, float]] = []
        self.violations: list[str] = []
        self.interrupted = False

    async def run(self, ended: asyncio.Event) -> None:
        """All rounds.

        Args:
            ended: set when it is to end now, with what has been found.
        """
        try:
            async with ending(ended):
                for number in range(1, self._scale.rounds + 1):
                    self.rounds.append({})
                    await self._round(f"Round {number} of {self._scale.rounds}")
        except Ended:
            self.interrupted = True

    async def _round(self, title: str) -> None:
        async with AsyncExitStack() as stack:
            entered: list[Contestant] = []
            for peer in list(self._peers):
                self._progress(f"{title}: {peer.name} starts")
                contestant = await self._try(peer.name, enter(stack, peer, self._scale))
                if contestant is not None:
                    entered.append(contestant)
            for work in WORKS:
                for contestant in entered:
                    if self._takes_part(contestant.name):
                        self._progress(f"{title}: {contestant.name}, {work or 'memory'}")
                        await self._sample(contestant, work)
            for contestant in entered:
                if self._takes_part(contestant.name):
                    await self._try(contestant.name, contestant.leaves())

    async def _sample(self, contestant: Contestant, work: str) -> None:
        found = await self._try(contestant.name, contestant.does(work, self._scale))
        for measure, value in (found or {}).items():
            self.rounds[-1][Key(contestant.name, work, measure)] = value

    async def _try(self, name: str, doing: Awaitable[T]) -> T | None:
        try:
            return await doing
        except (Violation, StartFailed, TimeoutError, OSError) as error:
            self.violations.append(f"{name}: {error or type(error).__name__}")
            self._peers = [peer for peer in self._peers if peer.name != name]
            return None

    def _takes_part(self, name: str) -> bool:
        return any(peer.name == name for peer in self._peers)
