"""Streams while they are on: what is written, what is told and to whom, what a kill -9 leaves."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from persistence import rooms
from persistence.database import Database
from protocol.errors import UNAVAILABLE, PlazaError
from protocol.events import Created, Event
from protocol.ids import Id
from protocol.posts import Visibility
from protocol.records import Role, Room, RoomKind
from protocol.stream_events import StreamChanged, StreamEnded, StreamStarted, StreamViewers
from protocol.streams import StreamState
from protocol.times import from_ms
from rooms.fanout import Fanout
from rooms.hub import Hub
from rooms.tail import Tails
from server import stream_news
from server.stream_news import StreamNews
from server.stream_ports import NothingOnAir
from server.stream_stage import SAVE_SECONDS, StreamStage
from server.stream_writer import ABANDONED_SECONDS
from tests import social
from tests.feed_push.watchers import Format, Watcher

NODE, GRACE = 3, 30
START = 1_800_000_000_000

STATE = "SELECT state FROM streams WHERE id = $1"
NUMBERS = "SELECT viewers, peak_viewers, total_viewers FROM streams WHERE id = $1"


class Nobody:
    """A rooms.ports.Attendance that does not look."""

    def arrived(self, *_: object) -> None: ...
    def left(self, *_: object) -> None: ...
    def entered(self, *_: object) -> None: ...
    def removed(self, *_: object) -> None: ...
    def resized(self, *_: object) -> None: ...


class Air(NothingOnAir):
    """Notes what is to be ended."""

    def __init__(self) -> None:
        self.ended: list[tuple[Id, str]] = []

    def end_stream(self, stream: Id, reason: str) -> None:
        self.ended.append((stream, reason))


class Studio:
    """A process: a stage around a real hub, on a real database, and who is here."""

    def __init__(self, database: Database, *, node: int = NODE) -> None:
        self.database = database
        self.now = START
        self.hub = Hub(
            Fanout(lambda: None), lambda *_: None, Nobody(), Tails(room_events=0, all_events=0)
        )
        self.stage = StreamStage(
            *(database, StreamNews(database, self.hub)),
            node=node,
            grace_seconds=GRACE,
            clock=lambda: self.now,
        )
        self.air = self.stage.air = Air()
        self.wire = Format()
        self.here: dict[str, Watcher] = {}

    async def comes(self, name: str, account: Id, *, guest_of: Room | None = None) -> None:
        """Somebody opens a connection."""
        watcher = self.here[name] = Watcher(account, self.wire)
        async with self.database.connection() as db:
            places = self.hub.places(await rooms.rooms_of(db, account))
        assert places is not None
        person = self.hub.enter(account)
        self.hub.settle(person, watcher, places)
        if guest_of is not None:
            assert self.hub.subscribe(person, watcher, guest_of) is not None

    async def told(self) -> dict[str, list[Event]]:
        """What everybody has been told since the last time, when all is written."""
        await self.stage.writer.round()
        heard = {name: watcher.take() for name, watcher in self.here.items()}
        return {name: events for name, events in heard.items() if events}

    async def passes(self, seconds: int) -> None:
        self.now += seconds * 1000
        for _ in range(seconds):
            self.stage.turn()
        await self.stage.writer.round()

    async def value(self, query: str, stream: Id) -> Any:
        async with self.database.connection() as db:
            row = await db.fetchrow(query, stream)
        assert row is not None
        return row[0] if len(row) == 1 else tuple(row)


@pytest.fixture
def studio(database: Database) -> Studio:
    return Studio(database)


async def stream_of(
    db: asyncpg.Connection,
    owner: Id,
    *,
    visibility: Visibility = Visibility.PUBLIC,
    members: Iterable[Id] = (),
) -> tuple[Id, Id]:
    """Make a stream. Returns it and its chat."""
    stream, room = social.new_id(), social.new_id()
    roles = dict.fromkeys(members, Role.MEMBER) | {owner: Role.OWNER}
    created = Created(
        room=room,
        event_id=social.new_id(),
        seq=1,
        sender=owner,
        kind=RoomKind.CHANNEL,
        title="Weaving",
        members=roles,
    )
    await rooms.create(db, created, at=from_ms(START), key=None)
    await db.execute(
        "INSERT INTO streams (id, owner_id, room_id, title, visibility, key_hash, created_at) "
        "VALUES ($1, $2, $3, 'Weaving', $4, '', now())",
        *(stream, owner, room, visibility.value),
    )
    return stream, room


@pytest.fixture
async def ada(database: Database) -> Id:
    async with database.connection() as db:
        return await social.person(db, "ada")


@pytest.fixture
async def stream(database: Database, ada: Id) -> Id:
    async with database.transaction() as db:
        return (await stream_of(db, ada))[0]


# --- written -------------------------------------------------------------------------------------


async def test_from_live_to_its_end(studio: Studio, stream: Id) -> None:
    stage = studio.stage
    stage.live(stream)
    await studio.told()
    assert await studio.value(STATE, stream) == "live"
    assert await studio.value("SELECT started_at FROM streams WHERE id = $1", stream) == from_ms(
        START
    )
    stage.viewers(stream, 3, 3)
    stage.viewers(stream, 2, 5)
    await studio.passes(SAVE_SECONDS)
    assert await studio.value(NUMBERS, stream) == (2, 3, 5)
    stage.viewers(stream, 1, 6)
    stage.interrupted(stream)
    await studio.told()
    assert await studio.value(STATE, stream) == "interrupted"
    assert await studio.value(NUMBERS, stream) == (1, 3, 6)
    stage.live(stream)
    await studio.told()
    assert await studio.value(STATE, stream) == "live"
    stage.viewers(stream, 4, 9)
    stage.ended(stream, "left")
    await studio.told()
    assert await studio.value(STATE, stream) == "ended"
    assert await studio.value(NUMBERS, stream) == (0, 4, 9)


async def test_what_comes_at_once_is_written_in_its_order(studio: Studio, stream: Id) -> None:
    stage = studio.stage
    for _ in range(3):
        stage.live(stream)
        stage.interrupted(stream)
        stage.live(stream)
        stage.ended(stream, "left")
    stage.live(stream)
    await studio.told()
    assert await studio.value(STATE, stream) == "live"
    assert [place.stream for place in stage.on_air()] == [stream]


async def test_who_begins_anew_is_counted_anew(studio: Studio, stream: Id) -> None:
    stage = studio.stage
    stage.live(stream)
    stage.viewers(stream, 5, 7)
    stage.ended(stream, "left")
    stage.live(stream)
    stage.viewers(stream, 1, 1)
    await studio.passes(SAVE_SECONDS)
    assert await studio.value(NUMBERS, stream) == (1, 1, 1)


async def test_a_stream_that_is_deleted_cannot_go_live(studio: Studio) -> None:
    stage, nowhere = studio.stage, Id(7)
    stage.live(nowhere)
    await studio.told()
    assert studio.air.ended == [(nowhere, "ended")]
    assert stage.on_air() == []
    stage.ended(nowhere, "ended")  # as the media says then
    await studio.told()


async def test_while_the_database_is_away_all_of_it_waits(
    studio: Studio, stream: Id, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def unreachable() -> AsyncIterator[asyncpg.Connection]:
        raise PlazaError(UNAVAILABLE)
        yield

    stage = studio.stage
    with monkeypatch.context() as patch:
        patch.setattr(studio.database, "connection", unreachable)
        stage.live(stream)
        stage.viewers(stream, 2, 2)
        stage.ended(stream, "left")
        with pytest.raises(PlazaError):
            await stage.writer.round()
        patch.setattr("server.stream_writer.PATIENCE", 0.01)
        with pytest.raises(PlazaError):
            await stage.writer.settled()
    await stage.writer.round()
    assert await studio.value(STATE, stream) == "ended"
    assert await studio.value(NUMBERS, stream) == (0, 2, 2)


# --- after a kill -9 -----------------------------------------------------------------------------


async def test_a_process_that_is_killed_finds_its_streams_and_ends_them(
    studio: Studio, database: Database, stream: Id
) -> None:
    studio.stage.live(stream)
    studio.stage.viewers(stream, 4, 6)
    await studio.passes(SAVE_SECONDS)
    again = Studio(database)  # kill -9
    await again.stage.open()
    assert await again.value(STATE, stream) == "interrupted"
    await again.passes(GRACE - 1)
    assert await again.value(STATE, stream) == "interrupted"
    await again.passes(1)
    assert await again.value(STATE, stream) == "ended"
    assert await again.value(NUMBERS, stream) == (0, 4, 6)


async def test_whoever_comes_back_within_the_grace_time_goes_on(
    studio: Studio, database: Database, ada: Id, stream: Id
) -> None:
    studio.stage.live(stream)
    studio.stage.viewers(stream, 4, 6)
    await studio.passes(SAVE_SECONDS)
    again = Studio(database)
    await again.comes("ada", ada)
    await again.stage.open()
    await again.passes(GRACE - 1)
    again.stage.live(stream)
    # It goes on: to nobody is told that it has begun.
    assert await again.told() == {"ada": [StreamChanged(stream=stream, state=StreamState.LIVE)]}
    again.stage.viewers(stream, 2, 3)
    await again.passes(SAVE_SECONDS + GRACE)
    assert await again.value(STATE, stream) == "live"
    assert await again.value(NUMBERS, stream) == (2, 4, 9)
    assert await again.value("SELECT started_at FROM streams WHERE id = $1", stream) == from_ms(
        START
    )


async def test_of_another_process_that_stays_away_they_are_ended_here(
    studio: Studio, database: Database, stream: Id
) -> None:
    studio.stage.live(stream)
    await studio.told()
    other = Studio(database, node=NODE + 1)
    await other.stage.open()
    await other.passes(SAVE_SECONDS)
    assert await other.value(STATE, stream) == "live"
    async with database.connection() as db:
        await db.execute(
            "UPDATE streams SET lease_at = now() - make_interval(secs => $1)",
            float(GRACE + ABANDONED_SECONDS + 1),
        )
    await other.passes(SAVE_SECONDS)
    assert await other.value(STATE, stream) == "ended"
    # It was not dead: it finds out.
    await studio.passes(SAVE_SECONDS)
    assert studio.air.ended == [(stream, "ended")]


async def test_a_stream_that_goes_on_elsewhere_ends_here_without_ending(
    studio: Studio, database: Database, stream: Id
) -> None:
    studio.stage.live(stream)
    await studio.told()
    other = Studio(database, node=NODE + 1)
    other.stage.live(stream)
    await other.told()
    studio.stage.interrupted(stream)
    studio.stage.ended(stream, "timeout")
    await studio.told()
    assert await studio.value(STATE, stream) == "live"


async def test_what_is_ended_elsewhere_ends_here(
    studio: Studio, database: Database, ada: Id, stream: Id
) -> None:
    studio.stage.live(stream)
    await studio.told()
    other = Studio(database, node=NODE + 1)
    await other.stage.end(stream, "ended")
    assert await other.value(STATE, stream) == "ended"
    await studio.comes("ada", ada)
    await studio.passes(SAVE_SECONDS)
    assert studio.air.ended == [(stream, "ended")]
    assert [type(event) for event in studio.here["ada"].take()] == [StreamEnded]


async def test_a_process_that_stops_leaves_its_streams_to_the_next(
    studio: Studio, database: Database, stream: Id
) -> None:
    studio.stage.live(stream)
    studio.stage.viewers(stream, 1, 1)
    writing = asyncio.create_task(studio.stage.writer.run())
    await studio.stage.close()
    studio.stage.ended(stream, "stopping")  # the media goes after that
    await studio.stage.writer.settled()
    writing.cancel()
    assert await studio.value(STATE, stream) == "interrupted"
    again = Studio(database)
    await again.stage.open()
    again.stage.live(stream)
    await again.told()
    assert await again.value(STATE, stream) == "live"


# --- told ----------------------------------------------------------------------------------------

MAY_SEE = {
    Visibility.PUBLIC: {"follower", "friend", "member", "ada"},
    Visibility.FOLLOWERS: {"follower", "friend", "ada"},
    Visibility.FRIENDS: {"friend", "ada"},
    Visibility.PRIVATE: {"ada"},
}


@pytest.mark.parametrize("visibility", Visibility)
async def test_who_is_told_that_it_has_begun_and_is_over(
    studio: Studio, database: Database, ada: Id, visibility: Visibility
) -> None:
    async with database.transaction() as db:
        names = ("stranger", "asked", "follower", "muting", "friend", "blocked", "member", "guest")
        who = {name: await social.person(db) for name in names}
        for name in ("follower", "muting", "blocked"):
            await social.follow(db, who[name], ada)
        await social.follow(db, who["asked"], ada, accepted=False)
        await social.befriend(db, who["friend"], ada)
        await social.mute(db, who["muting"], ada)
        await social.block(db, ada, who["blocked"])
        stream, room = await stream_of(db, ada, visibility=visibility, members=[who["member"]])
        chat = await rooms.room(db, ada, room)
    for name, account in who.items():
        await studio.comes(name, account, guest_of=chat if name == "guest" else None)
    await studio.comes("ada", ada)
    studio.stage.live(stream)
    told = await studio.told()
    started = {
        name for name, events in told.items() if [type(e) for e in events] == [StreamStarted]
    }
    # Who is a guest of the chat of a public stream sees what everybody may.
    guests = {"guest"} if visibility is Visibility.PUBLIC else set()
    assert started == MAY_SEE[visibility] | guests
    listening = {"member", "guest", "ada"}
    rest = {name: events for name, events in told.items() if name not in started}
    state = StreamChanged(stream=stream, state=StreamState.LIVE)
    assert rest == {name: [state] for name in listening - started}
    begun = told["ada"][0]
    assert isinstance(begun, StreamStarted)
    assert (begun.stream.id, begun.stream.title, begun.stream.room) == (stream, "Weaving", room)
    studio.now += 60_000
    studio.stage.ended(stream, "left")
    over = StreamEnded(stream=stream, at="2027-01-15T08:01:00.000Z")
    assert await studio.told() == {name: [over] for name in MAY_SEE[visibility] | listening}


async def test_what_happens_meanwhile_is_told_in_the_chat(
    studio: Studio, database: Database, ada: Id
) -> None:
    async with database.transaction() as db:
        follower = await social.person(db)
        await social.follow(db, follower, ada)
        stream, _ = await stream_of(db, ada)
    await studio.comes("ada", ada)
    await studio.comes("follower", follower)
    stage = studio.stage
    stage.live(stream)
    await studio.told()
    for watching in range(1, 100):
        stage.viewers(stream, watching, watching)
    stage.turn()
    assert await studio.told() == {"ada": [StreamViewers(stream=stream, viewers=99)]}
    stage.viewers(stream, 5, 100)
    stage.viewers(stream, 99, 194)
    stage.turn()  # as it was
    assert await studio.told() == {}
    stage.interrupted(stream)
    stage.live(stream)
    states = (StreamState.INTERRUPTED, StreamState.LIVE)
    assert await studio.told() == {
        "ada": [StreamChanged(stream=stream, state=state) for state in states]
    }
    stage.viewers(stream, 0, 194)
    stage.turn()
    assert await studio.told() == {"ada": [StreamViewers(stream=stream, viewers=0)]}


async def test_many_are_told_in_parts(
    studio: Studio, database: Database, ada: Id, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_news, "SLICE", 4)
    monkeypatch.setattr(stream_news, "BATCH", 3)
    async with database.transaction() as db:
        stream, _ = await stream_of(db, ada)
        crowd = [await social.person(db) for _ in range(11)]
        for person in crowd[:9]:
            await social.follow(db, person, ada)
    for number, person in enumerate(crowd):
        await studio.comes(str(number), person)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    offered = studio.hub.offer_to
    parts: list[tuple[int, int]] = []
    monkeypatch.setattr(
        studio.hub,
        "offer_to",
        lambda accounts, sign: parts.append((turns, len(accounts))) or offered(accounts, sign),
    )
    studio.stage.live(stream)
    told = await studio.told()
    counting.cancel()
    assert set(told) == {str(number) for number in range(9)}
    assert [len_ for _, len_ in parts] == [3, 3, 3]
    assert len({turn for turn, _ in parts}) == 3  # in between the loop did other things
