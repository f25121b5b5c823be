"""The REST application over real HTTP, with real rooms and a real database."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
from argon2.profiles import CHEAPEST

from persistence.database import Database
from persistence.embedded import EmbeddedPostgres
from persistence.marker_writer import MarkerWriter
from persistence.room_log import RoomLog
from protocol import errors
from protocol.events import RoomEvent
from protocol.ids import Id, IdMint
from rooms.fanout import Fanout
from rooms.hub import Hub
from rooms.tail import Tails
from server import rest
from server.admission import Admission
from server.background import Background
from server.chat import Chat
from server.chores import make_chores
from server.config import Config
from server.feeds import make_feeds
from server.indexer import Indexer
from server.jobs import Jobs
from server.limits import Throttles
from server.listener import bind, listening, url_of
from server.log_reader import LogReader
from server.metrics import Metrics
from server.passwords import Passwords
from server.presence import Presences
from server.receipts import Receipts
from server.relations import Relations
from server.search import Search
from server.sections import Limits, Media, Server, Streams
from server.session import OpenSessions
from server.streaming import Streaming, make_streaming
from server.tokens import TokenKey
from server.uploading import Uploading, uploading
from tests.server.live import House

PASSWORD = "correct horse battery"
START = 1_800_000_000_000
UNTHROTTLED = Limits(
    signups_per_ip_hour=0,
    logins_per_ip_minute=0,
    logins_per_account_minute=0,
    commands_per_account_second=0,
    commands_per_ip_second=0,
    stream_keys_per_ip_minute=0,
    offers_per_ip_minute=0,
)

Serve = Callable[..., Awaitable["Site"]]


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += int(seconds * 1000)


class ClosedSessions(OpenSessions):
    """Remembers whose connections were to be closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closed: list[str] = []

    def close(self, revoked: Iterable[Id]) -> None:
        self.closed += [str(session) for session in revoked]


async def read_error(answer: httpx.Response) -> None:
    """Check that an error has the one shape of errors; leave its code at `answer.code`."""
    answer.code = None  # type: ignore[attr-defined]
    if answer.status_code >= 400 and answer.request.method != "HEAD":
        await answer.aread()
        assert answer.headers["content-type"] == "application/json"
        problem = answer.json()["error"]
        assert set(problem) <= {"code", "message", "details", "retry_after"}
        assert errors.CATALOGUE[problem["code"]].status == answer.status_code
        assert problem["message"].endswith(".")
        answer.code = problem["code"]  # type: ignore[attr-defined]


class Client(httpx.AsyncClient):
    """Somebody with no access token."""

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(base_url=url, event_hooks={"response": [read_error]}, **options)


class Person(Client):
    """Somebody who is logged in."""

    def __init__(self, url: str, signed_in: dict[str, Any]) -> None:
        self.id: str = signed_in["account"]["id"]
        self.username: str = signed_in["account"]["username"]
        self.access_token: str = signed_in["access_token"]
        self.refresh_token: str = signed_in["refresh_token"]
        super().__init__(url, headers={"Authorization": f"Bearer {self.access_token}"})


