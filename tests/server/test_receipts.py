"""Markers are told with counts that fit what has been heard, in whatever order things come."""

from collections.abc import Callable, Sequence
from typing import cast

import pytest

from persistence.database import Database
from persistence.marker_writer import MarkerWriter
from persistence.markers import Mark, Moved
from protocol.commands import Command, Delivered, Read
from protocol.errors import INTERNAL, NOT_FOUND, OVERLOADED, UNAVAILABLE, ErrorSpec, PlazaError
from protocol.events import DeliveredMarker, Event, Message, Ok, ReadMarker
from protocol.ids import Id
from protocol.records import Role, Room, RoomKind
from rooms.fanout import Fanout
from rooms.hub import Hub
from rooms.tail import Tails
from server.background import Background
from server.receipts import PATIENCE_TURNS, Receipts
from server.session import ChatSession
from tests.rooms.world import Door, Format

ADA, BOB, EVE = Id(1), Id(2), Id(3)
ROOM = Id(11)
START = 5  # the room's last seq
KEPT = 9  # events
LATER = START + KEPT + 6


class Device:
    """A connection that keeps what it is sent."""

    def __init__(self, wire: Format) -> None:
        self.wire = wire
        self.heard: list[Event] = []

    def enqueue(self, chunk: bytes) -> None:
        self.heard += self.wire.read(chunk)

    def deliver(self, chunk: bytes) -> None:
        self.enqueue(chunk)

    def offer(self, chunk: bytes) -> None:
        self.enqueue(chunk)

    def hear(self) -> list[Event]:
        heard, self.heard = self.heard, []
        return heard


