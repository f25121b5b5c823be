"""A server in this process, on a database of its own, and the people who use it."""

import itertools
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import msgspec

from media.addresses import bind as bind_media
from persistence import accounts, sessions
from persistence.database import Database
from persistence.embedded import EmbeddedPostgres
from protocol.ids import Id, IdMint
from server.app import Plaza, running
from server.clock import now_ms
from server.config import Config
from server.listener import bind
from server.tokens import TokenKey, new_refresh_token, refresh_token_hash
from tests import social
from tests.e2e.device import Device, Encoding
from tests.e2e.websocket import WebSocket

SIGNING_KEY = "a key that only the tests know, and long enough"

# Its own node: ids of the people never meet those that the server mints.
_mint = IdMint(1023)
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Person:
    """An account with a live session. Ids as they stand on the wire."""

    id: str
    username: str
    session: Id
    token: str

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


async def enroll(
    connection: asyncpg.Connection, name: str, *, tokens: TokenKey, age: float = 0.0
) -> Person:
    """Create an account and its session without the cost of a password.

    Args:
        name: what the username begins with.
        age: of the access token, in seconds.
    """
    account, session = _mint.mint(now_ms()), _mint.mint(now_ms())
    username = f"{name}_{next(_numbers)}"
    await accounts.create_account(
        connection,
        account=account,
        username=username,
        email=f"{username}@example.org",
        password_hash="none",
    )
    await sessions.open_session(
        connection,
        session=session,
        account=account,
        refresh_hash=refresh_token_hash(new_refresh_token()),
        user_agent="",
        address="",
        expires_at=datetime.now(UTC) + timedelta(days=1),
    )
    token = tokens.issue(account, session, now_ms() / 1000 - age)
    return Person(str(account), username, session, token)


@dataclass(frozen=True, slots=True)
class Site:
    """The server and what lies behind it."""

    config: Config
    plaza: Plaza
    database: Database
    _sockets: list[WebSocket] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.plaza.url

    @property
    def tokens(self) -> TokenKey:
        return TokenKey(
            self.config.auth.signing_key.encode(), lifetime=self.config.auth.access_token_seconds
        )

    async def person(self, name: str = "ada", *, age: float = 0.0) -> Person:
        """A new account with a session."""
        async with self.database.connection() as connection:
            return await enroll(connection, name, tokens=self.tokens, age=age)

    async def people(self, *names: str) -> list[Person]:
        """New accounts."""
        return [await self.person(name) for name in names]

    async def upload(self, username: str) -> str:
        """An upload of somebody's that is ready."""
        async with self.database.connection() as connection:
            account = await connection.fetchval(
                "SELECT id FROM accounts WHERE username = $1", username
            )
            return str(await social.upload(connection, account))

    async def device(
        self,
        person: Person,
        encoding: Encoding = "json",
        *,
        cursors: Mapping[str, int] | None = None,
        **options: Any,
    ) -> Device:
        """A connection that has said hello."""
        device = await self.connect(encoding, **options)
        ready = await device.hello(person.token, cursors)
        assert ready["t"] == "ready", ready
        return device

    async def connect(self, encoding: Encoding = "json", **options: Any) -> Device:
        """A connection that has yet to say hello."""
        device = await Device.open(self.url, encoding, **options)
        self._sockets.append(device.socket)
        return device

    async def socket(self, path: str = "/ws/echo", **options: Any) -> WebSocket:
        """A connection, frame by frame."""
        opened = await WebSocket.open(self.url, path, **options)
        self._sockets.append(opened)
        return opened

    def abandon(self) -> None:
        """End all connections that were made here: the server need not wait for them."""
        for opened in self._sockets:
            opened.abort()

    def turn(self, seconds: int) -> None:
        """Let time pass for the gateway."""
        for _ in range(seconds):
            self.plaza.gateway.wheel.turn()

    @asynccontextmanager
    async def another(self) -> AsyncIterator["Site"]:
        """A second server on the same database, to be ill-treated."""
        async with serving(self.database.dsn, self.config) as other:
            yield other

    @asynccontextmanager
    async def without(self, table: str) -> AsyncIterator[None]:
        """Let the server meet a database that is not as it should be."""
        await self.fetch(f"ALTER TABLE {table} RENAME TO mislaid")
        try:
            yield
        finally:
            await self.fetch(f"ALTER TABLE mislaid RENAME TO {table}")

    async def fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Ask the database, behind the server's back."""
        async with self.database.connection() as connection:
            return await connection.fetch(query, *arguments)


@asynccontextmanager
async def serving(
    dsn: str, config: Config | None = None, *, send_buffer: int | None = None
) -> AsyncIterator[Site]:
    """Serve a migrated database.

    Args:
        send_buffer: bytes that the kernel takes from the server for a client that does not read.
    """
    config = config or Config()
    config = msgspec.structs.replace(
        config, auth=msgspec.structs.replace(config.auth, signing_key=SIGNING_KEY)
    )
    database = await Database.open(dsn, pool_size=config.database.pool_size)
    with (
        TemporaryDirectory() as data_dir,
        bind("127.0.0.1", 0) as bound,
        bind_media("127.0.0.1", 0) as media,
    ):
        # For uploads: the database is elsewhere.
        config = msgspec.structs.replace(
            config, server=msgspec.structs.replace(config.server, data_dir=data_dir)
        )
        # Connections inherit these. Nagle's algorithm is off in uvloop's, but not in asyncio's.
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if send_buffer is not None:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        async with running(config, database, bound, media=media) as plaza:
            served = Site(config, plaza, database)
            yield served
            served.abandon()
    await database.close()


@asynccontextmanager
async def copy_of(template: str, postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """The address of a copy of a database, for as long as the block runs."""
    name = f"site_{next(_numbers)}"
    connection = await asyncpg.connect(postgres.dsn)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        yield postgres.dsn_of(name)
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()
