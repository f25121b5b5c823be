"""The REST client and the whole client against the real server, on a real Postgres."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from persistence.embedded import EmbeddedPostgres
from plaza_client import (
    Client,
    Message,
    PlazaRefused,
    Rest,
    Role,
    RoomKind,
    Unreachable,
    User,
    WireError,
)
from plaza_client.wire import Encoding
from server.config import Config
from tests.e2e.site import Person, Site, copy_of, serving

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
async def site(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Site]:
    async with copy_of(template, postgres) as dsn, serving(dsn, Config()) as served:
        yield served


def rest_of(site: Site, person: Person) -> Rest:
    return Rest(site.url, access_token=person.token)


async def test_an_account_from_sign_up_to_log_out(site: Site) -> None:
    async with Rest(site.url) as rest:
        session = await rest.sign_up("Grace", "grace@example.org", PASSWORD)
        assert session.account.username == "grace"
        assert (await rest.me()).email == "grace@example.org"
        first = rest.refresh_token
        assert await rest.refresh() == rest.access_token
        assert rest.refresh_token != first
        assert await rest.account_named("GRACE") == User(id=session.account.id, username="grace")
        assert await rest.account_named("nobody_here") is None
        assert (await rest.account(session.account.id)).username == "grace"
        await rest.log_out()
        assert (rest.access_token, rest.refresh_token) == (None, None)
        again = await rest.log_in("grace@example.org", PASSWORD)
        assert again.account == session.account


async def test_a_refusal_has_its_code(site: Site) -> None:
    async with Rest(site.url) as rest:
        with pytest.raises(PlazaRefused) as refusal:
            await rest.log_in("nobody_here", PASSWORD)
        assert refusal.value.code == "invalid_credentials"
        with pytest.raises(PlazaRefused) as refusal:
            await rest.me()
        assert refusal.value.code == "unauthorized"


async def test_an_expired_token_is_refreshed_on_the_way_and_once(site: Site) -> None:
    async with Rest(site.url) as rest:
        await rest.sign_up("hopper", "hopper@example.org", PASSWORD)
        person = await site.person(age=100_000)
        rest.access_token = person.token
        # Two refreshes with one refresh token would end the session.
        accounts = await asyncio.gather(*[rest.me() for _ in range(5)])
        assert {account.username for account in accounts} == {"hopper"}


async def test_rooms_members_and_events(site: Site) -> None:
    ada, bob = await site.people("ada", "bob")
    async with rest_of(site, ada) as rest, rest_of(site, bob) as other:
        group = await rest.create_room("group", "Lounge", [int(bob.id)])
        assert (group.kind, group.title, group.role) == (RoomKind.GROUP, "Lounge", Role.OWNER)
        again = [await rest.create_room("channel", "Pub", key="k") for _ in range(2)]
        assert again[0].id == again[1].id
        assert {room.id for room in await rest.rooms()} == {group.id, again[0].id}
        assert again[0].id in {room.id for room in await other.channels()}
        members = {member.username: member.role for member in await other.members(group.id)}
        assert members == {ada.username: Role.OWNER, bob.username: Role.MEMBER}
        page = await other.events(group.id, after=0, limit=1)
        assert ([event.seq for event in page.events], page.more) == ([1], False)


async def test_lists_are_read_to_their_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plaza_client.rest.PAGE", 2)
    people = await site.people(*["eve"] * 5)
    async with rest_of(site, people[0]) as rest:
        room = await rest.create_room("group", "Many", [int(person.id) for person in people[1:]])
        members = await rest.members(room.id)
    assert sorted(member.username for member in members) == sorted(
        person.username for person in people
    )


async def test_nobody_listens() -> None:
    async with Rest("http://127.0.0.1:9") as rest:
        with pytest.raises(Unreachable, match="Nothing answers"):
            await rest.me()


@pytest.mark.parametrize(("status", "expected"), [(502, Unreachable), (200, WireError)])
async def test_whoever_answers_is_no_plaza(status: int, expected: type[Exception]) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %d X\r\nContent-Length: 3\r\n\r\n<p>" % status)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as other:
        host, port = other.sockets[0].getsockname()
        async with Rest(f"http://{host}:{port}") as rest:
            with pytest.raises(expected, match=str(status)):
                await rest.me()


async def test_two_clients_talk(site: Site, encoding: Encoding) -> None:
    ada, bob = await site.people("ada", "bob")
    async with (
        Client(site.url, token=ada.token, encoding=encoding) as one,
        Client(site.url, token=bob.token, encoding=encoding) as other,
    ):
        room = await one.create_room("dm", members=[other.user.id])
        written = await one.send(room.id, "hi", nonce="n")
        assert await one.send(room.id, "hi", nonce="n") == type(written)(
            id=written.id + 1, seq=written.seq, event_id=written.event_id, at=written.at
        )
        await other.react(room.id, written.seq, "👍")
        heard = [event async for event in _until(other, seq=written.seq)]
        assert isinstance(heard[-1], Message)
        assert (heard[-1].body, heard[-1].sender) == ("hi", one.user.id)
        page = await other.history(room.id, around=written.seq)
        assert isinstance(page.events[1], Message)
        assert page.events[1].reactions[0].accounts == [other.user.id]


async def test_a_client_with_credentials(site: Site) -> None:
    async with Rest(site.url) as rest:
        await rest.sign_up("turing", "turing@example.org", PASSWORD)
    async with Client(site.url, credentials=("turing", PASSWORD)) as client:
        assert client.user.username == "turing"
    with pytest.raises(PlazaRefused) as refusal:
        async with Client(site.url, credentials=("turing", "wrong password")):
            pass
    assert refusal.value.code == "invalid_credentials"


async def _until(client: Client, *, seq: object) -> AsyncIterator[object]:
    async for event in client.events():
        yield event
        if getattr(event, "seq", None) == seq:
            return
