"""Processes that do what they are told."""

import pytest

from loadtest.live.orders import Join, Look, Publish, Seen, Sent, Watch
from loadtest.swarm import Violation
from loadtest.worker import started

NOWHERE = "http://127.0.0.1:1/none"


async def test_a_worker_answers() -> None:
    async with started("loadtest.live.viewers") as worker:
        outcome = await worker.ask(Look(), Seen)
        assert (outcome.packets, outcome.connected) == (0, 0)
        outcome = await worker.ask(Join([Watch(NOWHERE, "token")]), Seen)
    assert (outcome.refused, outcome.connected, len(outcome.problems)) == (1, 0, 1)


async def test_what_it_does_not_understand_ends_it() -> None:
    async with started("loadtest.live.publisher") as worker:
        outcome = await worker.ask(Publish(NOWHERE, "key"), Sent)
        assert (outcome.publishing, len(outcome.problems)) == (0, 1)
        with pytest.raises(Violation, match="has ended"):
            await worker.ask(Look(), Sent)
