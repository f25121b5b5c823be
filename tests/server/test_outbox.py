"""The outbox: one write a tick, in order, and a slow reader's bound."""

import asyncio
from collections import deque
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.codec import JSON
from server.outbox import Outbox, Tick
from server.wire import FramedCodec

WIRE = FramedCodec(JSON)


class Loop:
    """The part of an event loop that a tick needs, turned by hand."""

    def __init__(self) -> None:
        self.soon: deque[Callable[[], None]] = deque()

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.soon.append(callback)

    def turn(self) -> None:
        """Run what was to come soon, and not what it asks for in turn."""
        for _ in range(len(self.soon)):
            self.soon.popleft()()


class Transport:
    """A transport that keeps its writes, and buffers as much as it is told to."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.buffered = 0

    def write(self, chunk: bytes) -> None:
        self.writes.append(chunk)

    def get_write_buffer_size(self) -> int:
        return self.buffered


class Desk:
    """An outbox and what is around it."""

    def __init__(self, *, hard: int = 0) -> None:
        self.loop = Loop()
        self.flushes: list[float] = []
        self.tick = Tick(self.loop, self)  # type: ignore[arg-type]
        self.transport = Transport()
        self.overflows = 0
        self.outbox = Outbox(
            WIRE,
            self.transport,  # type: ignore[arg-type]
            self.tick,
            hard=hard,
            overflowed=self._overflowed,
        )

    def flushed(self, seconds: float) -> None:
        """Of TickObserver."""
        self.flushes.append(seconds)

    def _overflowed(self) -> None:
        self.overflows += 1
        self.outbox.close()


class TestTick:
    def test_what_is_queued_leaves_in_one_write(self) -> None:
        desk = Desk()
        for chunk in (b"one ", b"two ", b"three"):
            desk.outbox.enqueue(chunk)
        assert desk.transport.writes == []
        desk.loop.turn()
        assert desk.transport.writes == [b"one two three"]
        assert desk.tick.bytes_out == 13
        assert len(desk.flushes) == 1
        assert desk.flushes[0] >= 0

    def test_nothing_queued_is_no_flush(self) -> None:
        desk = Desk()
        desk.outbox.enqueue(b"one")
        desk.loop.turn()
        desk.loop.turn()
        assert len(desk.flushes) == 1
        assert not desk.loop.soon

    def test_waking_twice_is_one_flush(self) -> None:
        desk = Desk()
        desk.tick.wake()
        desk.tick.wake()
        assert len(desk.loop.soon) == 1

    def test_what_comes_first_may_queue_and_wake(self) -> None:
        """The fan-out does: it leaves in the same flush, and asks for no second one."""
        desk = Desk()

        def fan_out() -> None:
            desk.tick.wake()
            desk.outbox.enqueue(b"fan-out")

        desk.tick.before = fan_out
        desk.tick.wake()
        desk.loop.turn()
        assert desk.transport.writes == [b"fan-out"]
        assert not desk.loop.soon

    def test_what_is_queued_by_a_write_leaves_in_the_next_tick(self) -> None:
        desk = Desk()
        other = Outbox(
            WIRE,
            Transport(),
            desk.tick,
            hard=0,
            overflowed=lambda: None,  # type: ignore[arg-type]
        )
        write = desk.transport.write

        def write_and_queue(chunk: bytes) -> None:
            write(chunk)
            other.enqueue(b"echo")

        desk.transport.write = write_and_queue  # type: ignore[method-assign]
        desk.outbox.enqueue(b"call")
        desk.loop.turn()
        assert other.waiting == 4
        desk.loop.turn()
        assert other.waiting == 0

    def test_a_bug_in_one_write_leaves_the_others_to_the_next_tick(self) -> None:
        desks = [Desk(), Desk(), Desk()]
        for desk in desks:
            desk.outbox._tick = desks[0].tick
            desk.outbox.enqueue(b"x")

        def fail(_: bytes) -> None:
            raise RuntimeError("a bug")

        desks[1].transport.write = fail  # type: ignore[method-assign]
        with pytest.raises(RuntimeError):
            desks[0].loop.turn()
        desks[0].loop.turn()
        assert [desk.transport.writes for desk in desks] == [[b"x"], [], [b"x"]]

    def test_every_outbox_of_the_tick_is_flushed(self) -> None:
        desk = Desk()
        transports = [Transport() for _ in range(3)]
        for number, transport in enumerate(transports):
            outbox = Outbox(
                WIRE,
                transport,
                desk.tick,
                hard=0,
                overflowed=lambda: None,  # type: ignore[arg-type]
            )
            outbox.enqueue(b"%d" % number)
        desk.loop.turn()
        assert [transport.writes for transport in transports] == [[b"0"], [b"1"], [b"2"]]


class TestDeliver:
    def test_writes_at_once(self) -> None:
        desk = Desk()
        desk.outbox.deliver(b"one")
        assert desk.transport.writes == [b"one"]
        assert desk.tick.bytes_out == 3

    def test_does_not_overtake(self) -> None:
        desk = Desk()
        desk.outbox.enqueue(b"one ")
        desk.outbox.deliver(b"two")
        assert desk.transport.writes == []
        desk.loop.turn()
        assert desk.transport.writes == [b"one two"]

    async def test_is_bounded(self) -> None:
        desk = Desk(hard=10)
        desk.outbox.pause()
        desk.transport.buffered = 11
        desk.outbox.deliver(b"x")
        desk.outbox.deliver(b"x")
        assert desk.overflows == 1
        assert desk.transport.writes == [b"x"]


class TestHold:
    def test_keeps_what_is_queued_and_lets_writes_through(self) -> None:
        desk = Desk()
        desk.outbox.hold()
        desk.outbox.enqueue(b"live ")
        desk.outbox.write(b"ready ")
        desk.loop.turn()
        desk.outbox.write(b"missed ")
        desk.outbox.enqueue(b"more")
        desk.loop.turn()
        assert desk.transport.writes == [b"ready ", b"missed "]
        desk.outbox.release()
        desk.loop.turn()
        assert desk.transport.writes == [b"ready ", b"missed ", b"live more"]

    def test_keeps_what_was_queued_before_in_the_same_tick(self) -> None:
        desk = Desk()
        desk.outbox.enqueue(b"before ")
        desk.outbox.hold()
        desk.outbox.enqueue(b"after")
        desk.loop.turn()
        assert desk.transport.writes == []
        desk.outbox.release()
        desk.loop.turn()
        assert desk.transport.writes == [b"before after"]

    def test_released_at_once_changes_nothing(self) -> None:
        desk = Desk()
        desk.outbox.enqueue(b"one")
        desk.outbox.hold()
        desk.outbox.release()
        desk.loop.turn()
        assert desk.transport.writes == [b"one"]


class TestBound:
    def test_of_what_is_held(self) -> None:
        desk = Desk(hard=10)
        desk.outbox.enqueue(b"12345")
        desk.outbox.hold()
        desk.outbox.enqueue(b"67890")
        assert desk.overflows == 0
        desk.outbox.enqueue(b"!")
        assert desk.overflows == 1
        for _ in range(3):
            desk.outbox.enqueue(b"and more")
        assert desk.overflows == 1
        assert desk.outbox.waiting == 0
        desk.outbox.release()
        desk.loop.turn()
        assert desk.transport.writes == []

    async def test_of_what_the_transport_buffers(self) -> None:
        desk = Desk(hard=10)
        desk.transport.buffered = 99
        desk.outbox.enqueue(b"the transport has not complained")
        desk.loop.turn()
        assert desk.overflows == 0
        desk.outbox.pause()
        desk.transport.buffered = 10
        desk.outbox.write(b"at the bound")
        assert desk.overflows == 0
        desk.transport.buffered = 11
        desk.outbox.enqueue(b"past it")
        desk.loop.turn()
        desk.outbox.write(b"and again")
        assert desk.overflows == 1

    async def test_of_what_others_have_written(self) -> None:
        desk = Desk(hard=10)
        desk.transport.buffered = 11
        desk.outbox.check()
        assert desk.overflows == 0
        desk.outbox.pause()
        desk.outbox.check()
        desk.outbox.check()
        assert desk.overflows == 1

    async def test_a_reader_who_catches_up_is_forgiven(self) -> None:
        desk = Desk(hard=10)
        desk.outbox.pause()
        desk.outbox.resume()
        desk.transport.buffered = 11
        desk.outbox.write(b"x")
        assert desk.overflows == 0

    async def test_none(self) -> None:
        desk = Desk(hard=0)
        desk.outbox.hold()
        desk.outbox.pause()
        desk.transport.buffered = 10**9
        desk.outbox.enqueue(b"x" * 1_000)
        desk.outbox.write(b"x")
        assert desk.overflows == 0


class TestDrained:
    async def test_is_at_once_below_the_bound(self) -> None:
        await Desk().outbox.drained()

    @pytest.mark.parametrize("end", ["resume", "close"])
    async def test_waits_for_the_transport_or_the_end(self, end: str) -> None:
        outbox = Desk().outbox
        outbox.pause()
        waiters = [asyncio.create_task(outbox.drained()) for _ in range(2)]
        await asyncio.sleep(0)
        assert not any(waiter.done() for waiter in waiters)
        getattr(outbox, end)()
        await asyncio.gather(*waiters)
        await outbox.drained()

    async def test_one_who_gives_up_leaves_the_others_waiting(self) -> None:
        outbox = Desk().outbox
        outbox.pause()
        first, second = [asyncio.create_task(outbox.drained()) for _ in range(2)]
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        assert not second.done()
        outbox.resume()
        await second

    def test_resuming_without_a_pause_is_fine(self) -> None:
        Desk().outbox.resume()


def test_what_waits_is_counted() -> None:
    desk = Desk()
    desk.transport.buffered = 100
    desk.outbox.enqueue(b"12345")
    assert desk.outbox.waiting == 105
    assert not desk.outbox.closed
    desk.outbox.close()
    assert desk.outbox.closed
    assert desk.outbox.waiting == 0


chunks = st.binary(min_size=1, max_size=3)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.tuples(st.sampled_from(["enqueue", "deliver", "write"]), chunks)
        | st.tuples(st.sampled_from(["hold", "release", "turn", "turn", "close"])),
        max_size=40,
    )
)
def test_order(steps: list[tuple[str, ...]]) -> None:
    """What is queued leaves in its order, whatever is held, and what is written is ahead of it."""
    desk = Desk()
    queue, expected = b"", b""
    held = closed = False
    for step in steps:
        match step:
            case ("enqueue", chunk):
                desk.outbox.enqueue(chunk)
                queue += b"" if closed else chunk
            case ("deliver", chunk):
                desk.outbox.deliver(chunk)
                if queue or held:
                    queue += b"" if closed else chunk
                else:
                    expected += b"" if closed else chunk
            case ("write", chunk):
                desk.outbox.write(chunk)
                expected += b"" if closed else chunk
            case ("turn",):
                desk.loop.turn()
                if not held:
                    expected, queue = expected + queue, b""
            case (name,):
                getattr(desk.outbox, name)()
                held = name == "hold" or (held and name != "release")
                if name == "close":
                    closed, queue = True, b""
        assert b"".join(desk.transport.writes) == expected
    desk.outbox.release()
    desk.loop.turn()
    assert b"".join(desk.transport.writes) == expected + queue
    assert desk.tick.bytes_out == len(expected + queue)
    assert not desk.loop.soon
