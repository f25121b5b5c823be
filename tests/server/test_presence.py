"""What server/presence.py keeps in the database, and when the database is away."""

from datetime import datetime

import pytest

from persistence.accounts import create_account
from persistence.database import Database
from persistence.relations import Standing
from presence import Table
from protocol.errors import UNAVAILABLE, PlazaError
from protocol.ids import Id
from protocol.times import from_ms
from server.background import Background
from server.config import Config
from server.presence import Presences
from server.sections import Limits, Presence
from tests.presence.devices import Device, Format

ADA, BOB = Id(1), Id(2)
START = 1_800_000_000_000


class Flaky:
    """A database that can be away."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.away = False

    def connection(self):
        if self.away:
            raise PlazaError(UNAVAILABLE)
        return self._database.connection()


class Desk:
    """The part of a process that keeps presence."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.flaky = Flaky(database)
        self.now = START
        self.background = Background()
        self.presences = Presences(
            database=self.flaky,  # type: ignore[arg-type]
            background=self.background,
            config=Config(presence=Presence(grace_seconds=5), limits=Limits(watched_accounts=0)),
            clock=lambda: self.now,
        )

    def arrive(self, account: Id, *, hidden: bool = False) -> Device:
        device = Device(account, Format())
        self.presences.expect(account, Standing(hidden=hidden))
        self.presences.arrived(account, device, [])  # type: ignore[arg-type]
        device.ready = True
        self.presences.greet(account, device)  # type: ignore[arg-type]
        return device

    def leave(self, device: Device) -> None:
        self.presences.left(device.owner, device)  # type: ignore[arg-type]

    async def flush(self, seconds: int = 1) -> None:
        self.now += seconds * 1000
        self.presences.flush()
        await self.background.finish(within=10)

    async def last_seen(self, account: Id) -> datetime | None:
        async with self.database.connection() as connection:
            found: datetime | None = await connection.fetchval(
                "SELECT last_seen_at FROM accounts WHERE id = $1", account
            )
        return found


@pytest.fixture
async def desk(database: Database) -> Desk:
    async with database.connection() as connection:
        for account in (ADA, BOB):
            await create_account(
                connection,
                account=account,
                username=f"person{account}",
                email=f"p{account}@example.org",
                password_hash="none",
            )
    return Desk(database)


async def test_the_moment_of_leaving_is_kept(desk: Desk) -> None:
    ada, bob = desk.arrive(ADA), desk.arrive(BOB, hidden=True)
    desk.leave(ada)
    desk.leave(bob)
    await desk.flush(4)
    assert await desk.last_seen(ADA) is None
    await desk.flush(1)
    assert await desk.last_seen(ADA) == from_ms(START)
    assert await desk.last_seen(BOB) is None


async def test_what_could_not_be_written_is_written_later(desk: Desk) -> None:
    ada = desk.arrive(ADA)
    desk.leave(ada)
    desk.flaky.away = True
    await desk.flush(5)
    await desk.flush()
    assert await desk.last_seen(ADA) is None
    desk.flaky.away = False
    await desk.flush()
    assert await desk.last_seen(ADA) == from_ms(START)
    assert await desk.presences.last_seen(BOB, [ADA]) == {ADA: START}


async def test_who_is_here_at_the_end_was_here_until_then(desk: Desk) -> None:
    ada = desk.arrive(ADA)
    desk.arrive(BOB)
    desk.leave(ada)
    desk.now += 1_000
    await desk.presences.close()
    assert await desk.last_seen(ADA) == from_ms(START)
    assert await desk.last_seen(BOB) == from_ms(START + 1_000)


async def test_any_number_can_be_watched_without_a_limit(desk: Desk) -> None:
    ada = desk.arrive(ADA)
    desk.presences.watch(ADA, ada, [Id(number) for number in range(1, 5_000)])  # type: ignore[arg-type]


async def test_a_bug_does_not_end_the_timer(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(table: Table, now: int) -> dict[Id, int]:
        raise ValueError

    ada = desk.arrive(ADA)
    desk.leave(ada)
    with monkeypatch.context() as patch:
        patch.setattr(Table, "flush", fail)
        await desk.flush(5)
    await desk.flush()
    assert await desk.last_seen(ADA) == from_ms(START)
