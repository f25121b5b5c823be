"""Many datagrams by one call."""

import socket
import time

import pytest

from loadtest.webrtc.batches import AT_ONCE, Batch, timed_socket


def test_all_that_waits_is_taken_with_its_time_and_source() -> None:
    batch = Batch()
    with (
        timed_socket("127.0.0.1", buffer=1 << 20) as receiver,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        sender.bind(("127.0.0.1", 0))
        assert batch.receive(receiver.fileno()) == 0
        for round_ in range(3):
            before = time.time_ns()
            sent = [b"%d " % round_ * (1 + number * 3) for number in range(AT_ONCE + 5)]
            for datagram in sent:
                sender.sendto(datagram, receiver.getsockname())
            found = []
            for expected in (AT_ONCE, 5):
                assert batch.receive(receiver.fileno()) == expected
                for number in range(expected):
                    found.append(batch.datagram(number))
                    assert before <= batch.arrival(number) <= time.time_ns()
                    assert batch.source(number) == sender.getsockname()
            assert found == sent


def test_an_error_of_the_socket_is_raised() -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        Batch().receive(10_000)
