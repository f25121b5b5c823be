"""People and rooms: both ways to make them pass the same tests."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest

from loadtest.crowd.orders import Person
from loadtest.deployment import Deployment
from loadtest.endpoint import Endpoint, TargetError
from loadtest.preparation import Preparation, prepared
from loadtest.preparing import rooms as rest_rooms
from loadtest.preparing.accounts_file import AccountsFile
from loadtest.preparing.bulk import BulkPreparation
from loadtest.preparing.calls import Calls
from loadtest.preparing.rest import RestPreparation
from loadtest.scenario import Rooms
from loadtest.target import OwnTarget, opened
from plaza_client.rest_requests import shaped
from protocol import commands
from protocol.records import Member, Role, Room


class Progress:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, int, int]] = []

    def __call__(self, text: str, done: int, of: int) -> None:
        assert 0 <= done <= of
        self.steps.append((text, done, of))


@pytest.fixture
def progress() -> Progress:
    return Progress()


@pytest.fixture(scope="session")
def accounts_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all tests over REST: a sign-up is dear."""
    return tmp_path_factory.mktemp("accounts") / "accounts.json"


@pytest.fixture(params=["bulk", "rest"])
async def preparation(
    request: pytest.FixtureRequest, deployment: Deployment, accounts_file: Path, progress: Progress
) -> AsyncIterator[Preparation]:
    if request.param == "bulk":
        yield BulkPreparation(deployment, progress)
    else:
        file = AccountsFile(accounts_file)
        yield RestPreparation(deployment.url, file, progress)
        file.close()


@pytest.fixture
async def calls(deployment: Deployment) -> AsyncIterator[Calls]:
    async with Calls(deployment.url) as calls:
        yield calls


async def rooms_of(calls: Calls, person: Person) -> dict[str, Room]:
    rooms = shaped(await calls.items("/rooms", token=person.token), list[Room])
    return {str(room.id): room for room in rooms}


async def members_of(calls: Calls, room: str, token: str) -> dict[str, Role]:
    members = shaped(await calls.items(f"/rooms/{room}/members", token=token), list[Member])
    return {str(member.account): member.role for member in members}


async def check(calls: Calls, people: Sequence[Person], rooms: Rooms) -> None:
    """They are in these rooms, as the server sees it."""
    companies: dict[str, set[str]] = {}
    for person in people:
        found = await rooms_of(calls, person)
        # Nobody can leave a dm: they stay from former tests.
        there = {id_ for id_, room in found.items() if room.kind == rooms.kind != "dm"}
        assert there == (set() if rooms.kind == "dm" else set(person.rooms))
        assert [found[room].last_seq for room in person.rooms] == person.seqs
        assert {found[room].kind for room in person.rooms} <= {rooms.kind}
        assert {found[room].members for room in person.rooms} <= {rooms.members}
        assert len(person.rooms) == rooms.each
        for room in person.rooms:
            companies.setdefault(room, set()).add(person.account)
    tokens = {person.account: person.token for person in people}
    for room, company in companies.items():
        members = await members_of(calls, room, tokens[min(company)])
        assert set(members) == company
        owners = [role for role in members.values() if role is Role.OWNER]
        assert len(owners) == (0 if rooms.kind == "dm" else 1)


# --- both --------------------------------------------------------------------------------------


async def test_people_are_who_their_tokens_say(
    calls: Calls, preparation: Preparation, progress: Progress
) -> None:
    people = await preparation.people(3)
    assert len({person.account for person in people}) == 3
    for person in people:
        assert (person.rooms, person.seqs) == ([], [])
        assert (await calls.call("GET", "/me", token=person.token))["id"] == person.account
    more = await preparation.people(4)
    assert [person.account for person in more[:3]] == [person.account for person in people]
    assert await preparation.people(2) == more[:2]
    assert progress.steps


@pytest.mark.parametrize(
    ("count", "rooms"),
    [
        (6, Rooms(kind="group", members=3, each=2)),
        (6, Rooms(kind="channel", members=2, each=1)),
        (6, Rooms(kind="dm", members=2, each=3)),
        (5, Rooms(kind="group", members=5, each=2)),
        (4, Rooms(kind="group", each=0)),
    ],
    ids=["groups", "channels", "dms", "everybody", "none"],
)
async def test_people_are_in_their_rooms(
    calls: Calls, preparation: Preparation, count: int, rooms: Rooms
) -> None:
    people = await preparation.people(count)
    members = await preparation.rooms(people, rooms)
    assert [person.account for person in members] == [person.account for person in people]
    if rooms.each:
        await check(calls, members, rooms)
    else:
        assert [person.rooms for person in members] == [[]] * count


