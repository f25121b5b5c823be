"""Frames: what one implementation writes, the other reads."""

import json

import msgpack
import pytest

from plaza_client.errors import WireError
from plaza_client.wire import (
    WIRES,
    Answer,
    Encoding,
    HistoryPage,
    UnknownEvent,
    Wire,
    log_place,
    shape,
)
from protocol import commands, events, feed_events, stream_events
from protocol.codec import CODECS, Codec
from protocol.ids import Id
from protocol.posts import (
    Author,
    Comment,
    Media,
    MediaKind,
    Poll,
    PollOption,
    Post,
    PostType,
    Preview,
    Variant,
    Visibility,
)
from protocol.records import (
    Attachment,
    Level,
    PresenceState,
    Reaction,
    Role,
    Room,
    RoomKind,
    Thread,
    User,
)
from protocol.streams import Stream, StreamState

ROOM = Id(2**63 - 1)
ADA = Id(11)
AT = "2026-11-22T18:51:07.125Z"
ENTRY = {"room": ROOM, "sender": ADA, "seq": 7, "event_id": Id(77), "at": AT}

COMMANDS = [
    commands.Hello(id=1, token="t", cursors={ROOM: 4, Id(2): 0}),
    commands.Hello(id=1),
    commands.Send(
        id=2,
        room=ROOM,
        body="höher, \U0001f44b \u2028 \x00",
        nonce="n-1",
        reply_to=3,
        attachments=[Attachment(id="a", name="b.png", type="image/png", size=2**53 - 1)],
    ),
    commands.Edit(id=3, room=ROOM, seq=2**53 - 1, body="new", nonce="n"),
    commands.Delete(id=4, room=ROOM, seq=1),
    commands.React(id=5, room=ROOM, seq=1, emoji="👍🏽"),
    commands.Unreact(id=6, room=ROOM, seq=1, emoji="x", nonce="n"),
    commands.Read(id=7, room=ROOM, seq=0),
    commands.History(id=8, room=ROOM, after=4, limit=200),
    commands.CreateRoom(id=9, kind=RoomKind.DM, members=[ADA], nonce="n"),
    commands.Join(id=10, room=ROOM),
    commands.Leave(id=11, room=ROOM),
    commands.Subscribe(id=31, room=ROOM),
    commands.Unsubscribe(id=32, room=ROOM),
    commands.Invite(id=12, room=ROOM, account=ADA),
    commands.Kick(id=13, room=ROOM, account=ADA),
    commands.Promote(id=14, room=ROOM, account=ADA, role=Role.ADMIN),
    commands.Rename(id=2**53 - 1, room=ROOM, title="T"),
    commands.Pin(id=15, room=ROOM, seq=3, nonce="n"),
    commands.Unpin(id=16, room=ROOM, seq=3),
    commands.ReadAll(id=17),
    commands.Delivered(id=18, cursors={ROOM: 9, Id(2): 1}),
    commands.Typing(id=19, room=ROOM, thread=3),
    commands.Typing(id=20, room=ROOM, active=False),
    commands.Notify(id=21, room=ROOM, level=Level.MENTIONS),
    commands.Ban(id=22, room=ROOM, account=ADA, seconds=60),
    commands.Unban(id=23, room=ROOM, account=ADA),
    commands.Mute(id=24, room=ROOM, account=ADA),
    commands.Unmute(id=25, room=ROOM, account=ADA),
    commands.SlowMode(id=26, room=ROOM, seconds=0),
    commands.Presence(id=27, state="away", busy=True, hidden=False),
    commands.Watch(id=28, accounts=[ADA, ROOM]),
    commands.Watch(id=28, feed="home", authors=[ADA], tags=["Café"], posts=[Id(31)]),
    commands.Unwatch(id=29, accounts=[ADA]),
    commands.Unwatch(id=29, feed="home", authors=[ADA], tags=["Café"], posts=[Id(31)]),
    commands.History(id=30, room=ROOM, thread=3),
]
AUTHOR = Author(id=ADA, username="ada", display_name="Ada L.", avatar="/media/k/96.webp")
POST = Post(
    id=Id(31),
    author=AUTHOR,
    type=PostType.POLL,
    at=AT,
    content="Which #loom?",
    tags=["loom"],
    mentions=[User(id=ADA, username="ada")],
    media=[
        Media(
            id=Id(34),
            kind=MediaKind.IMAGE,
            type="image/webp",
            url="/media/k/1080.webp",
            variants=[Variant(name="1080", url="/media/k/1080.webp", type="image/webp", bytes=9)],
        )
    ],
    poll=Poll(options=[PollOption(text="Old", votes=1), PollOption(text="New")], closes_at=AT),
)
STREAM = Stream(
    id=Id(35),
    owner=AUTHOR,
    title="Weaving",
    description="",
    category="Crafts",
    visibility=Visibility.PUBLIC,
    state=StreamState.LIVE,
    room=ROOM,
    play_url="/whep/35",
    created_at=AT,
    thumbnail=POST.media[0],
    started_at=AT,
    viewers=3,
)
QUOTE = Post(
    id=Id(32),
    author=AUTHOR,
    type=PostType.LINK,
    at=AT,
    visibility=Visibility.FRIENDS,
    content="Look",
    link="https://example.org/a",
    preview=Preview(url="https://example.org/a", title="A"),
    shared_id=POST.id,
    shared=POST,
    edits=1,
)
LOUNGE = Room(id=ROOM, kind=RoomKind.CHANNEL, last_seq=9, title="L", role=Role.OWNER, unread=2)
EVENTS = [
    events.Ready(
        id=1, user=User(id=ADA, username="ada"), session=Id(5), rooms=[LOUNGE], heartbeat=25
    ),
    events.Error(code="forbidden", message="No.", id=3, retry_after=1.5),
    events.Error(code="bad_request", message="What?"),
    events.Created(**ENTRY, kind=RoomKind.GROUP, title="T", members={ADA: Role.OWNER}),
    events.Message(
        **ENTRY,
        nonce="n-1",
        body="höher \x00 \U0001f44b",
        reply_to=3,
        attachments=[Attachment(id="a")],
        mentions=[ADA],
        edited_at=AT,
        reactions=[Reaction(emoji="👍", accounts=[ADA, Id(12)])],
    ),
    events.Message(**ENTRY, deleted=True),
    events.Edited(**ENTRY, target=3, body="new", mentions=[ADA]),
    events.Deleted(**ENTRY, target=3),
    events.Reacted(**ENTRY, target=3, emoji="👍"),
    events.Unreacted(**ENTRY, target=3, emoji="👍"),
    events.MemberChanged(**ENTRY, account=ADA, cause=events.MemberCause.PROMOTED, role=Role.ADMIN),
    events.MemberChanged(**ENTRY, account=ADA, cause=events.MemberCause.LEFT),
    events.Renamed(**ENTRY, title="T"),
    events.Gap(room=ROOM, from_=3, to=9),
    events.RoomAdded(room=LOUNGE),
    events.RoomGone(room=ROOM),
    events.Ready(
        id=1,
        user=User(id=ADA, username="ada"),
        session=Id(5),
        rooms=[],
        heartbeat=25,
        blocked=[ADA],
        muted=[Id(12)],
        busy=True,
        hidden=True,
    ),
    events.Message(
        **ENTRY, body="hi", pinned=True, replies=Thread(replies=1, last_seq=9, last_at=AT)
    ),
    events.Edited(**ENTRY, target=3, body="new", former_mentions=[ADA]),
    events.Deleted(**ENTRY, target=3, author=ADA, mentions=[ADA], thread=2),
    events.MemberChanged(
        **ENTRY, account=ADA, cause=events.MemberCause.BANNED, members=4, until=AT
    ),
    events.MemberMuted(**ENTRY, account=ADA, until=AT),
    events.SlowModeSet(**ENTRY, seconds=30),
    events.Pinned(**ENTRY, target=3),
    events.Unpinned(**ENTRY, target=3),
    events.LevelChanged(room=ROOM, level=Level.NONE),
    events.RelationChanged(account=ADA, blocked=True, muted=False),
    events.SettingsChanged(busy=True, hidden=False),
    events.ReadMarker(room=ROOM, account=ADA, seq=4),
    events.ReadMarker(room=ROOM, account=ADA, seq=4, unread=0, mentions=0, last_seq=9),
    events.DeliveredMarker(room=ROOM, account=ADA, seq=4),
    events.TypingNotice(room=ROOM, account=ADA),
    events.TypingNotice(room=ROOM, account=ADA, active=False, thread=3),
    events.PresenceChanged(account=ADA, state=PresenceState.OFFLINE, last_seen=AT),
    events.PresenceChanged(account=ADA, state=PresenceState.BUSY),
    events.RoomPresence(room=ROOM, online=0),
    feed_events.NewPost(feed="home", post=POST),
    feed_events.PostUpdated(feed="tag:looms", post=QUOTE),
    feed_events.PostDeleted(feed="post:31", post=POST.id),
    feed_events.PostCounters(post=POST.id, likes=0, comments=1, shares=2),
    feed_events.PostCounters(post=POST.id, likes=0, comments=0, shares=0, votes=[1, 0], voters=1),
    feed_events.NewComment(
        comment=Comment(id=Id(33), post=POST.id, at=AT, author=AUTHOR, content="Yes.")
    ),
    stream_events.StreamStarted(stream=STREAM),
    stream_events.StreamChanged(stream=STREAM.id, state=StreamState.INTERRUPTED),
    stream_events.StreamEnded(stream=STREAM.id, at=AT),
    stream_events.StreamViewers(stream=STREAM.id, viewers=0),
]