class Writer:
    """Stands where the writer is: keeps what is asked of it, until the test answers."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[Mark], Callable[[list[PlazaError]], None]]] = []
        self.refusal: PlazaError | None = None

    def append(self, marks: Sequence[Mark], done: Callable[[list[PlazaError]], None]) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.asked.append((list(marks), done))


class Session:
    """A session that keeps its answers."""

    def __init__(self, account: Id) -> None:
        self.account = account
        self.answers: list[object] = []

    def answer(self, command: Command, event: Event) -> None:
        self.answers.append(event)

    def refuse(self, command: Command, error: PlazaError) -> None:
        self.answers.append(error.spec)


class Scene:
    """A room of ada, on two devices, bob and eve."""

    def __init__(self, *, members: int = 0) -> None:
        self.wire = Format()
        self.fanout = Fanout(self._wake)
        self.hub = Hub(
            self.fanout, lambda *event: None, Door(), Tails(room_events=KEPT, all_events=KEPT)
        )
        self.writer = Writer()
        self.receipts = Receipts(
            writer=cast(MarkerWriter, self.writer),
            database=cast(Database, None),
            hub=self.hub,
            background=Background(),
            wake=self._wake,
            members=members,
        )
        self.awake = False
        self.phone, self.laptop, self.bob, self.eve = [
            self._arrive(account) for account in (ADA, ADA, BOB, EVE)
        ]

    def _wake(self) -> None:
        self.awake = True

    def _arrive(self, account: Id) -> Device:
        device = Device(self.wire)
        person = self.hub.enter(account)
        record = Room(id=ROOM, kind=RoomKind.GROUP, last_seq=START, role=Role.MEMBER, members=3)
        places = self.hub.places([record])
        assert places is not None
        self.hub.settle(person, device, places)
        return device

    def publish(self, seq: int, *mentions: Id, sender: Id = BOB) -> None:
        self.hub.publish(Message(room=ROOM, sender=sender, seq=seq, mentions=list(mentions)))

    def publish_more_than_is_kept(self) -> None:
        for seq in range(START + 1, LATER + 1):
            self.publish(seq)

    def end_tick(self) -> None:
        self.awake = False
        self.fanout.flush()
        self.receipts.flush()

    def mark(self, seq: int) -> Session:
        """Ada reads."""
        session = Session(ADA)
        command = Read(id=1, room=ROOM, seq=seq)
        self.receipts.handlers[Read](cast(ChatSession, session), command)
        return session

    def moved(self, read: int, *, last_seq: int, unread: int = 0, mentions: int = 0) -> None:
        """What the first of the asked marks brought about."""
        _, done = self.writer.asked.pop(0)
        self.receipts.moved([Moved(ROOM, ADA, last_seq, 3, read, unread, mentions)])
        done([])


def counted(read: int, unread: int, mentions: int, *, upto: int = START) -> ReadMarker:
    return ReadMarker(
        room=ROOM, account=ADA, seq=read, unread=unread, mentions=mentions, last_seq=upto
    )


def uncounted(read: int) -> ReadMarker:
    return ReadMarker(room=ROOM, account=ADA, seq=read)


class TestRead:
    def test_is_told_with_counts_to_oneself_and_without_to_others(self) -> None:
        scene = Scene()
        session = scene.mark(3)
        assert session.answers == []
        scene.moved(3, last_seq=START, unread=2, mentions=1)
        assert session.answers == [Ok(id=1)]
        assert scene.awake
        scene.end_tick()
        for device in (scene.phone, scene.laptop):
            assert device.hear() == [counted(3, 2, 1)]
        for device in (scene.bob, scene.eve):
            assert device.hear() == [uncounted(3)]

    def test_is_told_behind_what_it_counts(self) -> None:
        scene = Scene()
        scene.mark(3)
        scene.publish(6)
        scene.moved(3, last_seq=6, unread=3)
        scene.end_tick()
        message, marker = scene.phone.hear()
        assert isinstance(message, Message)
        assert marker == counted(3, 3, 0, upto=6)

    def test_counts_what_was_published_since_the_statement(self) -> None:
        scene = Scene()
        scene.mark(3)
        scene.publish(6)
        scene.publish(7, ADA)
        scene.moved(3, last_seq=6, unread=3)
        scene.publish(8)
        scene.end_tick()
        assert scene.phone.hear()[-1] == counted(3, 5, 1, upto=8)
        scene.publish(9)
        scene.end_tick()
        assert len(scene.phone.hear()) == 1

    def test_waits_for_what_it_counts(self) -> None:
        scene = Scene()
        scene.mark(3)
        scene.moved(3, last_seq=7, unread=4)
        scene.end_tick()
        scene.publish(6)
        scene.end_tick()
        assert all(isinstance(event, Message) for event in scene.phone.hear())
        scene.publish(7)
        scene.publish(8)
        scene.end_tick()
        assert scene.phone.hear()[-1] == counted(3, 5, 0, upto=8)
        assert scene.bob.hear()[-1] == uncounted(3)

    def test_does_not_wait_for_ever(self) -> None:
        """What another process writes may not be published here."""
        scene = Scene()
        scene.mark(3)
        scene.moved(3, last_seq=7, unread=4)
        for _ in range(PATIENCE_TURNS):
            scene.end_tick()
            assert scene.phone.hear() == []
            scene.receipts.turn()
        assert scene.awake
        scene.end_tick()
        assert scene.phone.hear() == [counted(3, 4, 0, upto=7)]

    def test_a_message_of_ones_own_overtakes_it(self) -> None:
        scene = Scene()
        scene.mark(3)
        scene.publish(6, sender=ADA)
        scene.moved(3, last_seq=5, unread=2)
        scene.end_tick()
        assert scene.phone.hear()[-1] == counted(6, 0, 0, upto=6)

    def test_the_latest_of_a_tick_wins(self) -> None:
        scene = Scene()
        for seq in (3, 4):
            scene.mark(seq)
            scene.moved(seq, last_seq=START, unread=START - seq)
        scene.end_tick()
        assert scene.phone.hear() == [counted(4, 1, 0)]
        assert scene.bob.hear() == [uncounted(4)]

    def test_is_counted_anew_where_too_much_has_happened(self) -> None:
        scene = Scene()
        scene.mark(3)
        scene.publish_more_than_is_kept()
        scene.moved(3, last_seq=START, unread=2)
        scene.end_tick()
        assert not any(isinstance(event, ReadMarker) for event in scene.phone.hear())
        ((marks, _),) = scene.writer.asked
        assert marks == [Mark(ROOM, ADA, anyway=True)]
        scene.publish(LATER + 1)
        scene.moved(3, last_seq=LATER, unread=17)
        scene.end_tick()
        assert scene.phone.hear()[-1] == counted(3, 18, 0, upto=LATER + 1)

    @pytest.mark.parametrize("when", ["at once", "later"])
    def test_is_counted_anew_when_the_writer_is_back(self, when: str) -> None:
        scene = Scene()
        scene.mark(3)
        scene.publish_more_than_is_kept()
        if when == "at once":
            scene.writer.refusal = PlazaError(UNAVAILABLE)
        scene.moved(3, last_seq=START, unread=2)
        scene.end_tick()
        if when == "later":
            _, done = scene.writer.asked.pop()
            done([PlazaError(UNAVAILABLE)])
        assert scene.writer.asked == []
        scene.writer.refusal = None
        scene.receipts.turn()
        assert len(scene.writer.asked) == 1
        scene.moved(3, last_seq=LATER, unread=17)
        scene.end_tick()
        assert scene.phone.hear()[-1] == counted(3, 17, 0, upto=LATER)

    @pytest.mark.parametrize("spec", [NOT_FOUND, INTERNAL])
    def test_is_not_counted_again_and_again(self, spec: ErrorSpec) -> None:
        scene = Scene()
        scene.mark(3)
        scene.publish_more_than_is_kept()
        scene.moved(3, last_seq=START, unread=2)
        scene.end_tick()
        _, done = scene.writer.asked.pop()
        done([PlazaError(spec)])
        scene.receipts.turn()
        assert scene.writer.asked == []

    def test_in_a_large_room_the_others_are_not_told(self) -> None:
        scene = Scene(members=2)
        scene.mark(3)
        scene.moved(3, last_seq=START, unread=2)
        scene.receipts.moved([Moved(ROOM, ADA, START, 3, delivered=5)])
        scene.end_tick()
        assert scene.phone.hear() == [counted(3, 2, 0)]
        assert scene.bob.hear() == []

    def test_a_refusal_is_the_commands_answer(self) -> None:
        scene = Scene()
        session = scene.mark(3)
        _, done = scene.writer.asked.pop()
        done([PlazaError(NOT_FOUND)])
        assert session.answers == [NOT_FOUND]
        scene.writer.refusal = PlazaError(OVERLOADED)
        with pytest.raises(PlazaError):
            scene.mark(3)


def test_delivered_is_told_to_the_others() -> None:
    scene = Scene()
    scene.receipts.moved([Moved(ROOM, ADA, START, 3, delivered=5)])
    assert scene.phone.hear() == []
    for device in (scene.bob, scene.eve):
        assert device.hear() == [DeliveredMarker(room=ROOM, account=ADA, seq=5)]


@pytest.mark.parametrize(
    ("refused", "answer"),
    [([], Ok(id=1)), ([NOT_FOUND], Ok(id=1)), ([NOT_FOUND, UNAVAILABLE], UNAVAILABLE)],
)
def test_rooms_that_one_has_left_do_not_matter_to_delivered(
    refused: list[ErrorSpec], answer: object
) -> None:
    scene, session = Scene(), Session(ADA)
    command = Delivered(id=1, cursors={ROOM: 5, Id(12): 7})
    scene.receipts.handlers[Delivered](cast(ChatSession, session), command)
    ((marks, done),) = scene.writer.asked
    assert marks == [Mark(ROOM, ADA, delivered=5), Mark(Id(12), ADA, delivered=7)]
    done([PlazaError(spec) for spec in refused])
    assert session.answers == [answer]
