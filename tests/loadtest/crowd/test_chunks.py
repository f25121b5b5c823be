"""Received bytes mean the same, however they were cut, and whoever has received them before."""

import asyncio
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.crowd.body import body
from loadtest.crowd.chunks import Answer, Control, Entry, Reader, Room
from loadtest.crowd.meter import Meter

NOW = 10**13


@pytest.fixture
def meter() -> Meter:
    return Meter(late_ms=1000, soon=lambda _: None)


@pytest.fixture
def reader(meter: Meter) -> Reader:
    return reader_of(meter)


def reader_of(meter: Meter) -> Reader:
    rooms = {room: Room(room) for room in ("7", "8")}
    return Reader(rooms, {"presence": lambda *_: None}, meter)


def frame(payload: bytes, opcode: int = 1) -> bytes:
    """As a server sends it."""
    length = len(payload)
    size = bytes([length]) if length < 126 else b"\x7e" + length.to_bytes(2, "big")
    return bytes([0x80 | opcode]) + size + payload


def message(seq: int, room: str = "7", sender: str = "5", due: int = NOW - 5_000_000) -> bytes:
    text = body(room, sender, due, 60)
    event = {"t": "message", "room": room, "sender": sender, "seq": seq, "nonce": f"n{seq}"}
    return frame(msgspec.json.encode({**event, "body": text}))


OK = frame(b'{"t":"ok","id":7,"seq":4}')
PRESENCE = frame(b'{"t":"presence","account":"5","state":"away"}')
TYPING = frame(b'{"t":"typing","account":"5","room":"7","active":true}')
PING = frame(b"", 9)


def test_entries_of_a_room(reader: Reader) -> None:
    chunk = reader.read(message(3) + message(4) + message(5, sender="6"), NOW)
    assert chunk.is_plain
    assert chunk.room is not None
    assert (chunk.room.id, chunk.before, chunk.end, chunk.messages) == ("7", 2, 5, 3)
    assert chunk.dues == {NOW - 5_000_000: 3}
    assert [entry.nonce for entry in chunk.said["5"]] == ["n3", "n4"]
    assert chunk.room.newest == 5


def test_entries_of_several_rooms(reader: Reader) -> None:
    chunk = reader.read(message(3) + message(9, "8") + message(4), NOW)
    assert chunk.is_plain
    assert chunk.room is None
    assert [(room.id, before) for room, before in chunk.begins] == [("7", 2), ("8", 8)]
    assert {room.id: end for room, end in chunk.ends.items()} == {"7": 4, "8": 9}


@pytest.mark.parametrize(
    ("data", "kinds"),
    [
        (message(3) + OK, [Entry, Answer]),
        (message(3) + PING, [Entry, Control]),
        (message(3) + message(5), [Entry, Entry]),
        (message(3) + message(4)[:-1], [Entry]),
    ],
    ids=["an answer", "a ping", "a hole", "a part"],
)
def test_what_is_not_for_all_is_not_plain(reader: Reader, data: bytes, kinds: list[type]) -> None:
    chunk = reader.read(data, NOW)
    assert not chunk.is_plain
    assert [type(item) for item in chunk.items] == kinds
    assert reader.last is not chunk


def test_only_what_somebody_listens_to_is_an_item(reader: Reader) -> None:
    chunk = reader.read(PRESENCE + TYPING + message(3, "9"), NOW)
    assert chunk.is_plain
    assert [payload for _, payload in chunk.others] == [PRESENCE[2:]]
    assert len(chunk.items) == 1


def test_who_receives_the_same_gets_the_same_chunk(reader: Reader) -> None:
    data = message(3)
    chunk = reader.read(data, NOW)
    assert reader.last is chunk
    other = reader.read(message(9, "8"), NOW)
    assert reader.read(bytes(bytearray(data)), NOW) is chunk
    assert reader.read(message(9, "8"), NOW) is other


def test_no_more_is_kept_than_is_of_use(reader: Reader) -> None:
    first = reader.read(message(3), NOW)
    for seq in range(4, 8_000):
        reader.read(message(seq), NOW)
    assert reader.read(message(3), NOW) is not first


@given(st.data())
def test_however_it_is_cut_it_means_the_same(data: st.DataObject) -> None:
    parts = data.draw(
        st.lists(st.sampled_from([OK, PING, PRESENCE, TYPING, "message"]), max_size=9)
    )
    stream = b"".join(
        part if isinstance(part, bytes) else message(3 + number)
        for number, part in enumerate(parts)
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    reader = reader_of(Meter(late_ms=1000, soon=lambda _: None))
    rest, items = b"", []
    for start, end in pairwise([0, *cuts, len(stream)]):
        chunk = reader.read(rest + stream[start:end], NOW)
        rest = chunk.rest
        items += chunk.items
    whole = reader.read(stream, NOW)
    assert not rest
    assert [type(item) for item in items] == [type(item) for item in whole.items]


def test_dues_that_are_near_each_other_count_as_one(reader: Reader) -> None:
    far, near = NOW - 20_000_000, NOW - 10_000_000
    dues = [far, far + 10_000, near, near + 9_000, near + 30_000]
    data = b"".join(message(3 + number, due=due) for number, due in enumerate(dues))
    assert reader.read(data, NOW).dues == {far: 2, near: 2, near + 30_000: 1}


def test_what_is_due_in_the_future_is_forged(reader: Reader, meter: Meter) -> None:
    reader.read(message(3, due=NOW + 1), NOW)
    assert meter.wrongs == {"forged": 1}


def test_a_deleted_message_is_not_the_newest_any_more(reader: Reader) -> None:
    room = reader.read(message(3), NOW).room
    assert room is not None
    assert room.newest == 3
    reader.read(frame(b'{"t":"delete","room":"7","sender":"5","seq":4,"target":3}'), NOW)
    assert room.newest == 0


async def test_deliveries_are_counted_when_the_turn_is_over() -> None:
    loop = asyncio.get_running_loop()
    meter = Meter(late_ms=4.0, soon=loop.call_soon)
    reader = reader_of(meter)
    chunk = reader.read(message(3, due=NOW - 2_000_000) + message(4, due=NOW - 4_000_000), NOW)
    for microseconds in (0, 1, 1500):
        if not chunk.heard:
            meter.hears(chunk)
        chunk.heard.append(NOW + 1000 * microseconds)
    assert not meter.counts
    await asyncio.sleep(0)
    assert meter.counts == {"bytes": 3 * chunk.size, "delivered": 6}
    assert meter.latencies == {"delivery": {2000: 2, 3500: 1, 4000: 2, 5500: 1}}
    assert meter.wrongs == {"late": 2}
    assert not chunk.heard
