"""Paths behind a UDP socket: bursts, and what the kernel does not take."""

import errno
import socket
from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.traffic import SEGMENTS, Traffic
from media.udp import BURST, UdpPath, UdpSocket, can_segment, enlarge

KERNEL_SEGMENTS = can_segment()
needs_segmentation = pytest.mark.skipif(not KERNEL_SEGMENTS, reason="no UDP_SEGMENT here")


@pytest.fixture
def far() -> Iterator[socket.socket]:
    """The other end."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.setblocking(False)
        enlarge(made)
        yield made


@pytest.fixture
def near() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind(("127.0.0.1", 0))
        made.setblocking(False)
        enlarge(made)
        yield made


def path(near: socket.socket, far: socket.socket, *, segmentation: bool) -> UdpPath:
    return UdpPath(UdpSocket(near, Traffic(), segmentation=segmentation), far.getsockname())


def burst(sizes: list[int]) -> tuple[memoryview, list[bytes]]:
    """Datagrams of these sizes, each of a letter of its own, and what they are one by one."""
    datagrams = [bytes([number % 256]) * size for number, size in enumerate(sizes)]
    return memoryview(b"".join(datagrams)), datagrams


def read(far: socket.socket) -> list[bytes]:
    found = []
    while True:
        try:
            found.append(far.recv(65_536))
        except BlockingIOError:
            return found


class FailingSocket:
    """The kernel, when it refuses."""

    def __init__(self, number: int, *, segmented_only: bool = False) -> None:
        self.error = OSError(number, "refused")
        self.segmented_only = segmented_only
        self.sent: list[bytes] = []

    def sendto(self, data: bytes, address: Any) -> int:
        if not self.segmented_only:
            raise self.error
        self.sent.append(bytes(data))
        return len(data)

    def sendmsg(self, *arguments: Any) -> int:
        raise self.error


def failing(kernel: FailingSocket) -> tuple[UdpPath, Traffic]:
    traffic = Traffic()
    behind = UdpSocket(cast(socket.socket, kernel), traffic, segmentation=True)
    return UdpPath(behind, ("192.0.2.1", 9)), traffic


SIZES = st.lists(st.sampled_from([1, 2, 100, 1_100, 1_200]), max_size=90)


@pytest.mark.parametrize(
    "segmentation", [pytest.param(True, marks=needs_segmentation), pytest.param(False)]
)
class TestBursts:
    def test_any_sizes_arrive_as_they_are_and_in_order(self, segmentation: bool) -> None:
        @given(SIZES)
        def arrive(sizes: list[int]) -> None:
            with (
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near,
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far,
            ):
                for one in (near, far):
                    one.bind(("127.0.0.1", 0))
                    one.setblocking(False)
                    enlarge(one)
                way = path(near, far, segmentation=segmentation)
                buffer, datagrams = burst(sizes)
                way.send_burst(buffer, sizes)
                assert read(far) == datagrams
                traffic = way._traffic
                assert traffic.packets_out == len(sizes)
                assert traffic.bytes_out == sum(sizes)
                assert sum(n * calls for n, calls in enumerate(traffic.bursts)) == len(sizes)

        arrive()

    def test_one_datagram_is_just_sent(
        self, near: socket.socket, far: socket.socket, segmentation: bool
    ) -> None:
        way = path(near, far, segmentation=segmentation)
        way.send(b"hello")
        assert read(far) == [b"hello"]
        assert (way._traffic.packets_out, way._traffic.bytes_out) == (1, 5)
        assert way.remote == "udp {}:{}".format(*far.getsockname())
        assert way.address == far.getsockname()

    def test_the_buffer_is_the_callers_again(
        self, near: socket.socket, far: socket.socket, segmentation: bool
    ) -> None:
        way = path(near, far, segmentation=segmentation)
        buffer = bytearray(b"a" * 300)
        way.send_burst(memoryview(buffer), [100, 100, 100])
        buffer[:] = b"b" * 300
        assert read(far) == [b"a" * 100] * 3


@needs_segmentation
class TestRuns:
    """How a burst is cut into system calls: see `Traffic.bursts`."""

    @pytest.mark.parametrize(
        ("sizes", "calls"),
        [
            ([1_200] * 8, {8: 1}),
            ([1_200] * 7 + [300], {8: 1}),
            ([1_200] * 4 + [300] + [1_200] * 4, {5: 1, 4: 1}),
            ([300] + [1_200] * 4, {1: 1, 4: 1}),
            ([100, 200, 300], {1: 3}),
            ([10] * (SEGMENTS + 3), {SEGMENTS: 1, 3: 1}),
            ([1_200] * (BURST // 1_200 + 2), {BURST // 1_200: 1, 2: 1}),
        ],
    )
    def test_runs_of_one_size_and_a_shorter_end(
        self, near: socket.socket, far: socket.socket, sizes: list[int], calls: dict[int, int]
    ) -> None:
        way = path(near, far, segmentation=True)
        buffer, datagrams = burst(sizes)
        way.send_burst(buffer, sizes)
        assert read(far) == datagrams
        assert {n: count for n, count in enumerate(way._traffic.bursts) if count} == calls


class TestRefusals:
    @pytest.mark.parametrize(
        ("number", "reason"),
        [
            (errno.EAGAIN, "overload"),
            (errno.ENOBUFS, "overload"),
            (errno.ENETUNREACH, "unsendable"),
            (errno.EPERM, "unsendable"),
        ],
    )
    def test_what_the_kernel_does_not_take_is_counted_as_lost(
        self, number: int, reason: str
    ) -> None:
        way, traffic = failing(FailingSocket(number))
        way.send(b"1")
        way.send_burst(memoryview(b"1" * 30), [10, 10, 10])
        way.send_burst(memoryview(b"1" * 30), [30])
        assert traffic.dropped[reason] == 5
        assert (traffic.packets_out, traffic.bytes_out, sum(traffic.bursts)) == (0, 0, 0)

    @pytest.mark.parametrize("number", [errno.EIO, errno.EINVAL, errno.EMSGSIZE])
    def test_where_the_route_takes_no_segments_each_is_sent_by_itself(self, number: int) -> None:
        kernel = FailingSocket(number, segmented_only=True)
        way, traffic = failing(kernel)
        buffer, datagrams = burst([10, 10, 7])
        way.send_burst(buffer, [10, 10, 7])
        way.send_burst(buffer, [10, 10, 7])
        assert kernel.sent == datagrams * 2
        assert not way.segmented
        assert not any(traffic.dropped.values())


def test_large_buffers_are_asked_for() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        before = made.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        enlarge(made, before)  # the kernel doubles what it is asked for
        assert made.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) >= before


def test_a_path_that_is_closed_gives_its_address_back(
    near: socket.socket, far: socket.socket
) -> None:
    behind = UdpSocket(near, Traffic(), segmentation=False)
    address = far.getsockname()
    former, present = UdpPath(behind, address), UdpPath(behind, address)
    behind.paths[address] = present
    former.close()
    assert behind.paths == {address: present}
    present.close()
    present.close()
    assert behind.paths == {}
