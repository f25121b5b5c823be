"""The swarm notices what must not happen."""

import asyncio

import pytest

from loadtest.deployment import Deployment
from loadtest.frames import client_frame
from loadtest.population import populate
from loadtest.swarm import Swarm, Tally, Violation


async def test_a_population_is_welcome(deployment: Deployment) -> None:
    people = await populate(deployment, accounts=5, rooms=[[0, 1], [1, 2, 3]])
    tally = Tally()
    async with Swarm(deployment.url) as swarm:
        connections = await swarm.log_in_all(people.tokens, receive=tally, at_once=2)
        for room, members in zip(people.rooms, ([0, 1], [1, 2, 3]), strict=True):
            command = b'{"t":"send","id":1,"room":"%d","body":"hi"}' % room
            connections[members[0]].write(client_frame(command))
        await tally.reached(2 + 5)  # answers, and messages to every member


async def say_no_json(url: str) -> None:
    async with Swarm(url) as swarm:
        connection = await swarm.connect(receive=lambda _: None)
        connection.write(client_frame(b"no JSON"))
        await asyncio.Event().wait()


async def test_a_connection_that_the_server_closes_ends_the_block(deployment: Deployment) -> None:
    with pytest.raises(Violation, match="closed a connection"):
        await say_no_json(deployment.url)


async def test_a_token_that_is_no_good_ends_the_block(deployment: Deployment) -> None:
    with pytest.raises(Violation):
        async with Swarm(deployment.url) as swarm:
            await swarm.log_in("no token", receive=lambda _: None)


async def test_a_path_without_a_session_ends_the_block(deployment: Deployment) -> None:
    with pytest.raises(Violation, match="No handshake"):
        async with Swarm(deployment.url) as swarm:
            await swarm.connect("/nowhere", receive=lambda _: None)
