"""server/meter.py: pausing a connection that sends too much."""

import pytest

from server.allowance import Allowance
from server.limits import TokenBucket
from server.meter import ReadMeter
from server.wheel import TimerWheel


class Transport:
    """Says what it was told."""

    def __init__(self) -> None:
        self.reading = True
        self.closing = False

    def pause_reading(self) -> None:
        assert self.reading
        assert not self.closing
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        assert not self.closing
        self.reading = True

    def is_closing(self) -> bool:
        return self.closing


class Connection:
    """A meter on 1,000 bytes a second, and the time."""

    def __init__(self) -> None:
        self.transport = Transport()
        self.wheel = TimerWheel()
        bucket = TokenBucket(count=2_000, seconds=2.0)
        allowance = Allowance(lambda: float(self.wheel.now), read_bytes=bucket)
        self.meter = ReadMeter(allowance, self.transport, self.wheel)  # type: ignore[arg-type]

    def read(self, size: int) -> None:
        self.meter.pay(size)


@pytest.fixture
def connection() -> Connection:
    return Connection()


def test_what_is_within_the_rate_goes_on(connection: Connection) -> None:
    connection.read(2_000)
    for _ in range(20):
        connection.wheel.turn()
        connection.read(1_000)
        assert connection.transport.reading


def test_more_is_paused_until_it_is_made_up_for(connection: Connection) -> None:
    connection.read(5_000)
    for _ in range(2):
        assert connection.meter.paused
        assert not connection.transport.reading
        connection.wheel.turn()
    connection.wheel.turn()
    assert connection.transport.reading
    assert not connection.meter.paused
    assert connection.meter.resumed == 3


def test_what_was_on_its_way_when_it_was_paused_is_paid_for_afterwards(
    connection: Connection,
) -> None:
    connection.read(3_000)
    connection.read(1_000)
    connection.wheel.turn()
    assert connection.transport.reading
    connection.read(0)
    assert not connection.transport.reading
    connection.wheel.turn()
    assert connection.transport.reading


def test_the_average_is_the_rate(connection: Connection) -> None:
    read = 0
    for _ in range(100):
        if connection.transport.reading:
            connection.read(7_000)
            read += 7_000
        connection.wheel.turn()
    assert 95_000 <= read <= 110_000


@pytest.mark.parametrize("closing", ["before", "during"])
def test_a_connection_that_ends_is_left_alone(connection: Connection, closing: str) -> None:
    if closing == "before":
        connection.transport.closing = True
        connection.read(5_000)
        assert connection.transport.reading
    else:
        connection.read(5_000)
        connection.transport.closing = True
    for _ in range(5):
        connection.wheel.turn()


def test_nothing_is_left_on_the_wheel_when_it_is_gone(connection: Connection) -> None:
    connection.read(5_000)
    connection.meter.stop()
    for _ in range(5):
        connection.wheel.turn()
    assert not connection.transport.reading
