"""A database with people and rooms in it, for the tests of what is stored about them."""

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg

from persistence import rooms
from persistence.accounts import create_account
from persistence.database import Database
from persistence.embedded import EmbeddedPostgres
from persistence.round import Refusal, Unsure, write_round
from protocol.drafts import Draft
from protocol.events import AnyRoomEvent, Created
from protocol.ids import Id
from protocol.records import Role, RoomKind, User
from tests.e2e.site import copy_of

NOW = datetime(2026, 11, 22, 18, 51, 7, 125_000, UTC)

_numbers = itertools.count(1)


def number() -> Id:
    """An id that no other test has."""
    return Id(next(_numbers))


class Town:
    """A database, with what tests do to it."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def people(self, *names: str) -> list[User]:
        """New accounts; their usernames begin with the names."""
        async with self.database.connection() as connection:
            return [await _settle(connection, name) for name in names]

    async def room(
        self,
        members: Mapping[Id, Role],
        *,
        kind: RoomKind = RoomKind.GROUP,
        title: str | None = "Garden",
    ) -> Id:
        """A new room, made by its first member."""
        event = Created(
            room=number(),
            event_id=number(),
            sender=next(iter(members)),
            kind=kind,
            title=None if kind is RoomKind.DM else title,
            members=dict(members),
        )
        async with self.database.connection() as connection:
            room, _ = await rooms.create(connection, event, at=NOW, key=None)
        return room

    async def write(self, *drafts: Draft, at: datetime = NOW) -> list[Refusal | None]:
        """Write a round, and what it is unsure of in another one, as the log does."""
        for draft in drafts:
            draft.event.event_id = number()
        async with self.database.connection() as connection:
            outcomes = await write_round(connection, drafts, at=at)
            unsure = [
                draft
                for draft, outcome in zip(drafts, outcomes, strict=True)
                if isinstance(outcome, Unsure)
            ]
            for draft in unsure:
                draft.quick = False
            sure = iter(await write_round(connection, unsure, at=at) if unsure else [])
            outcomes = [next(sure) if isinstance(x, Unsure) else x for x in outcomes]
        refusals = [outcome for outcome in outcomes if not isinstance(outcome, Unsure)]
        assert len(refusals) == len(drafts)
        return refusals

    async def log(self, room: Id) -> list[AnyRoomEvent]:
        """All of a room's events, as they are read now."""
        async with self.database.connection() as connection:
            return await rooms.events_after(connection, room, 0, 100_000)

    async def roles(self, room: Id) -> dict[Id, Role]:
        """The members of a room."""
        async with self.database.connection() as connection:
            members = await rooms.members(connection, room, after=0, limit=1_000)
        return {member.account: member.role for member in members}

    async def fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        async with self.database.connection() as connection:
            return await connection.fetch(query, *arguments)


async def _settle(connection: asyncpg.Connection, name: str) -> User:
    account = number()
    username = f"{name}_{account}"
    return await create_account(
        connection,
        account=account,
        username=username,
        email=f"{username}@example.org",
        password_hash="none",
    )


@asynccontextmanager
async def founded(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Town]:
    """A town in a database of its own, for as long as the block runs."""
    async with copy_of(template, postgres) as dsn:
        database = await Database.open(dsn, pool_size=4)
        yield Town(database)
        await database.close()
