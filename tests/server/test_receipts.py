"""Markers are told with counts that fit what has been heard, in whatever order things come."""

from collections.abc import Callable, Sequence
from typing import cast

import pytest

from persistence.database import Database
from persistence.marker_writer import MarkerWriter
from persistence.markers import Mark, Moved
from protocol.errors import NOT_FOUND, OVERLOADED, UNAVAILABLE, PlazaError
from protocol.events import DeliveredMarker, Event, Message, ReadMarker
from protocol.ids import Id
from protocol.records import Role, Room, RoomKind
from rooms.fanout import Fanout
from rooms.hub import Hub
from rooms.tail import Tails
from server.background import Background
from server.receipts import PATIENCE_TURNS, Receipts
from tests.rooms.world import Door, Format

ADA, BOB, EVE = Id(1), Id(2), Id(3)
ROOM = Id(11)
START = 5  # the room's last seq


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


class Scene:
    """A room of ada, on two devices, bob and eve."""

    def __init__(self, *, members: int = 0) -> None:
        self.wire = Format()
        self.fanout = Fanout(self._wake)
        self.hub = Hub(self.fanout, lambda *event: None, Door(), Tails(room_events=9, all_events=9))
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
        self.hub.settle(person, device, [record])
        return device

    def publish(self, seq: int, *mentions: Id, sender: Id = BOB) -> None:
        event = Message(room=ROOM, sender=sender, seq=seq, mentions=list(mentions))
        self.hub.publish(event)
        self.receipts.published(event)

    def end_tick(self) -> None:
        self.awake = False
        self.fanout.flush()
        self.receipts.flush()

    def mark(self, seq: int) -> list[list[PlazaError]]:
        """Ada reads; returns where the answers come."""
        answers: list[list[PlazaError]] = []
        self.receipts._mark([Mark(ROOM, ADA, read=seq)], answers.append)
        return answers

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
        answers = scene.mark(3)
        scene.moved(3, last_seq=START, unread=2, mentions=1)
        assert answers == [[]]
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

    def test_is_counted_anew_where_it_is_not_known_what_happened(self) -> None:
        scene = Scene()
        scene.publish(6)
        scene.receipts.moved([Moved(ROOM, ADA, START, 3, read=3, unread=2)])  # of all one's rooms
        scene.end_tick()
        assert [type(event) for event in scene.phone.hear()] == [Message]
        ((marks, _),) = scene.writer.asked
        assert marks == [Mark(ROOM, ADA, anyway=True)]
        scene.publish(7)
        scene.moved(3, last_seq=6, unread=3)
        scene.end_tick()
        assert scene.phone.hear()[-1] == counted(3, 4, 0, upto=7)

    @pytest.mark.parametrize("when", ["at once", "later"])
    def test_is_counted_anew_when_the_writer_is_back(self, when: str) -> None:
        scene = Scene()
        if when == "at once":
            scene.writer.refusal = PlazaError(UNAVAILABLE)
        scene.publish(6)
        scene.receipts.moved([Moved(ROOM, ADA, START, 3, read=3, unread=2)])
        scene.end_tick()
        if when == "later":
            _, done = scene.writer.asked.pop()
            done([PlazaError(UNAVAILABLE)])
        assert scene.writer.asked == []
        scene.writer.refusal = None
        scene.receipts.turn()
        assert len(scene.writer.asked) == 1
        scene.moved(3, last_seq=6, unread=3)
        scene.end_tick()
        assert scene.phone.hear()[-1] == counted(3, 3, 0, upto=6)

    def test_nobody_is_counted_who_is_no_member_any_more(self) -> None:
        scene = Scene()
        scene.publish(6)
        scene.receipts.moved([Moved(ROOM, ADA, START, 3, read=3, unread=2)])
        scene.end_tick()
        _, done = scene.writer.asked.pop()
        done([PlazaError(NOT_FOUND)])
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

    def test_nothing_is_remembered_when_all_is_told(self) -> None:
        scene = Scene()
        scene.mark(3)
        scene.mark(4)
        scene.moved(3, last_seq=START)
        scene.end_tick()
        _, done = scene.writer.asked.pop()
        done([PlazaError(UNAVAILABLE)])
        assert len(scene.receipts._meanwhile) == 0

    def test_a_refusal_is_the_commands_answer(self) -> None:
        scene = Scene()
        scene.writer.refusal = PlazaError(OVERLOADED)
        with pytest.raises(PlazaError):
            scene.mark(3)
        assert len(scene.receipts._meanwhile) == 0


def test_delivered_is_told_to_the_others() -> None:
    scene = Scene()
    scene.receipts.moved([Moved(ROOM, ADA, START, 3, delivered=5)])
    assert scene.phone.hear() == []
    for device in (scene.bob, scene.eve):
        assert device.hear() == [DeliveredMarker(room=ROOM, account=ADA, seq=5)]
