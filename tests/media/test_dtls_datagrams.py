"""Where what OpenSSL writes is cut into datagrams."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from media.dtls import MTU, datagrams


def plain(length: int) -> bytes:
    return b"\x16\xfe\xfd" + bytes(8) + length.to_bytes(2, "big") + b"p" * length


def unified(length: int, *, wide: bool, sized: bool = True) -> bytes:
    """A record of DTLS 1.3 (RFC 9147, 4)."""
    first = 0x20 | wide << 3 | sized << 2
    size = length.to_bytes(2, "big") if sized else b""
    return bytes([first]) + bytes(2 if wide else 1) + size + b"u" * length


def test_records_of_dtls_1_3_are_kept_whole_too() -> None:
    records = [plain(600), unified(580, wide=True), unified(500, wide=False), plain(700)]
    records += [unified(400, wide=False), unified(300, wide=True, sized=False)]
    first, second, third, fourth, fifth, sixth = records
    assert list(datagrams(b"".join(records))) == [
        first + second,
        third,  # 505 and 713 bytes are too many
        fourth + fifth,
        sixth,
    ]


@given(st.binary(min_size=1, max_size=5000))
def test_whatever_is_cut_nothing_is_lost(flight: bytes) -> None:
    cut = list(datagrams(flight))
    assert b"".join(cut) == flight
    assert all(cut)


@given(st.lists(st.integers(0, 1180), min_size=1, max_size=12))
def test_datagrams_of_whole_records_are_as_few_as_their_order_allows(lengths: list[int]) -> None:
    records = [plain(length) for length in lengths]
    cut = list(datagrams(b"".join(records)))
    assert all(len(datagram) <= MTU for datagram in cut)
    assert all(len(one) + len(plain(0)) <= len(one + other) for one, other in pairwise(cut))
    ends = {sum(map(len, records[:count])) for count in range(len(records) + 1)}
    position = 0
    for datagram in cut:
        position += len(datagram)
        assert position in ends
