import pytest

from plaza_client.terminal_text import (
    accounts_in,
    clock_time,
    harmless,
    line_of,
    quotation,
    room_name,
)
from plaza_client.wire import ClientEvent, UnknownEvent
from protocol import events
from protocol.ids import Id
from protocol.records import Attachment, Reaction, Role, Room, RoomKind, Thread
from tests.plaza_client.conftest import ADA, ATTIC, BOB, LOUNGE, message, room

NAMES = {ADA.id: "ada", BOB.id: "bob"}
ENTRY = {"room": LOUNGE, "sender": ADA.id, "seq": 7, "event_id": Id(77), "at": ""}


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plaza_client.terminal_text.clock_time", lambda at: "12:03")


def shown(event: ClientEvent) -> str | None:
    line = line_of(event, NAMES.__getitem__, lambda room, seq: f"#{seq}")
    return None if line is None else line.plain


def member(cause: events.MemberCause, role: Role | None = None) -> events.MemberChanged:
    return events.MemberChanged(**ENTRY, account=BOB.id, cause=cause, role=role)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (message(1, body="hi"), "12:03 bob  hi"),
        (message(1, body="one\ntwo"), "12:03 bob  one\n           two"),
        (message(1, body="hi", reply_to=3), "12:03 bob  (to #3) hi"),
        (message(1, body="", deleted=True), "12:03 bob  deleted"),
        (message(1, body="hi", edited_at="x"), "12:03 bob  hi (edited)"),
        (
            message(1, body="", attachments=[Attachment(id="a", name="p.png"), Attachment(id="b")]),
            "12:03 bob   [p.png] [b]",
        ),
        (
            message(1, body="hi", reactions=[Reaction(emoji="👍", accounts=[ADA.id, BOB.id])]),
            "12:03 bob  hi 👍 2",
        ),
        (
            events.Created(**ENTRY, kind=RoomKind.GROUP, members={ADA.id: Role.OWNER}),
            "12:03 ada created the room",
        ),
        (events.Edited(**ENTRY, target=3, body="ho"), "12:03 ada edited #3: “ho”"),
        (events.Edited(**ENTRY, target=3), "12:03 ada edited #3"),
        (events.Deleted(**ENTRY, target=3), "12:03 ada deleted #3"),
        (events.Reacted(**ENTRY, target=3, emoji="👍"), "12:03 ada reacted 👍 to #3"),
        (events.Unreacted(**ENTRY, target=3, emoji="👍"), "12:03 ada took 👍 back from #3"),
        (events.Renamed(**ENTRY, title="Salon"), "12:03 ada renamed the room to Salon"),
        (member(events.MemberCause.JOINED, Role.MEMBER), "12:03 ada joined"),
        (member(events.MemberCause.INVITED, Role.MEMBER), "12:03 ada invited bob"),
        (member(events.MemberCause.LEFT), "12:03 ada left"),
        (member(events.MemberCause.KICKED), "12:03 ada removed bob"),
        (member(events.MemberCause.PROMOTED, Role.ADMIN), "12:03 ada made bob admin"),
        (member(events.MemberCause.BANNED), "12:03 ada banned bob"),
        (member(events.MemberCause.UNBANNED), "12:03 ada let bob come back"),
        (events.MemberMuted(**ENTRY, account=BOB.id, until="x"), "12:03 ada muted bob"),
        (events.MemberMuted(**ENTRY, account=BOB.id), "12:03 ada unmuted bob"),
        (events.Pinned(**ENTRY, target=3), "12:03 ada pinned #3"),
        (events.Unpinned(**ENTRY, target=3), "12:03 ada unpinned #3"),
        (
            events.SlowModeSet(**ENTRY, seconds=30),
            "12:03 ada set slow mode: one message every 30 s",
        ),
        (events.SlowModeSet(**ENTRY, seconds=0), "12:03 ada set slow mode: no waiting"),
        (
            message(1, body="hi", pinned=True, replies=Thread(replies=2, last_seq=9, last_at="")),
            "12:03 bob  hi [replies: 2] [pinned]",
        ),
        (events.TypingNotice(room=LOUNGE, account=BOB.id), None),
        (events.RoomAdded(room=room(3)), "You are in Lounge now."),
        (events.RoomGone(room=ATTIC), "You are no longer in this room."),
        (
            events.Gap(room=ATTIC, from_=3, to=5),
            "3 missed events can no longer be read.",
        ),
        (UnknownEvent("poll", {}, LOUNGE, 3), "Something that only a newer version can show."),
        (UnknownEvent("typing", {}), None),
    ],
)
def test_an_event_as_a_line(event: ClientEvent, line: str | None) -> None:
    assert shown(event) == line


def test_what_a_server_sends_does_not_steer_the_terminal() -> None:
    assert shown(message(1, body="\x1b[2Jboo\x07\u202e")) == "12:03 bob  �[2Jboo��"
    assert harmless("tab\tand\nline") == "tab\tand\nline"


def test_the_names_that_a_line_needs() -> None:
    assert accounts_in(message(1)) == {BOB.id}
    assert accounts_in(member(events.MemberCause.KICKED)) == {ADA.id, BOB.id}
    assert accounts_in(events.MemberMuted(**ENTRY, account=BOB.id)) == {ADA.id, BOB.id}
    assert accounts_in(events.RoomGone(room=ATTIC)) == set()


@pytest.mark.parametrize(
    ("record", "name"),
    [
        (Room(id=ATTIC, kind=RoomKind.DM, last_seq=0, peer=BOB), "@bob"),
        (Room(id=ATTIC, kind=RoomKind.CHANNEL, last_seq=0, title="Pub"), "#Pub"),
        (Room(id=ATTIC, kind=RoomKind.GROUP, last_seq=0, title="A\x1b"), "A�"),
    ],
)
def test_what_a_room_is_called(record: Room, name: str) -> None:
    assert room_name(record) == name


def test_a_quotation_is_short_and_on_one_line() -> None:
    assert quotation("one\n two") == "“one two”"
    assert quotation("x" * 100) == "“" + "x" * 29 + "…”"


def test_times_are_local_and_nonsense_is_no_time() -> None:
    hour, minute = clock_time("2026-11-22T18:51:07.125Z").split(":")
    assert (len(hour), len(minute)) == (2, 2)
    assert clock_time("soon") == "--:--"