@pytest.fixture
def wire(encoding: Encoding) -> Wire:
    return WIRES[encoding]


@pytest.fixture
def codec(wire: Wire) -> Codec:
    return CODECS[wire.subprotocol]


def test_every_command_is_tried() -> None:
    assert {type(command) for command in COMMANDS} == set(commands.AnyCommand.__args__)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_the_server_reads_what_the_client_writes(
    wire: Wire, codec: Codec, command: commands.Command
) -> None:
    assert codec.decode(wire.encode(command)) == command


def test_every_event_is_tried() -> None:
    everything = events.AnyEvent | feed_events.AnyFeedEvent | stream_events.AnyStreamEvent
    assert {type(event) for event in EVENTS} | {events.Ok} == set(everything.__args__)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_the_client_reads_what_the_server_writes(
    wire: Wire, codec: Codec, event: events.Event
) -> None:
    assert wire.decode(codec.encode(event)) == event


def test_an_answer_gets_the_shape_that_belongs_to_its_command(wire: Wire, codec: Codec) -> None:
    ok = events.Ok(id=3, seq=9, event_id=Id(77), at=AT)
    nothing_written = events.Ok(id=4)
    created = events.RoomAnswer(id=5, room=LOUNGE)
    entries = [event for event in EVENTS if isinstance(event, events.RoomEvent)]
    page = events.Page(id=6, events=entries, more=True)

    def answer(event: events.Event) -> Answer:
        decoded = wire.decode(codec.encode(event))
        assert isinstance(decoded, Answer)
        return decoded

    assert answer(ok).id == 3
    assert shape(answer(ok), events.Ok) == ok
    assert shape(answer(nothing_written), events.Ok) == nothing_written
    assert shape(answer(created), events.RoomAnswer) == created
    assert shape(answer(page), HistoryPage) == HistoryPage(entries, True)


