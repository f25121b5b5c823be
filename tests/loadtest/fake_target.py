"""A server that is not there: what a program is given, where only the program is looked at."""

import asyncio
from collections.abc import Sequence
from time import monotonic

from loadtest.crowd.orders import Person
from loadtest.findings import Run
from loadtest.report.model import Moment
from loadtest.scenario import Rooms, Scenario
from loadtest.target import Vitals

CPU = 0.5  # of a core, all the time
POSTGRES = 0.25
RESIDENT = 100 << 20


class FakeTarget:
    """A server that uses as much as the constants say."""

    url = "http://127.0.0.1:1"

    def __init__(self, *, is_own: bool = True) -> None:
        self.is_own = is_own
        self.kills = 0

    async def vitals(self) -> Vitals:
        at = monotonic()
        return Vitals(at, at * CPU, at * POSTGRES, RESIDENT, {"plaza_connections": 3.0})

    async def about(self) -> dict[str, str]:
        return {"api": "1"}

    async def kill(self) -> None:
        self.kills += 1


class FakePreparation:
    """People in rooms of neighbours."""

    def __init__(self) -> None:
        self.followed = 0

    async def people(self, count: int) -> list[Person]:
        return [Person(account=str(number), token="") for number in range(count)]

    async def rooms(self, people: Sequence[Person], rooms: Rooms) -> list[Person]:
        return [
            Person(account=person.account, token="", rooms=[str(number // rooms.members)], seqs=[1])
            for number, person in enumerate(people)
        ]

    async def follow(self, people: Sequence[Person], follows: int) -> None:
        self.followed = follows


class Notes:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.moments: list[Moment] = []
        self.server: list[dict[str, float]] = []
        self.seen = asyncio.Event()

    def step(self, text: str, done: int = 0, of: int = 0) -> None:
        self.steps.append(text)

    def moment(self, moment: Moment, server: dict[str, float]) -> None:
        self.moments.append(moment)
        self.server.append(server)
        self.seen.set()


def run_of(scenario: Scenario, *, target: FakeTarget | None = None) -> Run:
    """All that a program needs; nothing of it is real."""
    return Run(
        target=target or FakeTarget(),
        preparation=FakePreparation(),
        scenario=scenario,
        watcher=Notes(),
        ended=asyncio.Event(),
    )
