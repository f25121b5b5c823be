"""Thirty clients chat over a link that breaks all the time, and end with one log.

Faults are planned (tests/e2e/faulty_link.py), messages are numbered, and nothing waits for time to
pass: the test is over when everybody has everything.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from persistence.embedded import EmbeddedPostgres
from plaza_client import Client, Options
from plaza_client.link import State, Status
from protocol.events import Created, Message, RoomEvent
from protocol.ids import Id
from protocol.records import Room
from server.config import Config
from server.sections import Gateway
from tests.e2e.faulty_link import Fault, by_chance, linked
from tests.e2e.site import Person, Site, copy_of, serving

CLIENTS = 30
TWICE = 5  # of them are there with two connections of one account, from the same cursors
# A heartbeat of a second makes both ends notice within three that nobody is there any more.
CONFIG = Config(gateway=Gateway(heartbeat_seconds=1))
OPTIONS = Options(
    start_timeout=100, command_timeout=100, open_timeout=3, backoff_base=0.05, backoff_cap=0.5
)


class Participant:
    """A client that writes down what it is handed."""

    def __init__(self, client: Client, person: Person, number: int, reconnects: Counter) -> None:
        self.client = client
        self.person = person
        self.number = number
        self.log: dict[Id, list[RoomEvent]] = defaultdict(list)
        self.news = asyncio.Event()
        self._reconnects = reconnects

    async def chat(self, rooms: list[Id], messages: int) -> None:
        for n in range(messages):
            room = rooms[(self.number + n) % len(rooms)]
            await self.client.send(room, f"{self.number}/{n}")

    async def listen(self) -> None:
        async for event in self.client.events():
            if isinstance(event, RoomEvent):
                self.log[event.room].append(event)
                self.news.set()

    async def has(self, room: Id, seq: int) -> None:
        while not self.log[room] or self.log[room][-1].seq < seq:
            self.news.clear()
            await self.news.wait()


@pytest.fixture
async def flaky_site(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Site]:
    async with copy_of(template, postgres) as dsn, serving(dsn, CONFIG) as site:
        yield site


async def rooms_of_all(site: Site, people: list[Person]) -> list[Id]:
    """A group of everybody, and two of one half each."""
    rooms = []
    device = await site.device(people[0])
    for members in (people, people[::2], [people[0], *people[1::2]]):
        others = [person.id for person in members[1:]]
        made = await device.ask(t="create", kind="group", title="Link", members=others)
        rooms.append(Id(int(made["room"]["id"])))
    device.socket.abort()
    return rooms


async def seen_by(site: Site, person: Person) -> dict[Id, Room]:
    """The rooms as a client sees them that comes for the first time, over a good link."""
    async with Client(site.url, token=person.token) as fresh:
        return dict(fresh.rooms)


async def converse(site: Site, *, seed: int, messages: int) -> tuple[Counter, Counter]:
    """Let them chat, and check what they have in the end. Returns faults and reconnects."""
    people = [await site.person(f"p{number}") for number in range(CLIENTS)]
    everybody, evens, odds = await rooms_of_all(site, people)
    rooms_by_half = [[everybody, evens], [everybody, odds]]
    states: Counter[State] = Counter()

    def watch(status: Status) -> None:
        states[status.state] += 1

    plan = by_chance(seed, bytes_before=(1_500, 60_000))
    async with linked(site.url, plan) as link, AsyncExitStack() as stack:
        participants = []
        for number, person in [*enumerate(people), *list(enumerate(people))[:TWICE]]:
            client = Client(
                link.url,
                token=person.token,
                encoding="msgpack" if number % 2 else "json",
                cursors=dict.fromkeys((everybody, evens, odds), 0),
                on_status=watch,
                options=OPTIONS,
            )
            participants.append(Participant(client, person, number, states))
        await asyncio.gather(
            *(stack.enter_async_context(participant.client) for participant in participants)
        )
        listeners = [asyncio.create_task(participant.listen()) for participant in participants]
        await asyncio.gather(
            *(
                participant.chat(rooms_by_half[participant.number % 2], messages)
                for participant in participants
            )
        )
        link.heal()
        last_seqs = {
            row["id"]: row["last_seq"] for row in await site.fetch("SELECT id, last_seq FROM rooms")
        }
        for participant in participants:
            for room in participant.client.rooms:
                await participant.has(room, last_seqs[room])
        await check(site, participants, last_seqs, messages)
        for listener in listeners:
            listener.cancel()
    return link.happened, states


async def check(
    site: Site, participants: list[Participant], last_seqs: dict[Id, int], messages: int
) -> None:
    logs: dict[Id, list[tuple[int, Id, str]]] = {}
    for participant in participants:
        assert participant.log.keys() == participant.client.rooms.keys()
        for room, events in participant.log.items():
            assert [event.seq for event in events] == list(range(1, last_seqs[room] + 1))
            assert isinstance(events[0], Created)
            said = [(e.seq, e.event_id, e.body) for e in events if isinstance(e, Message)]
            assert logs.setdefault(room, said) == said
        assert dict(participant.client.rooms) == await seen_by(site, participant.person)
    # Each message once: the repetition of a command is no second message.
    bodies = Counter(body for said in logs.values() for _, _, body in said)
    expected = Counter(
        f"{participant.number}/{n}" for participant in participants for n in range(messages)
    )
    assert bodies == expected


@pytest.mark.timeout(120)
async def test_all_end_with_one_log(flaky_site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    faults, states = await converse(flaky_site, seed=1, messages=12)
    reconnects = states[State.CONNECTED] - (CLIENTS + TWICE)
    with capsys.disabled():
        print(f"\n{reconnects} reconnects; faults: " + str({f.value: n for f, n in faults.items()}))
    assert all(faults[fault] > 0 for fault in Fault if fault is not Fault.NONE)
    assert reconnects >= CLIENTS
