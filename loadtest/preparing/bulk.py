"""People and rooms for a server of our own, straight into its database."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from loadtest.crowd.orders import Person
from loadtest.deployment import Deployment
from loadtest.endpoint import TargetError
from loadtest.population import admit, newcomers, write_follows, write_rooms
from loadtest.preparing.accounts import Progress
from loadtest.preparing.company import Made, companies, joined
from loadtest.scenario import Rooms
from protocol.ids import Id
from protocol.records import RoomKind


class BulkPreparation:
    """Makes what a scenario needs. Accounts cost nothing here: each run gets new ones.

    Args:
        deployment: the server.
        progress: is told what is being made, and how far that is.
    """

    def __init__(self, deployment: Deployment, progress: Progress) -> None:
        self._deployment = deployment
        self._progress = progress
        self._fresh: list[Person] = []

    async def people(self, count: int) -> list[Person]:
        """See Preparation."""
        async with self._writing() as connection:
            ids = await newcomers(connection, max(count - len(self._fresh), 0))
            tokens = await admit(connection, self._deployment, ids)
        self._fresh += [
            Person(account=str(account), token=token)
            for account, token in zip(ids, tokens, strict=True)
        ]
        self._progress("Making people", count, count)
        return self._fresh[:count]

    async def rooms(self, people: Sequence[Person], rooms: Rooms) -> list[Person]:
        """See Preparation."""
        self._fresh = []
        try:
            wanted = companies(len(people), rooms)
        except ValueError as error:
            raise TargetError(str(error)) from None
        ids = _ids(people)
        members = [[ids[number] for number in company] for company in wanted]
        async with self._writing() as connection:
            made = await write_rooms(connection, members, kind=RoomKind(rooms.kind))
        self._progress("Making rooms", len(made), len(made))
        return joined(people, wanted, [Made(str(room), 1) for room in made])

    async def follow(self, people: Sequence[Person], follows: int) -> None:
        """See Preparation."""
        self._fresh = []
        ids = _ids(people)
        wanted = min(follows, len(ids) - 1)
        circle = ids + ids[:wanted]
        followed = [circle[number + 1 : number + 1 + wanted] for number in range(len(ids))]
        async with self._writing() as connection:
            await write_follows(connection, ids, followed)
        self._progress("Following", len(ids), len(ids))

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[asyncpg.Connection]:
        """A transaction; after it the planner knows the tables as they are."""
        connection = await asyncpg.connect(self._deployment.dsn)
        try:
            async with connection.transaction():
                yield connection
            await connection.execute("ANALYZE")
        finally:
            await connection.close()


def _ids(people: Sequence[Person]) -> list[Id]:
    return [Id(int(person.account)) for person in people]
