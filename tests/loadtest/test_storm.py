"""The reconnect storm: everybody comes back, and what they missed comes from memory."""

from loadtest import storm
from loadtest.deployment import Deployment
from loadtest.storm import SMALL


async def test_all_come_back_without_the_database(deployment: Deployment) -> None:
    figures = {figure.name: figure for figure in await storm.measure(deployment, SMALL)}
    assert all(len(figure.samples) == SMALL.repetitions for figure in figures.values())
    assert figures["missed, from memory"].median == 3
    assert figures["missed, from the database"].median == 0
    assert figures["queries for hello"].median < 2