@pytest.mark.parametrize("type_", [events.RoomAnswer, HistoryPage])
def test_an_answer_of_another_shape_is_an_error(type_: type) -> None:
    with pytest.raises(WireError):
        shape(Answer(1, {"t": "ok", "id": 1, "seq": 3}), type_)


def encoded(wire: Wire, fields: object) -> bytes:
    return json.dumps(fields).encode() if wire.text else msgpack.packb(fields)


def test_an_event_of_a_newer_server_is_passed_on(wire: Wire) -> None:
    wave = {"t": "wave", "room": "5", "account": "7"}
    assert wire.decode(encoded(wire, wave)) == UnknownEvent("wave", wave)


def test_an_unknown_entry_of_a_log_has_its_place(wire: Wire) -> None:
    poll = {"t": "poll", "room": "5", "sender": "7", "seq": 3, "event_id": "9", "at": AT}
    event = wire.decode(encoded(wire, poll))
    assert event == UnknownEvent("poll", poll, Id(5), 3)
    assert log_place(event) == (5, 3)


def test_a_seq_alone_makes_no_entry_of_a_log(wire: Wire) -> None:
    marker = {"t": "read", "room": "5", "account": "7", "seq": 3}
    assert log_place(wire.decode(encoded(wire, marker))) is None


def test_a_value_of_a_newer_server_makes_the_event_unknown(wire: Wire) -> None:
    fields = {"t": "member", "room": "5", "sender": "7", "seq": 3, "event_id": "9", "at": AT}
    fields |= {"account": "7", "cause": "abducted"}
    assert wire.decode(encoded(wire, fields)) == UnknownEvent("member", fields, Id(5), 3)


def test_unknown_entries_in_a_page_are_passed_on() -> None:
    poll = {"t": "poll", "room": "5", "sender": "7", "seq": 3, "event_id": "9", "at": AT}
    page = shape(Answer(1, {"t": "ok", "id": 1, "events": [poll], "more": False}), HistoryPage)
    assert page == HistoryPage([UnknownEvent("poll", poll, Id(5), 3)], False)


@pytest.mark.parametrize(
    "fields",
    [
        [],
        3,
        "ok",
        {},
        {"t": 3},
        {"t": "ok"},
        {"t": "ok", "id": "1"},
        {"t": "ready"},
        {"t": "error"},
    ],
)
def test_what_is_no_event_is_refused(wire: Wire, fields: object) -> None:
    with pytest.raises(WireError):
        wire.decode(encoded(wire, fields))


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff\xfe", b"\xc1", b"\x81", b"[" * 100_000])
def test_what_is_not_of_the_format_is_refused(wire: Wire, payload: bytes) -> None:
    with pytest.raises(WireError):
        wire.decode(payload)
