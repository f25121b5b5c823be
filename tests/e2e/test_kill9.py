"""The server is killed while many talk: what was acknowledged is there, once, for everybody."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from tests.e2e.process import ServerProcess
from tests.e2e.talkers import PASSWORD, Tally, check, gather
from tests.e2e.witness import Witness


async def rounds(server: ServerProcess, *, people: int, kills: int, messages: int) -> None:
    """Kill the server again and again while `people` talk, `messages` a round."""
    async with AsyncExitStack() as stack:
        tally = Tally()
        talkers = await gather(server, people, tally, stack)
        witnesses = [
            await Witness.log_in(server, talkers[0].name, PASSWORD, "json"),
            await Witness.log_in(server, talkers[people // 2].name, PASSWORD, "msgpack"),
        ]
        async with asyncio.timeout(60 + 30 * kills), asyncio.TaskGroup() as tasks:
            listening = [tasks.create_task(each.listen()) for each in (*talkers, *witnesses)]
            for witness in witnesses:
                await witness.here.wait()
            talking = [tasks.create_task(talker.talk()) for talker in talkers]
            for kill in range(1, kills + 1):
                await tally.reach(kill * messages)
                # The last round as a power cut would: the database goes down with the server.
                await (server.cut_power() if kill == kills else server.kill())
                await server.start()
            await tally.reach((kills + 1) * messages)
            for talker in talkers:
                talker.stop()
            await asyncio.wait(talking)
            written = await check(talkers, server, witnesses)
            for task in listening:
                task.cancel()
        assert min(witness.connections for witness in witnesses) > kills
        print(
            f"\n{kills} kills: {tally.acknowledged} messages acknowledged, {written} in the "
            f"logs, {tally.connected - people} reconnects of {people} clients"
        )


async def test_kill_9_loses_nothing(server: ServerProcess) -> None:
    await rounds(server, people=10, kills=2, messages=200)


@pytest.mark.soak
@pytest.mark.timeout(600)
async def test_kill_9_under_load_ten_rounds(server: ServerProcess) -> None:
    await rounds(server, people=50, kills=10, messages=2_000)