class Site:
    """A running application, and its clients."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        database: Database,
        closed_sessions: ClosedSessions,
        uploading: Uploading,
    ) -> None:
        self.url = url
        self.clock = clock
        self.database = database
        self.closed_sessions = closed_sessions
        self.uploading = uploading
        self.streaming: Streaming
        self.background: Background
        self.house: House
        self.anyone = Client(url)
        self.people: list[Person] = []

    async def sign_up(self, username: str) -> Person:
        body = {"username": username, "email": f"{username}@example.org", "password": PASSWORD}
        return self.signed_in(await self.anyone.post("/accounts", json=body))

    async def log_in(self, login: str, password: str = PASSWORD) -> Person:
        body = {"login": login, "password": password}
        return self.signed_in(await self.anyone.post("/sessions", json=body))

    def signed_in(self, answer: httpx.Response) -> Person:
        assert answer.is_success, answer.text
        person = Person(self.url, answer.json())
        self.people.append(person)
        return person

    async def settle(self) -> None:
        """Wait for what goes on in the background."""
        await self.background.finish(within=5)

    async def reset(self) -> None:
        """Forget everybody."""
        for person in self.people:
            await person.aclose()
        self.people.clear()
        await self.uploading.objects.delete_below("media")
        self.closed_sessions.closed.clear()
        self.clock.now = START


@pytest.fixture(scope="session")
def passwords() -> Iterator[Passwords]:
    pool = Passwords(workers=2, parameters=CHEAPEST)
    yield pool
    pool.close()


@pytest.fixture(scope="session")
async def one_database(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Database]:
    await _execute(postgres.dsn, f"CREATE DATABASE test_rest TEMPLATE {template}")
    opened = await Database.open(postgres.dsn_of("test_rest"), pool_size=4)
    yield opened
    await opened.close()


@pytest.fixture
async def database(one_database: Database) -> Database:
    """An empty database; emptied rather than made, which takes a third of a second."""
    async with one_database.connection() as connection:
        await connection.execute("DELETE FROM streams; DELETE FROM rooms; DELETE FROM room_events")
        await connection.execute("DELETE FROM posts; DELETE FROM message_reactions")
        await connection.execute("DELETE FROM uploads; DELETE FROM account_exports")
        await connection.execute("DELETE FROM accounts")
        await connection.execute("DELETE FROM message_search; DELETE FROM message_search_progress")
    return one_database


@pytest.fixture(scope="session")
async def standing_site(one_database: Database, passwords: Passwords) -> AsyncIterator[Site]:
    async with _running(Config(limits=UNTHROTTLED), one_database, passwords) as site:
        yield site


@pytest.fixture
async def site(standing_site: Site, database: Database) -> AsyncIterator[Site]:
    """An application without throttles; the same one for all tests, with an empty database."""
    yield standing_site
    await standing_site.reset()


@pytest.fixture
async def serve(database: Database, passwords: Passwords) -> AsyncIterator[Serve]:
    """Starts an application with limits of its own; it stops with the test."""
    async with AsyncExitStack() as stack:

        async def start(
            *,
            streams: Streams = Streams(),  # noqa: B008 - frozen
            media: Media = Media(),  # noqa: B008 - frozen
            origins: Sequence[str] = (),
            **limits: int,
        ) -> Site:
            limited = msgspec.structs.replace(UNTHROTTLED, **limits)
            server = Server(origins=list(origins))
            config = Config(limits=limited, streams=streams, media=media, server=server)
            return await stack.enter_async_context(_running(config, database, passwords))

        yield start


@asynccontextmanager
async def _running(config: Config, database: Database, passwords: Passwords) -> AsyncIterator[Site]:
    stack = AsyncExitStack()
    data_dir = stack.enter_context(TemporaryDirectory())
    server = msgspec.structs.replace(config.server, data_dir=data_dir)
    config = msgspec.structs.replace(config, server=server)
    clock = Clock()
    mint = IdMint(0)
    sessions = ClosedSessions()
    background = Background()
    presences = Presences(database=database, background=background, config=config, clock=clock)
    tails = Tails(room_events=0, all_events=0)
    hub = Hub(Fanout(lambda: None), lambda *event: None, presences, tails)
    metrics = Metrics()

    def publish(event: RoomEvent) -> None:
        hub.publish(event)
        streaming.admission.written(event)

    log = RoomLog(
        database.open_connection,
        mint=mint,
        publish=publish,
        observer=metrics,
        capacity=0,
        clock=clock,
    )
    await log.open()
    writer = MarkerWriter(
        database.open_connection,
        moved=lambda news: receipts.moved(news),  # noqa: PLW0108 - made below
        capacity=0,
    )
    await writer.open()
    receipts = Receipts(
        writer=writer,
        database=database,
        hub=hub,
        background=background,
        wake=lambda: None,
        members=config.limits.receipts_members,
    )
    chat = Chat(
        database=database,
        log=log,
        reader=LogReader(database, hub),
        hub=hub,
        sessions=sessions,
        background=background,
        mint=mint,
        clock=clock,
    )

    jobs = Jobs(database, observer=metrics.jobs)
    uploads = await stack.enter_async_context(
        uploading(
            *(config, database),
            jobs=jobs,
            background=background,
            mint=mint,
            clock=clock,
        )
    )

    feeds = make_feeds(
        *(config, database), jobs=jobs, pushes=metrics.pushes, mint=mint, clock=clock
    )
    chores = make_chores(
        *(config, database),
        jobs=jobs,
        uploading=uploads,
        watchers=feeds.live,
        mint=mint,
        clock=clock,
    )

    streaming = make_streaming(
        *(config, database),
        chat=chat,
        hub=hub,
        background=background,
        mint=mint,
        clock=clock,
    )
    writing = Background()
    writing.spawn(streaming.stage.writer.run())
    house = House(streaming.admission, streaming.stage, **msgspec.structs.asdict(config.media))
    streaming.carried_by(house.live)

    async def readiness() -> dict[str, str | None]:
        ready = await database.ready()
        return {"database": None if ready else "It cannot be reached."}

    app = rest.build(
        rest.Services(
            config=config,
            database=database,
            chat=chat,
            relations=Relations(
                *(database, hub, presences),
                limit=config.limits.blocked_accounts,
                blocked=streaming.admission.blocked,
            ),
            receipts=receipts,
            search=Search(database, Indexer(database, waiting=lambda: 0)),
            feeds=feeds,
            chores=chores,
            streaming=streaming,
            uploading=uploads,
            passwords=passwords,
            tokens=TokenKey(bytes(32), lifetime=900),
            throttles=Throttles.of(config.limits),
            admission=Admission(config),
            mint=mint,
            clock=clock,
            readiness=readiness,
            metrics=metrics.render,
            live=house.live,
        )
    )
    with bind("127.0.0.1", 0) as bound:
        async with listening(app, bound):
            site = Site(f"{url_of(bound)}/api/v1", clock, database, sessions, uploads)
            site.streaming, site.background, site.house = streaming, background, house
            yield site
            await site.reset()
            await site.anyone.aclose()
    await log.close()
    await writer.close(within=5)
    await background.cancel()
    await writing.cancel()
    await stack.aclose()


@pytest.fixture
async def alice(site: Site) -> Person:
    return await site.sign_up("alice")


@pytest.fixture
async def bob(site: Site) -> Person:
    return await site.sign_up("bob")


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(statement)
    await connection.close()
