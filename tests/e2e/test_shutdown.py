"""SIGTERM while many talk: what was accepted is answered, and everybody is told to come back."""

import asyncio
from contextlib import AsyncExitStack

from plaza_client.link import State, Status
from protocol import close
from tests.e2e.process import ServerProcess
from tests.e2e.talkers import Tally, check, gather

PEOPLE = 10


async def test_sigterm_answers_what_was_accepted(server: ServerProcess) -> None:
    reasons: list[int | None] = []

    class Watch(Tally):
        def watch(self, status: Status) -> None:
            super().watch(status)
            if status.state is State.WAITING:
                reasons.append(getattr(status.error, "code", None))

    async with AsyncExitStack() as stack, asyncio.timeout(60):
        tally = Watch()
        talkers = await gather(server, PEOPLE, tally, stack)
        async with asyncio.TaskGroup() as tasks:
            listening = [tasks.create_task(talker.listen()) for talker in talkers]
            talking = [tasks.create_task(talker.talk()) for talker in talkers]
            await tally.reach(200)
            assert await server.stop() == 0
            told = reasons[:PEOPLE]
            await server.start()
            await tally.reach(tally.acknowledged + 100)
            for talker in talkers:
                talker.stop()
            await asyncio.wait(talking)
            await check(talkers, server)
            for task in listening:
                task.cancel()
    assert told == [close.RESTART.code] * PEOPLE
    assert "Traceback" not in server.errors()
