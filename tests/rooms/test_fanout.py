"""Events collect per room and leave once, encoded once per wire format."""

from collections import Counter

from protocol.events import Event, Message, RoomEvent
from protocol.ids import Id
from rooms.fanout import Fanout, LiveRoom

GARDEN, KITCHEN = Id(1), Id(2)


class Format:
    """A wire format whose frames are a name, a room and a seq, and that counts its work."""

    def __init__(self, name: str = "json") -> None:
        self.name = name
        self.encoded: Counter[tuple[int, int]] = Counter()

    def frame(self, event: Event) -> bytes:
        assert isinstance(event, RoomEvent)
        self.encoded[event.room, event.seq] += 1
        return f"{self.name}:{event.room}:{event.seq} ".encode()


class Listener:
    """A receiver that keeps its chunks."""

    def __init__(self, wire: Format) -> None:
        self.wire = wire
        self.chunks: list[bytes] = []

    def enqueue(self, chunk: bytes) -> None:
        self.chunks.append(chunk)

    def deliver(self, chunk: bytes) -> None:
        self.enqueue(chunk)


class Alarm:
    """Counts how often it was rung."""

    def __init__(self) -> None:
        self.rung = 0

    def __call__(self) -> None:
        self.rung += 1


def message(room: Id, seq: int) -> Message:
    return Message(room=room, sender=Id(7), seq=seq, body="hi")


def listeners(room: LiveRoom, *formats: Format) -> list[Listener]:
    made = [Listener(wire) for wire in formats]
    for listener in made:
        room.add(listener)
    return made


def test_a_tick_is_one_chunk_for_each_receiver_and_room() -> None:
    wake, json, pack = Alarm(), Format(), Format("pack")
    fanout, garden, kitchen = Fanout(wake), LiveRoom(GARDEN, 0), LiveRoom(KITCHEN, 4)
    ada, bob, eve = listeners(garden, json, pack, json)
    kitchen.add(ada)
    for room, seq in ((garden, 1), (kitchen, 5), (garden, 2), (garden, 3)):
        fanout.publish(room, message(room.id, seq))
    assert wake.rung
    assert not ada.chunks
    fanout.flush()
    assert ada.chunks == [b"json:1:1 json:1:2 json:1:3 ", b"json:2:5 "]
    assert bob.chunks == [b"pack:1:1 pack:1:2 pack:1:3 "]
    assert eve.chunks == [b"json:1:1 json:1:2 json:1:3 "]


def test_an_event_is_encoded_once_for_all_that_share_a_format() -> None:
    json, pack = Format(), Format("pack")
    fanout, garden = Fanout(Alarm()), LiveRoom(GARDEN, 0)
    listeners(garden, *[json] * 50, *[pack] * 50)
    for seq in range(1, 11):
        fanout.publish(garden, message(GARDEN, seq))
    fanout.flush()
    once = dict.fromkeys([(GARDEN, seq) for seq in range(1, 11)], 1)
    assert json.encoded == once
    assert pack.encoded == once
    assert (fanout.published, fanout.delivered) == (10, 1_000)


def test_what_is_flushed_ahead_does_not_come_again() -> None:
    wake, json = Alarm(), Format()
    fanout, garden = Fanout(wake), LiveRoom(GARDEN, 0)
    (ada,) = listeners(garden, json)
    fanout.publish(garden, message(GARDEN, 1))
    fanout.flush_room(garden)
    (bob,) = listeners(garden, json)
    fanout.publish(garden, message(GARDEN, 2))
    fanout.flush()
    fanout.flush()
    assert ada.chunks == [b"json:1:1 ", b"json:1:2 "]
    assert bob.chunks == [b"json:1:2 "]
    assert json.encoded == {(GARDEN, 1): 1, (GARDEN, 2): 1}


def test_the_first_event_of_a_tick_asks_for_its_flush() -> None:
    wake = Alarm()
    fanout, garden = Fanout(wake), LiveRoom(GARDEN, 0)
    listeners(garden, Format())
    fanout.flush()
    assert wake.rung == 0
    for tick in (1, 2, 3):
        fanout.publish(garden, message(GARDEN, tick))
        assert wake.rung == tick
        fanout.flush()


def test_who_comes_or_goes_during_a_flush_does_not_disturb_it() -> None:
    json = Format()
    fanout, garden = Fanout(Alarm()), LiveRoom(GARDEN, 0)

    class Leaver(Listener):
        def enqueue(self, chunk: bytes) -> None:
            super().enqueue(chunk)
            garden.discard(self)
            garden.add(late)

    late, leaver = Listener(json), Leaver(json)
    garden.add(leaver)
    (ada,) = listeners(garden, json)
    for seq in (1, 2):
        fanout.publish(garden, message(GARDEN, seq))
        fanout.flush()
    assert leaver.chunks == [b"json:1:1 "]
    assert ada.chunks == [b"json:1:1 ", b"json:1:2 "]
    assert late.chunks == [b"json:1:2 "]


def test_coming_and_going_is_idempotent() -> None:
    garden, ada = LiveRoom(GARDEN, 0), Listener(Format())
    garden.discard(ada)
    assert not garden
    garden.add(ada)
    garden.add(ada)
    assert garden.receivers() == (ada,)
    before = garden.receivers()
    garden.discard(ada)
    garden.discard(ada)
    assert not garden
    assert garden.receivers() == ()
    assert before == (ada,)


def test_a_room_that_everybody_left_drops_what_was_pending() -> None:
    json = Format()
    fanout, garden = Fanout(Alarm()), LiveRoom(GARDEN, 0)
    (ada,) = listeners(garden, json)
    fanout.publish(garden, message(GARDEN, 1))
    garden.discard(ada)
    fanout.flush()
    assert not ada.chunks
    assert not json.encoded
    assert not garden.pending
