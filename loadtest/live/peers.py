"""The processes of light publishers and viewers, from the harness' side."""

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from msgspec import Struct

from loadtest.live.orders import Join, Look, Publish, Rest, Seen, Send, Sent, Tell, Watch
from loadtest.scenario import Load
from loadtest.swarm import Violation
from loadtest.target import Target, TargetError, Vitals
from loadtest.worker import Outcome, Worker, started

# Viewers that a process has connect before it says how that went.
JOINING = 20
_PROCESSES_MOST = 8


class Told(Struct):
    """What the processes, and the server, said at a moment.

    Attributes:
        seen: of each process of viewers.
    """

    sent: Sent
    seen: list[Seen]
    vitals: Vitals

    @property
    def connected(self) -> int:
        """Viewers that are."""
        return sum(one.connected for one in self.seen)

    @property
    def missing(self) -> int:
        """Numbers that were left out."""
        return sum(one.missing for one in self.seen)

    def cpu(self) -> list[float]:
        """Seconds, of each process."""
        return [self.sent.cpu, *(one.cpu for one in self.seen)]


class Peers:
    """All of them: one process of publishers, and some of viewers. Made by `opened`.

    Each method raises TargetError when a process has ended.
    """

    def __init__(self, target: Target, publishers: Worker, audiences: Sequence[Worker]) -> None:
        self._target = target
        self._publishers = publishers
        self._audiences = audiences

    async def publish(self, order: Publish | Send) -> Sent:
        """Tell the publishers something."""
        return await _ask(self._publishers, order, Sent)

    async def join(self, viewers: Sequence[Watch], *, sample: int) -> list[Seen]:
        """Have some more watch; see `Join`."""
        share = len(self._audiences)
        orders = [Join(list(viewers[number::share]), sample) for number in range(share)]
        return await asyncio.gather(
            *(
                _ask(audience, order, Seen)
                for audience, order in zip(self._audiences, orders, strict=True)
            )
        )

    async def told(self, order: Tell | Rest) -> Told:
        """Ask everybody, and the server, at the same time."""
        vitals, sent, seen = await asyncio.gather(
            self._target.vitals(),
            _ask(self._publishers, order, Sent),
            asyncio.gather(*(_ask(audience, Look(), Seen) for audience in self._audiences)),
        )
        return Told(sent, seen, vitals)

    @property
    def at_once(self) -> int:
        """Viewers that are to be connected before one looks how that went."""
        return JOINING * len(self._audiences)


@asynccontextmanager
async def opened(target: Target, load: Load) -> AsyncIterator[Peers]:
    """Start the processes; on exit they have ended.

    Args:
        load: says how many processes of viewers.
    """
    cores = os.cpu_count() or 1
    count = max(1, min(load.processes or cores - 1, _PROCESSES_MOST))
    modules = ["loadtest.live.publisher", *["loadtest.live.viewers"] * count]
    async with AsyncExitStack() as stack:
        publishers, *audiences = [
            await stack.enter_async_context(started(module)) for module in modules
        ]
        yield Peers(target, publishers, audiences)


async def _ask(worker: Worker, order: Struct, outcome: type[Outcome]) -> Outcome:
    try:
        return await worker.ask(order, outcome)
    except Violation as violation:
        raise TargetError(f"{violation} Why, it has said on standard error.") from None
