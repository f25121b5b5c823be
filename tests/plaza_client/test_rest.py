"""The REST client and the whole client against the real server, on a real Postgres."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from persistence.embedded import EmbeddedPostgres
from plaza_client import (
    Client,
    DeliveredMarker,
    Id,
    Message,
    Options,
    PlazaRefused,
    PresenceState,
    ReadMarker,
    Rest,
    Role,
    RoomKind,
    Settings,
    TypingNotice,
    Unreachable,
    User,
    WireError,
)
from plaza_client.wire import Encoding
from protocol.records import Level
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
    monkeypatch.setattr("plaza_client.rest_requests.PAGE", 2)
    people = await site.people(*["eve"] * 5)
    async with rest_of(site, people[0]) as rest:
        room = await rest.create_room("group", "Many", [int(person.id) for person in people[1:]])
        members = await rest.members(room.id)
    assert sorted(member.username for member in members) == sorted(
        person.username for person in people
    )


async def test_people_are_found_by_the_beginning_of_their_names(site: Site) -> None:
    people = await site.people(*["zoe"] * 3)
    async with rest_of(site, people[0]) as rest:
        found = await rest.accounts_beginning_with("ZOE_", limit=2)
        assert [user.username for user in found] == sorted(
            (person.username for person in people), key=str
        )[:2]
        assert await rest.accounts_beginning_with("nobody_here") == []


async def test_pins_bans_threads_and_what_is_found(site: Site) -> None:
    ada, bob = await site.people("ada", "bob")
    async with rest_of(site, ada) as rest, Client(site.url, token=ada.token) as client:
        room = await rest.create_room("group", "Engines", [int(bob.id)])
        root = await client.send(room.id, "the analytical engine")
        await client.send(room.id, "of brass", reply_to=root.seq)
        await client.send(room.id, "something else")
        await client.pin(room.id, root.seq)
        await client.ban(room.id, int(bob.id), seconds=3_600)
        assert [message.seq for message in await rest.pins(room.id)] == [root.seq]
        (ban,) = await rest.bans(room.id)
        assert (ban.username, ban.by) == (bob.username, client.user.id)
        thread = await rest.events(room.id, thread=root.seq)
        assert [event.body for event in thread.events if isinstance(event, Message)] == [
            "the analytical engine",
            "of brass",
        ]
        assert thread == await client.history(room.id, thread=root.seq)
        page = await rest.search("engine", limit=1)
        assert [(hit.room, hit.message.seq) for hit in page.items] == [(room.id, root.seq)]
        assert [piece.text for piece in page.items[0].fragments if piece.match] == ["engine"]
        assert page.next_cursor is None
        first = await rest.search("from:me", limit=2)
        second = await rest.search("from:me", limit=2, cursor=first.next_cursor)
        assert len({hit.message.seq for hit in first.items + second.items}) == 3


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


async def test_rooms_are_as_a_fresh_client_reads_them(site: Site, encoding: Encoding) -> None:
    ada, bob = await site.people("ada", "bob")
    patient = Options(delivered=True)
    async with (
        Client(site.url, token=ada.token, encoding=encoding) as one,
        Client(site.url, token=bob.token, encoding=encoding, options=patient) as other,
    ):
        room = await one.create_room("group", "Lounge", [other.user.id])
        hello = await one.send(room.id, "hello")
        await one.typing(room.id)
        called = await one.send(room.id, f"are you there, @{bob.username}?")
        await one.edit(room.id, called.seq, "is anybody there?")
        await one.delete(room.id, hello.seq)
        await one.slow_mode(room.id, 5)
        await one.rename(room.id, "Salon")
        await other.notify(room.id, "mentions")
        muted = await one.mute(room.id, other.user.id, seconds=3_600)
        heard = [event async for event in _until(other, seq=muted.seq)]
        assert TypingNotice(room=room.id, account=one.user.id) in heard
        async with Client(site.url, token=bob.token) as fresh:
            assert other.rooms == fresh.rooms
            assert other.rooms[room.id].unread == 1
        async for event in one.events():  # the other's client says so by itself
            if isinstance(event, DeliveredMarker) and event.seq >= muted.seq:
                assert event.account == other.user.id
                break
        await other.read(room.id, called.seq)
        async for event in other.events():
            if isinstance(event, ReadMarker) and event.account == other.user.id:
                break
        async with Client(site.url, token=bob.token) as fresh:
            assert other.rooms == fresh.rooms
            assert other.rooms[room.id].unread == 0


async def test_relations_and_settings_reach_the_client(site: Site) -> None:
    ada, bob = await site.people("ada", "bob")
    async with rest_of(site, ada) as rest, Client(site.url, token=ada.token) as client:
        events = client.events()
        await rest.block(int(bob.id))
        await rest.mute(int(bob.id))
        await rest.change_settings(busy=True)
        assert await rest.change_settings(hidden=True) == Settings(busy=True, hidden=True)
        assert await rest.settings() == Settings(busy=True, hidden=True)
        assert [
            [user.username for user in await listed] for listed in (rest.blocks(), rest.mutes())
        ] == [[bob.username]] * 2
        while not (client.blocked and client.muted and client.hidden):
            await anext(events)
        assert client.blocked == client.muted == {int(bob.id)}
        assert client.busy
        async with Client(site.url, token=ada.token) as fresh:
            assert (fresh.blocked, fresh.muted) == (client.blocked, client.muted)
            assert (fresh.busy, fresh.hidden) == (True, True)
        await rest.unblock(int(bob.id))
        await rest.unmute(int(bob.id))
        while client.blocked or client.muted:
            await anext(events)


async def test_who_is_here_is_known(site: Site, encoding: Encoding) -> None:
    ada, bob, eve = await site.people("ada", "bob", "eve")
    async with (
        Client(site.url, token=ada.token, encoding=encoding) as one,
        Client(site.url, token=eve.token) as third,
    ):
        events = one.events()
        await one.create_room("dm", members=[int(bob.id)])
        await one.watch([third.user.id])
        async with Client(site.url, token=bob.token) as other:
            await other.set_presence("away", busy=True)
            await third.set_presence("away")
            expected = {
                other.user.id: PresenceState.BUSY,
                third.user.id: PresenceState.AWAY,
            }
            while not expected.items() <= states_of(one).items():
                await anext(events)
            await other.set_presence(busy=False)
            while states_of(one)[other.user.id] is not PresenceState.AWAY:
                await anext(events)


def states_of(client: Client) -> dict[Id, PresenceState]:
    return {account: known.state for account, known in client.presence.items()}


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


async def test_receipts_and_wishes(site: Site) -> None:
    ada, bob = await site.people("ada", "bob")
    async with (
        Rest(site.url, access_token=ada.token) as adas,
        Rest(site.url, access_token=bob.token) as bobs,
    ):
        room = await adas.create_room("group", "Garden", [int(bob.id)])
        async with Client(site.url, token=ada.token) as client:
            seqs = [(await client.send(room.id, text)).seq for text in ("one", "two", "three")]
        assert [(seen.unread, seen.read_seq) for seen in await bobs.rooms()] == [(3, 1)]
        await bobs.read(room.id, seqs[0])
        assert [(seen.unread, seen.read_seq) for seen in await bobs.rooms()] == [(2, seqs[0])]
        receipts = {receipt.account: receipt for receipt in await adas.receipts(room.id)}
        assert receipts[Id(int(bob.id))].read_seq == seqs[0]
        assert receipts[Id(int(ada.id))].read_seq == seqs[2]
        await bobs.read_all()
        assert [seen.unread for seen in await bobs.rooms()] == [0]
        changed = await bobs.notify(room.id, "mentions")
        assert (changed.id, changed.notify) == (room.id, Level.MENTIONS)