async def test_the_next_run_begins_anew(calls: Calls, preparation: Preparation) -> None:
    small, large = Rooms(members=2, each=1), Rooms(members=4, each=1)
    for count, rooms in ((4, small), (4, large), (4, small), (6, Rooms(members=3, each=2))):
        people = await preparation.people(count)
        assert [person.rooms for person in people] == [[]] * count
        await check(calls, await preparation.rooms(people, rooms), rooms)


async def test_people_follow_each_other_in_a_circle(calls: Calls, preparation: Preparation) -> None:
    for follows, count in ((2, 4), (1, 4), (9, 4)):
        people = await preparation.people(count)
        await preparation.follow(people, follows)
        accounts = [person.account for person in people]
        for number, person in enumerate(people):
            circle = accounts[number + 1 :] + accounts[:number]
            path = f"/accounts/{person.account}"
            followed = await calls.items(f"{path}/following", token=person.token)
            assert {other["id"] for other in followed} == set(circle[:follows])
            profile = await calls.call("GET", path, token=person.token)
            assert profile["following"] == profile["followers"] == min(follows, count - 1)


async def test_rooms_that_cannot_be(preparation: Preparation) -> None:
    people = await preparation.people(2)
    with pytest.raises(TargetError, match="there have to be 4 people at least"):
        await preparation.rooms(people, Rooms(kind="dm", each=3))


async def test_which_way_it_is_made(
    deployment: Deployment, tmp_path: Path, progress: Progress
) -> None:
    path = tmp_path / "accounts.json"
    async with Endpoint(deployment.url) as endpoint:
        own = OwnTarget(deployment, endpoint)
        made = prepared(own, accounts_file=path, progress=progress)
        assert isinstance(made, BulkPreparation)
    assert not path.exists()
    async with opened(deployment.url) as served:
        made = prepared(served, accounts_file=path, progress=progress)
        assert isinstance(made, RestPreparation)
        with pytest.raises(TargetError, match="Another run uses"):
            prepared(served, accounts_file=path, progress=progress)


# --- over REST, with people whose sign-up cost nothing -----------------------------------------


@pytest.fixture
async def rest(deployment: Deployment, progress: Progress) -> RestPreparation:
    return RestPreparation(deployment.url, AccountsFile(None), progress)


@pytest.fixture
async def people(deployment: Deployment) -> list[Person]:
    return await BulkPreparation(deployment, Progress()).people(9)


async def test_rooms_that_are_there_are_used_again(
    calls: Calls, rest: RestPreparation, people: list[Person], progress: Progress
) -> None:
    rooms = Rooms(members=3, each=2)
    first = await rest.rooms(people, rooms)
    token = people[0].token
    await calls.call("POST", f"/rooms/{first[0].rooms[0]}/messages", {"body": "hi"}, token=token)
    progress.steps.clear()
    again = await rest.rooms(people, rooms)
    assert [person.rooms for person in again] == [person.rooms for person in first]
    assert again[0].seqs == [2, 1]
    assert {text for text, _, of in progress.steps if of} == {"Looking for rooms"}
    # Of those that are as wanted one stays, of the others none.
    await check(calls, await rest.rooms(people, Rooms(members=3)), Rooms(members=3))


async def test_members_who_are_not_wanted_any_more_are_sent_away(
    calls: Calls, rest: RestPreparation, people: list[Person]
) -> None:
    everybody = Rooms(members=9)
    [room] = {person.rooms[0] for person in await rest.rooms(people, everybody)}
    with_owner, without = people[:3], people[3:5]
    # Who leaves without the owner leaves the others there.
    await rest.rooms(without, Rooms(each=0))
    accounts = {person.account for person in people}
    assert set(await members_of(calls, room, people[0].token)) == accounts - {
        person.account for person in without
    }
    three = Rooms(members=3)
    await check(calls, await rest.rooms(with_owner, three), three)
    assert await rooms_of(calls, people[8]) == {}


@pytest.mark.parametrize("kind", ["group", "channel"])
async def test_large_rooms_are_filled_one_by_one(
    calls: Calls,
    rest: RestPreparation,
    people: list[Person],
    monkeypatch: pytest.MonkeyPatch,
    kind: Literal["group", "channel"],
) -> None:
    monkeypatch.setattr(rest_rooms, "FIRST_MEMBERS", 2)
    rooms = Rooms(kind=kind, members=9)
    members = await rest.rooms(people, rooms)
    await check(calls, members, rooms)
    assert members[0].seqs == [1 + 6]


def test_rooms_are_created_with_as_many_as_the_server_takes() -> None:
    limits: Any = commands.Members
    assert limits.__metadata__[0].max_length == rest_rooms.FIRST_MEMBERS
