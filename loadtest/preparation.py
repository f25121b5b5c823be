"""People and rooms for a scenario, made before it begins."""

from collections.abc import Sequence
from typing import Protocol

from loadtest.crowd.orders import Person
from loadtest.scenario import Rooms


class Preparation(Protocol):
    """Makes what a scenario needs."""

    async def people(self, count: int) -> list[Person]:
        """So many accounts with a token each, in no room; the same ones when asked again."""
        ...

    async def rooms(self, people: Sequence[Person], rooms: Rooms) -> list[Person]:
        """New rooms, and the same people with them."""
        ...

    async def follow(self, people: Sequence[Person], follows: int) -> None:
        """Let everybody follow the next so many, in a circle."""
        ...
