"""The client over real sockets, against a server that follows a script."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

import plaza_client
from plaza_client import (
    AnswerTimeout,
    Client,
    ClientClosed,
    ClientEvent,
    ConnectionLost,
    HistoryPage,
    Options,
    PlazaRefused,
    State,
    Status,
    Unreachable,
    WireError,
)
from plaza_client.wire import Encoding
from protocol import close, commands
from protocol.events import (
    Error,
    Gap,
    Page,
    PresenceChanged,
    ReadMarker,
    RelationChanged,
    Renamed,
    RoomAdded,
    RoomAnswer,
    RoomGone,
    SettingsChanged,
    TypingNotice,
)
from protocol.ids import Id
from protocol.records import Attachment, Level, PresenceState, Role, Room
from tests.plaza_client.conftest import (
    ADA,
    ATTIC,
    BOB,
    LOUNGE,
    Pauses,
    Peer,
    ScriptedServer,
    message,
    messages,
    room,
)

Vary = Callable[..., Options]


@asynccontextmanager
async def entered(
    server: ScriptedServer, options: Options, *rooms: Room, **arguments: Any
) -> AsyncIterator[tuple[Client, Peer]]:
    arguments = {"token": "t", **arguments}
    client = Client(server.url, options=options, **arguments)
    entering = asyncio.create_task(client.__aenter__())
    peer = await server.accept()
    await peer.welcome(*rooms)
    await entering
    try:
        yield client, peer
    finally:
        await client.close()


async def some(client: Client, count: int) -> list[ClientEvent]:
    events = client.events()
    return [await anext(events) for _ in range(count)]


# --- commands ------------------------------------------------------------------------------------


async def test_each_command_says_what_was_asked(
    server: ScriptedServer, options: Vary, encoding: Encoding
) -> None:
    picture = Attachment(id="p1", name="p.png")
    async with entered(server, options(), room(3), encoding=encoding) as (client, peer):
        calls = [
            (client.send(LOUNGE, "hi", reply_to=2, attachments=[picture], nonce="n"),
             commands.Send(id=2, room=LOUNGE, body="hi", reply_to=2, attachments=[picture],
                           nonce="n")),
            (client.edit(LOUNGE, 4, "ho", nonce="n"),
             commands.Edit(id=3, room=LOUNGE, seq=4, body="ho", nonce="n")),
            (client.delete(LOUNGE, 4, nonce="n"),
             commands.Delete(id=4, room=LOUNGE, seq=4, nonce="n")),
            (client.react(LOUNGE, 4, "👍", nonce="n"),
             commands.React(id=5, room=LOUNGE, seq=4, emoji="👍", nonce="n")),
            (client.unreact(LOUNGE, 4, "👍", nonce="n"),
             commands.Unreact(id=6, room=LOUNGE, seq=4, emoji="👍", nonce="n")),
            (client.read(LOUNGE, 3), commands.Read(id=7, room=LOUNGE, seq=3)),
            (client.join(ATTIC), commands.Join(id=8, room=ATTIC)),
            (client.leave(ATTIC), commands.Leave(id=9, room=ATTIC)),
            (client.invite(LOUNGE, BOB.id), commands.Invite(id=10, room=LOUNGE, account=BOB.id)),
            (client.kick(LOUNGE, BOB.id), commands.Kick(id=11, room=LOUNGE, account=BOB.id)),
            (client.promote(LOUNGE, BOB.id, "admin"),
             commands.Promote(id=12, room=LOUNGE, account=BOB.id, role=Role.ADMIN)),
            (client.rename(LOUNGE, "Salon"), commands.Rename(id=13, room=LOUNGE, title="Salon")),
            (client.pin(LOUNGE, 4, nonce="n"), commands.Pin(id=14, room=LOUNGE, seq=4, nonce="n")),
            (client.unpin(LOUNGE, 4, nonce="n"),
             commands.Unpin(id=15, room=LOUNGE, seq=4, nonce="n")),
            (client.read_all(), commands.ReadAll(id=16)),
            (client.delivered({LOUNGE: 4}), commands.Delivered(id=17, cursors={LOUNGE: 4})),
            (client.notify(LOUNGE, "none"),
             commands.Notify(id=18, room=LOUNGE, level=Level.NONE)),
            (client.ban(LOUNGE, BOB.id, seconds=60),
             commands.Ban(id=19, room=LOUNGE, account=BOB.id, seconds=60)),
            (client.unban(LOUNGE, BOB.id), commands.Unban(id=20, room=LOUNGE, account=BOB.id)),
            (client.mute(LOUNGE, BOB.id), commands.Mute(id=21, room=LOUNGE, account=BOB.id)),
            (client.unmute(LOUNGE, BOB.id), commands.Unmute(id=22, room=LOUNGE, account=BOB.id)),
            (client.slow_mode(LOUNGE, 30), commands.SlowMode(id=23, room=LOUNGE, seconds=30)),
            (client.set_presence("away", busy=True),
             commands.Presence(id=24, state="away", busy=True)),
            (client.watch([12, 13]), commands.Watch(id=25, accounts=[BOB.id, Id(13)])),
            (client.unwatch([13]), commands.Unwatch(id=26, accounts=[Id(13)])),
            (client.watch(feed="home", authors=[12], tags=["looms"], posts=(31, 32)),
             commands.Watch(id=27, feed="home", authors=[BOB.id], tags=["looms"],
                            posts=[Id(31), Id(32)])),
            (client.unwatch(posts=[31]), commands.Unwatch(id=28, posts=[Id(31)])),
        ]  # fmt: skip
        for call, expected in calls:
            calling = asyncio.create_task(call)
            command = await peer.read()
            assert command == expected
            await peer.ok(command, seq=4)
            assert (await calling).seq == 4
        assert client.rooms[LOUNGE].read_seq == 3


async def test_typing_is_said_at_once_or_not_at_all(
    server: ScriptedServer, options: Vary, pauses: Pauses
) -> None:
    async with entered(server, options(), room(3)) as (client, peer):
        for answer in ("rate_limited", None):
            calling = asyncio.create_task(client.typing(LOUNGE, thread=2))
            typing = await peer.expect(commands.Typing)
            assert (typing.room, typing.thread, typing.active) == (LOUNGE, 2, True)
            if answer:
                await peer.say(Error(id=typing.id, code=answer, message="Later.", retry_after=3))
            else:
                peer.drop()
            await calling
        await client.typing(LOUNGE, active=False)  # there is no connection yet
        again = await server.accept()
        await again.welcome(room(3))
        await client._link._current()
        calling = asyncio.create_task(client.typing(ATTIC))
        typing = await again.expect(commands.Typing)
        await again.say(Error(id=typing.id, code="forbidden", message="You are no member."))
        with pytest.raises(PlazaRefused, match="no member"):
            await calling
        assert pauses.seconds == [0.25]


async def test_who_is_muted_is_told_at_once(
    server: ScriptedServer, options: Vary, pauses: Pauses
) -> None:
    async with entered(server, options()) as (client, peer):
        calling = asyncio.create_task(client.send(LOUNGE, "hi"))
        send = await peer.expect(commands.Send)
        await peer.say(Error(id=send.id, code="muted", message="You are muted."))
        with pytest.raises(PlazaRefused, match="muted"):
            await calling
        assert pauses.seconds == []


async def test_a_thread_is_read_by_itself(server: ScriptedServer, options: Vary) -> None:
    async with entered(server, options()) as (client, peer):
        calling = asyncio.create_task(client.history(LOUNGE, thread=4, after=9))
        command = await peer.expect(commands.History)
        assert command == commands.History(id=2, room=LOUNGE, thread=4, after=9)
        await peer.say(Page(id=2, events=[], more=False))
        assert await calling == HistoryPage([], False)


async def test_plain_numbers_do_for_ids(server: ScriptedServer, options: Vary) -> None:
    async with entered(server, options()) as (client, peer):
        calling = asyncio.create_task(client.send(21, "hi"))
        await peer.ok(await peer.expect(commands.Send), seq=1)
        await calling


async def test_a_created_room_is_known_at_once(
    server: ScriptedServer, options: Vary, encoding: Encoding
) -> None:
    async with entered(server, options(), encoding=encoding) as (client, peer):
        calling = asyncio.create_task(client.create_room("group", "Attic", [12]))
        command = await peer.expect(commands.CreateRoom)
        assert (command.kind, command.title, command.members) == ("group", "Attic", [BOB.id])
        await peer.say(RoomAnswer(id=command.id, room=room(1, id=ATTIC)))
        assert await calling == client.rooms[ATTIC] == room(1, id=ATTIC)


async def test_history(server: ScriptedServer, options: Vary, encoding: Encoding) -> None:
    async with entered(server, options(), encoding=encoding) as (client, peer):
        calling = asyncio.create_task(client.history(LOUNGE, before=9, limit=2))
        command = await peer.expect(commands.History)
        assert command == commands.History(id=2, room=LOUNGE, before=9, limit=2)
        await peer.say(Page(id=2, events=list(messages(7, 8)), more=True))
        assert await calling == HistoryPage(list(messages(7, 8)), True)


async def test_nonces_differ_between_messages_and_between_clients(
    server: ScriptedServer, options: Vary
) -> None:
    nonces = []
    for _ in range(2):
        async with entered(server, options()) as (client, peer):
            for _ in range(2):
                calling = asyncio.create_task(client.send(LOUNGE, "hi"))
                send = await peer.expect(commands.Send)
                nonces.append(send.nonce)
                await peer.ok(send, seq=1)
                await calling
    assert len(set(nonces)) == 4


async def test_a_refusal_is_raised(server: ScriptedServer, options: Vary) -> None:
    async with entered(server, options()) as (client, peer):
        calling = asyncio.create_task(client.send(LOUNGE, "hi"))
        send = await peer.expect(commands.Send)
        await peer.say(Error(id=send.id, code="forbidden", message="Your role does not allow it."))
        with pytest.raises(PlazaRefused, match="role") as refusal:
            await calling
        assert (refusal.value.code, refusal.value.may_retry) == ("forbidden", False)


async def test_a_message_is_sent_again_with_its_nonce_after_a_reconnect(
    server: ScriptedServer, options: Vary, encoding: Encoding
) -> None:
    async with entered(server, options(), encoding=encoding) as (client, peer):
        calling = asyncio.create_task(client.send(LOUNGE, "hi"))
        first = await peer.expect(commands.Send)
        peer.drop()
        again = await server.accept()
        await again.welcome()
        second = await again.expect(commands.Send)
        assert (second.nonce, second.body) == (first.nonce, "hi")
        await again.ok(second, seq=9)
        assert (await calling).seq == 9


@pytest.mark.parametrize("code", ["unavailable", "overloaded", "rate_limited", "internal"])
async def test_a_message_is_sent_again_with_its_nonce_when_that_can_help(
    server: ScriptedServer, options: Vary, pauses: Pauses, code: str
) -> None:
    async with entered(server, options()) as (client, peer):
        calling = asyncio.create_task(client.send(LOUNGE, "hi"))
        sends = []
        for retry_after in (None, 2.5):
            sends.append(await peer.expect(commands.Send))
            await peer.say(
                Error(id=sends[-1].id, code=code, message="Later.", retry_after=retry_after)
            )
        sends.append(await peer.expect(commands.Send))
        await peer.ok(sends[-1], seq=9)
        assert (await calling).seq == 9
        assert len({send.nonce for send in sends}) == 1
        assert pauses.seconds == [0.25, 2.5 * 1.5]


async def test_a_pause_beyond_the_timeout_is_not_waited_for(
    server: ScriptedServer, options: Vary, pauses: Pauses
) -> None:
    async with entered(server, options(command_timeout=20)) as (client, peer):
        calling = asyncio.create_task(client.send(LOUNGE, "hi"))
        send = await peer.expect(commands.Send)
        await peer.say(Error(id=send.id, code="rate_limited", message="Later.", retry_after=20))
        with pytest.raises(PlazaRefused, match="Later"):
            await calling
        assert pauses.seconds == []


async def test_a_message_without_an_answer_times_out(server: ScriptedServer, options: Vary) -> None:
    async with entered(server, options(command_timeout=0.05)) as (client, peer):
        with pytest.raises(AnswerTimeout, match="same nonce"):
            await client.send(LOUNGE, "hi")
        await peer.expect(commands.Send)


async def test_a_command_may_be_cancelled(server: ScriptedServer, options: Vary) -> None:
    async with entered(server, options()) as (client, peer):
        calling = asyncio.create_task(client.send(LOUNGE, "hi"))
        await peer.expect(commands.Send)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        calling = asyncio.create_task(client.send(LOUNGE, "ho"))
        await peer.ok(await peer.expect(commands.Send), seq=4)
        assert (await calling).seq == 4


# --- events --------------------------------------------------------------------------------------


async def test_events_come_typed_and_keep_the_rooms_up(
    server: ScriptedServer, options: Vary, encoding: Encoding
) -> None:
    async with entered(server, options(), room(3), encoding=encoding) as (client, peer):
        assert (client.user, client.cursors) == (ADA, {LOUNGE: 3})
        renamed = Renamed(room=LOUNGE, sender=BOB.id, seq=4, event_id=Id(1), at="", title="Salon")
        added, gone = RoomAdded(room=room(7, id=ATTIC)), RoomGone(room=LOUNGE)
        await peer.say(renamed, added, message(8, room=ATTIC), gone)
        assert await some(client, 4) == [renamed, added, message(8, room=ATTIC), gone]
        assert client.rooms.keys() == client.cursors.keys() == {ATTIC}
        assert (client.rooms[ATTIC].last_seq, client.cursors[ATTIC]) == (8, 8)


async def test_a_reconnect_resumes_from_the_cursors_without_doubles(
    server: ScriptedServer, options: Vary, pauses: Pauses
) -> None:
    async with entered(server, options(), room(3)) as (client, peer):
        await peer.say(*messages(4, 5))
        assert await some(client, 2) == messages(4, 5)
        peer.drop()
        again = await server.accept()
        assert (await again.welcome(room(7))).cursors == {LOUNGE: 5}
        await again.say(*messages(5, 8))
        assert await some(client, 3) == messages(6, 8)
        assert pauses.seconds == [0.25]


async def test_what_waits_in_the_inbox_is_not_asked_for_again(
    server: ScriptedServer, options: Vary
) -> None:
    async with entered(server, options(), room(3)) as (client, peer):
        await peer.say(*messages(4, 5))
        await peer.close(close.SLOW)
        again = await server.accept()
        assert (await again.welcome(room(6))).cursors == {LOUNGE: 5}
        assert client.cursors == {LOUNGE: 3}
        await again.say(message(6))
        assert await some(client, 3) == messages(4, 6)


async def test_an_earlier_run_is_resumed(server: ScriptedServer, options: Vary) -> None:
    client = Client(server.url, token="t", cursors={LOUNGE: 1}, options=options())
    entering = asyncio.create_task(client.__aenter__())
    peer = await server.accept()
    assert (await peer.welcome(room(3), room(9, id=ATTIC))).cursors == {LOUNGE: 1}
    await entering
    await peer.say(*messages(2, 3))
    assert await some(client, 2) == messages(2, 3)
    assert client.cursors == {LOUNGE: 3, ATTIC: 9}
    await client.close()


async def test_a_hole_is_read_from_the_log(
    server: ScriptedServer, options: Vary, encoding: Encoding
) -> None:
    async with entered(server, options(), room(3), encoding=encoding) as (client, peer):
        await peer.say(message(4), message(7))
        reading = asyncio.create_task(some(client, 4))
        history = await peer.expect(commands.History)
        assert (history.room, history.after, history.limit) == (LOUNGE, 4, 2)
        await peer.say(Page(id=history.id, events=list(messages(5, 6)), more=True))
        assert await reading == messages(4, 7)


async def test_a_gap_is_read_from_the_log_even_when_the_connection_breaks(
    server: ScriptedServer, options: Vary
) -> None:
    async with entered(server, options(), room(3)) as (client, peer):
        await peer.say(Gap(room=LOUNGE, from_=4, to=5), message(6))
        reading = asyncio.create_task(some(client, 3))
        await peer.expect(commands.History)
        peer.drop()
        again = await server.accept()
        assert (await again.welcome(room(6))).cursors == {LOUNGE: 6}
        history = await again.expect(commands.History)
        await again.say(Page(id=history.id, events=list(messages(4, 5)), more=True))
        assert await reading == messages(4, 6)


async def test_rooms_that_came_and_went_during_an_interruption_are_told(
    server: ScriptedServer, options: Vary
) -> None:
    async with entered(server, options(), room(3)) as (client, peer):
        peer.drop()
        again = await server.accept()
        await again.welcome(room(8, id=ATTIC))
        await again.say(RoomGone(room=LOUNGE), message(9, room=ATTIC))
        assert await some(client, 3) == [
            RoomGone(room=LOUNGE),
            RoomAdded(room=room(8, id=ATTIC)),
            message(9, room=ATTIC),
        ]


async def test_rooms_whose_cursors_hello_had_no_space_for_are_caught_up(
    server: ScriptedServer, options: Vary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plaza_client.intake.CURSORS_IN_HELLO", 1)
    async with entered(server, options(), room(3), room(3, id=ATTIC)) as (client, peer):
        peer.drop()
        again = await server.accept()
        assert (await again.welcome(room(3), room(5, id=ATTIC))).cursors == {LOUNGE: 3}
        reading = asyncio.create_task(some(client, 2))
        history = await again.expect(commands.History)
        await again.say(Page(id=history.id, events=list(messages(4, 5, room=ATTIC)), more=False))
        assert await reading == messages(4, 5, room=ATTIC)


async def test_a_wait_for_events_may_time_out_and_go_on(
    server: ScriptedServer, options: Vary
) -> None:
    async with entered(server, options(), room(3)) as (client, peer):
        events = client.events()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(events), 0.01)
        await peer.say(message(4))
        assert await anext(events) == message(4)


async def test_events_end_with_the_client(server: ScriptedServer, options: Vary) -> None:
    async with entered(server, options(), room(3)) as (client, peer):
        seen: asyncio.Queue[ClientEvent] = asyncio.Queue()

        async def listen() -> None:
            async for event in client.events():
                seen.put_nowait(event)

        listening = asyncio.create_task(listen())
        await peer.say(message(4))
        assert await seen.get() == message(4)
        await client.close()
        await listening


# --- backpressure --------------------------------------------------------------------------------


async def flooded(peer: Peer, first: int) -> int:
    """Send until the client reads no more; the seq of the last message."""
    body = "x" * 8_000
    seq = first
    with suppress(TimeoutError):
        while True:
            await asyncio.wait_for(peer.say(message(seq, body=body)), 0.2)
            seq += 1
    return seq


async def test_a_slow_consumer_stops_the_reading_and_loses_nothing(
    server: ScriptedServer, options: Vary
) -> None:
    async with entered(server, options(inbox_events=10), room(0)) as (client, peer):
        listening = client.events()
        last = await flooded(peer, 1)
        peer.drop()
        reading = asyncio.create_task(some(client, last))
        again = await server.accept()
        seen = (await again.welcome(room(last))).cursors[LOUNGE]
        del listening
        await again.say(*messages(seen + 1, last))
        assert [event.seq for event in await reading] == list(range(1, last + 1))


async def test_a_full_inbox_does_not_keep_answers_away(
    server: ScriptedServer, options: Vary
) -> None:
    async with entered(server, options(inbox_events=2), room(0)) as (client, peer):
        events = client.events()
        await peer.say(*messages(1, 5))
        assert await anext(events) == message(1)
        sending = asyncio.create_task(client.send(LOUNGE, "hi"))
        send = await peer.expect(commands.Send)
        await peer.say(*messages(6, 7))
        await peer.ok(send, seq=8)
        assert (await sending).seq == 8
        await peer.say(message(8))
        answering = asyncio.create_task(answer_histories(peer))
        assert await some(client, 7) == messages(2, 8)
        answering.cancel()


async def answer_histories(peer: Peer) -> None:
    while True:
        history = await peer.expect(commands.History)
        assert history.after is not None
        entries = messages(history.after + 1, history.after + history.limit)
        await peer.say(Page(id=history.id, events=list(entries), more=False))


async def test_a_client_that_never_listens_keeps_reading_and_may_begin_later(
    server: ScriptedServer, options: Vary
) -> None:
    async with entered(server, options(inbox_events=2), room(0)) as (client, peer):
        await peer.say(*messages(1, 1_000))
        joining = asyncio.create_task(client.join(ATTIC))
        await peer.ok(await peer.expect(commands.Join), seq=1)
        await joining  # the answer came behind the messages, so they have been read
        assert client.cursors == {LOUNGE: 0}
        answering = asyncio.create_task(answer_histories(peer))
        assert await some(client, 1_000) == messages(1, 1_000)
        answering.cancel()


# --- the connection's life -----------------------------------------------------------------------


async def test_the_state_is_told(server: ScriptedServer, options: Vary) -> None:
    told: list[Status] = []
    async with entered(server, options(), on_status=told.append) as (client, peer):
        await peer.close(close.RESTART)
        await (await server.accept()).welcome()
        await client._link._current()  # until the client has read ready
    states = [status.state for status in told]
    assert states[:5] == [
        State.CONNECTING,
        State.CONNECTED,
        State.WAITING,
        State.CONNECTING,
        State.CONNECTED,
    ]
    assert states[5:] == [State.CLOSED]
    assert told[2].delay == 0.25
    assert isinstance(told[2].error, ConnectionLost)
    assert told[2].error.code == 4001


async def test_the_server_says_when_to_come_back(
    server: ScriptedServer, options: Vary, pauses: Pauses
) -> None:
    async with entered(server, options(retry_after_cap=60.0)) as (_, peer):
        latest = peer
        for seconds in (0.1, 4.0, 9000.0):
            await latest.close(close.with_delay(close.RESTART, seconds))
            latest = await server.accept()
            await latest.welcome()
        latest.drop()
        await (await server.accept()).welcome()
        # The hint and up to half as much, at least the first step of the backoff; which is as if
        # nothing had happened.
        assert pauses.seconds == [0.1 + 0.25, 4.0 * 1.5, 60.0 * 1.5, 0.25]


async def test_a_refused_handshake_says_when_to_come_back(
    server: ScriptedServer, options: Vary, pauses: Pauses
) -> None:
    server.refusals += [(503, "7"), (429, "soon"), (503, "0")]
    async with entered(server, options()):
        assert pauses.seconds == [7 * 1.5, 0.25, 0.5]


async def test_people_and_relations_are_kept_up(
    server: ScriptedServer, options: Vary, encoding: Encoding
) -> None:
    async with entered(server, options(), room(3), encoding=encoding) as (client, peer):
        events = [
            PresenceChanged(account=BOB.id, state=PresenceState.AWAY),
            TypingNotice(room=LOUNGE, account=BOB.id),
            RelationChanged(account=BOB.id, blocked=True, muted=True),
            SettingsChanged(busy=True, hidden=True),
            ReadMarker(room=LOUNGE, account=ADA.id, seq=3, unread=0, mentions=0, last_seq=3),
        ]
        await peer.say(*events)
        assert await some(client, 5) == events
        assert client.presence == {BOB.id: events[0]}
        assert client.blocked == client.muted == {BOB.id}
        assert client.busy
        assert client.hidden
        assert client.rooms[LOUNGE].read_seq == 3


async def test_what_holds_for_a_connection_is_said_again_on_the_next(
    server: ScriptedServer, options: Vary
) -> None:
    async with entered(server, options()) as (client, peer):
        for call in (
            client.set_presence("away"),
            client.set_presence(busy=True),
            client.watch(range(100, 250, 2)),
            client.watch(range(101, 250, 2)),
            client.unwatch([249]),
            client.watch(feed="home", authors=[7, 8], tags=["#Looms", "yarn"]),
            client.watch(posts=range(1, 51)),
            client.watch(posts=range(51, 103)),
            client.unwatch(authors=[8], tags=["YARN"], posts=[102]),
        ):
            calling = asyncio.create_task(call)
            await peer.ok(await peer.read(), seq=1)
            await calling
        peer.drop()
        again = await server.accept()
        await again.welcome()
        away = await again.expect(commands.Presence)
        assert (away.state, away.busy, away.hidden) == ("away", None, None)
        await again.say(Error(id=away.id, code="rate_limited", message="Later.", retry_after=1))
        watched: list[Id] = []
        for _ in range(2):
            watch = await again.expect(commands.Watch)
            watched += watch.accounts
            await again.ok(watch, seq=1)
        assert watched == list(range(100, 249))
        for expected in (
            commands.Watch(id=0, feed="home"),
            commands.Watch(id=0, authors=[Id(7)]),
            commands.Watch(id=0, tags=["looms"]),
            commands.Watch(id=0, posts=list(map(Id, range(1, 101)))),
            commands.Watch(id=0, posts=[Id(101)]),
        ):
            watch = await again.expect(commands.Watch)
            assert replace(watch, id=0) == expected
            await again.ok(watch, seq=1)


async def test_a_feed_that_is_watched_no_longer_is_not_said_again(
    server: ScriptedServer, options: Vary
) -> None:
    async with entered(server, options()) as (client, peer):
        for call in (
            client.watch(feed="home"),
            client.unwatch(authors=[7]),
            client.watch(posts=[1]),
            client.unwatch(feed="home"),
        ):
            calling = asyncio.create_task(call)
            await peer.ok(await peer.read(), seq=1)
            await calling
        peer.drop()
        again = await server.accept()
        await again.welcome()
        watch = await again.expect(commands.Watch)
        assert (watch.feed, watch.posts) == (None, [Id(1)])
        await again.ok(watch, seq=1)


async def test_what_has_come_is_acknowledged_once_in_a_while(
    server: ScriptedServer, options: Vary, pauses: Pauses
) -> None:
    rooms = room(3), room(5, id=ATTIC)
    async with entered(server, options(delivered=True), *rooms) as (_, peer):
        await peer.say(*messages(4, 6), TypingNotice(room=ATTIC, account=BOB.id))
        first = await peer.expect(commands.Delivered)
        assert first.cursors == {LOUNGE: 6}
        await peer.ok(first, seq=1)
        await peer.say(message(6, room=ATTIC))
        second = await peer.expect(commands.Delivered)
        assert second.cursors == {ATTIC: 6}
        await peer.say(Error(id=second.id, code="rate_limited", message="Later.", retry_after=1))
        third = await peer.expect(commands.Delivered)
        assert third.cursors == {ATTIC: 6}
        peer.drop()  # whether it was carried out is not known
        again = await server.accept()
        await again.welcome(room(6), room(6, id=ATTIC))
        fourth = await again.expect(commands.Delivered)
        assert fourth.cursors == {ATTIC: 6}
        await again.ok(fourth, seq=1)
        assert pauses.seconds.count(1.0) == 4


async def test_delays_grow_until_a_connection_has_lasted(
    server: ScriptedServer, options: Vary, pauses: Pauses
) -> None:
    now = [0.0]
    patient = options(clock=lambda: now[0])
    async with entered(server, patient) as (client, peer):
        latest = peer
        for delays in ([0.25], [0.25, 0.5], [0.25, 0.5, 1.0]):
            latest.drop()
            latest = await server.accept()
            await latest.welcome()
            await client._link._current()
            assert pauses.seconds == delays
        now[0] += 100
        latest.drop()
        await (await server.accept()).welcome()
        assert pauses.seconds[3:] == [0.25]


@pytest.mark.parametrize("code", [close.SESSION_REVOKED, close.UNAUTHORIZED, close.MESSAGE_TOO_BIG])
async def test_some_closes_are_final(
    server: ScriptedServer, options: Vary, code: close.Close
) -> None:
    async with entered(server, options(), room(3)) as (client, peer):
        calling = asyncio.create_task(client.send(LOUNGE, "hi"))
        await peer.expect(commands.Send)
        await peer.say(message(4))
        await peer.close(code)
        with pytest.raises(ConnectionLost, match=str(code.code)):
            await calling
        assert await some(client, 1) == [message(4)]
        with pytest.raises(ConnectionLost, match=str(code.code)):
            await some(client, 1)
        with pytest.raises(ConnectionLost, match=str(code.code)):
            await client.join(LOUNGE)


async def test_a_frame_that_cannot_be_read_is_final(server: ScriptedServer, options: Vary) -> None:
    async with entered(server, options()) as (client, peer):
        calling = asyncio.create_task(client.join(LOUNGE))
        await peer.expect(commands.Join)
        await peer.say_raw(b"{")
        with pytest.raises(WireError):
            await calling


async def test_commands_of_a_closed_client_are_refused(
    server: ScriptedServer, options: Vary
) -> None:
    async with entered(server, options()) as (client, peer):
        calling = asyncio.create_task(client.join(LOUNGE))
        await peer.expect(commands.Join)
        await client.close()
        with pytest.raises(ClientClosed):
            await calling
        with pytest.raises(ClientClosed):
            await client.join(LOUNGE)
        assert peer.socket.close_code == 1000
        await client.close()


async def test_entering_may_be_cancelled(server: ScriptedServer, options: Vary) -> None:
    client = Client(server.url, token="t", options=options())
    entering = asyncio.create_task(client.__aenter__())
    peer = await server.accept()
    await peer.read()
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering
    await peer.socket.wait_closed()
    assert tasks_of_clients() == []


def tasks_of_clients() -> list[str]:
    """The names of the tasks that run code of plaza_client, or of websockets for it."""
    coroutines = {task.get_name(): task.get_coro() for task in asyncio.all_tasks()}
    package = str(Path(plaza_client.__file__).parent)
    return [
        name
        for name, coroutine in coroutines.items()
        if coroutine.cr_code.co_filename.startswith(package)  # type: ignore[union-attr]
        or "keepalive" in coroutine.__qualname__  # type: ignore[union-attr]
    ]


async def test_nobody_answers_at_the_start(options: Vary) -> None:
    # Pauses take no time here, so the tries are as many as fit into the timeout.
    with pytest.raises(Unreachable, match="Nothing answers"):
        async with Client("http://127.0.0.1:9", token="t", options=options(start_timeout=0.1)):
            pass


async def test_a_client_has_one_task(server: ScriptedServer, options: Vary) -> None:
    async with entered(server, options()):
        assert tasks_of_clients() == ["plaza client"]
    assert tasks_of_clients() == []


# --- tokens --------------------------------------------------------------------------------------


class Tokens:
    """A refresh callback that counts."""

    def __init__(self) -> None:
        self.given = 0

    async def __call__(self) -> str:
        self.given += 1
        return f"fresh {self.given}"


async def refuse_hello(peer: Peer, code: str, refused: close.Close) -> str | None:
    hello = await peer.expect(commands.Hello)
    await peer.say(Error(id=hello.id, code=code, message="No."))
    await peer.close(refused)
    return hello.token


async def test_an_expired_token_is_refreshed(server: ScriptedServer, options: Vary) -> None:
    client = Client(server.url, token="stale", refresh=Tokens(), options=options())
    entering = asyncio.create_task(client.__aenter__())
    peer = await server.accept()
    assert await refuse_hello(peer, "token_expired", close.UNAUTHORIZED) == "stale"
    peer = await server.accept()
    assert (await peer.welcome()).token == "fresh 1"
    await entering
    peer.drop()
    peer = await server.accept()
    assert (await peer.welcome()).token == "fresh 1"
    await client.close()


async def test_without_a_token_one_is_asked_for(server: ScriptedServer, options: Vary) -> None:
    client = Client(server.url, refresh=Tokens(), options=options())
    entering = asyncio.create_task(client.__aenter__())
    assert (await (await server.accept()).welcome()).token == "fresh 1"
    await entering
    await client.close()


async def test_a_refused_token_without_another_is_final(
    server: ScriptedServer, options: Vary
) -> None:
    client = Client(server.url, token="t", options=options())
    entering = asyncio.create_task(client.__aenter__())
    await refuse_hello(await server.accept(), "token_expired", close.UNAUTHORIZED)
    with pytest.raises(PlazaRefused) as refusal:
        await entering
    assert refusal.value.code == "token_expired"


async def test_a_fresh_token_that_is_refused_is_final(
    server: ScriptedServer, options: Vary
) -> None:
    client = Client(server.url, token="t", refresh=Tokens(), options=options())
    entering = asyncio.create_task(client.__aenter__())
    for _ in range(2):
        await refuse_hello(await server.accept(), "unauthorized", close.UNAUTHORIZED)
    with pytest.raises(PlazaRefused, match="No"):
        await entering


async def test_a_hello_that_is_refused_for_now_is_said_again(
    server: ScriptedServer, options: Vary, pauses: Pauses
) -> None:
    client = Client(server.url, token="t", options=options())
    entering = asyncio.create_task(client.__aenter__())
    await refuse_hello(await server.accept(), "unavailable", close.UNAVAILABLE)
    await (await server.accept()).welcome()
    await entering
    assert pauses.seconds == [0.25]
    await client.close()


def test_a_client_needs_some_token() -> None:
    with pytest.raises(ValueError, match="token"):
        Client("http://127.0.0.1:9")
