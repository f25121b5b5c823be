"""Which STUN is taken for a check, and how it is answered."""

import zlib

import pytest
from aioice import stun as aioice_stun
from hypothesis import given
from hypothesis import strategies as st

from media import stun
from tests.media.transport import CHECKS, LOCAL, check

PASSWORD = LOCAL.pwd.encode()
CAPTURED = [(name, data) for name, checks in CHECKS.items() for data in checks]


def sealed(data: bytes) -> bytes:
    """The message with a right FINGERPRINT behind it, as it stands."""
    body = len(data) - 20 + 8
    data = data[:2] + body.to_bytes(2, "big") + data[4:]
    return data + b"\x80\x28\x00\x04" + (zlib.crc32(data) ^ 0x5354554E).to_bytes(4, "big")


@pytest.mark.parametrize(("name", "data"), CAPTURED)
def test_checks_of_real_agents_are_authentic(name: str, data: bytes) -> None:
    username = stun.username_of(data)
    assert username is not None
    assert username.startswith(b"plaza:")
    request = stun.parse(data)
    assert request is not None
    assert request.username.encode() == username
    assert request.signed
    assert not request.controlled
    assert request.is_authentic(PASSWORD)
    assert not request.is_authentic(b"another password of theirs")


def test_only_some_checks_nominate() -> None:
    found = [stun.parse(data) for data in CHECKS["chromium"]]
    assert [request and request.nominates for request in found] == [False, True]
    assert found[0] is not None
    assert found[0].priority == 0x6E7E1EFF


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00",
        b"\x00\x01",
        bytes(20),
        check()[:-1],
        check() + b"\x00",
        check(SOFTWARE="long" * 300),
        b"\x01\x01" + check()[2:],
        check()[:4] + b"\x21\x12\xa4\x43" + check()[8:],
        b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12),
        # A USERNAME that goes on behind the end, and attributes without end.
        b"\x00\x01\x00\x08\x21\x12\xa4\x42" + bytes(12) + b"\x00\x06\x00\x05abcd",
        b"\x00\x01\x04\x00\x21\x12\xa4\x42" + bytes(12) + b"\x80\x22\x00\x00" * 256,
    ],
)
def test_what_is_no_check_has_no_username(data: bytes) -> None:
    assert stun.username_of(data) is None


def test_a_wrong_fingerprint_or_none_makes_it_no_check() -> None:
    data = check()
    assert stun.parse(data) is not None
    assert stun.parse(data[:-1] + bytes([data[-1] ^ 1])) is None
    without = data[:-8]
    assert stun.parse(without[:2] + (len(without) - 20).to_bytes(2, "big") + without[4:]) is None


def test_what_stands_behind_the_integrity_does_not_count() -> None:
    unsigned = check(nominate=False)[:-8] + b"\x00\x25\x00\x00"
    request = stun.parse(sealed(unsigned))
    assert request is not None
    assert request.is_authentic(PASSWORD)
    assert not request.nominates


def test_a_request_without_credentials_is_not_signed() -> None:
    message = aioice_stun.Message(
        aioice_stun.Method.BINDING, aioice_stun.Class.REQUEST, bytes(12), {"USERNAME": "plaza:x"}
    )
    message.add_fingerprint()
    request = stun.parse(bytes(message))
    assert request is not None
    assert not request.signed
    assert not request.is_authentic(PASSWORD)


@pytest.mark.parametrize("address", [("192.0.2.7", 40_000), ("2001:db8::7", 1)])
def test_success_says_where_the_check_came_from_and_is_signed(address: tuple[str, int]) -> None:
    request = stun.parse(check(number=9))
    assert request is not None
    answer = aioice_stun.parse_message(request.success(address, PASSWORD))
    assert answer.message_class is aioice_stun.Class.RESPONSE
    assert answer.transaction_id == (9).to_bytes(12, "big")
    assert answer.attributes["XOR-MAPPED-ADDRESS"] == address
    assert "FINGERPRINT" in answer.attributes
    assert answer.check_message_integrity(PASSWORD)


@pytest.mark.parametrize("code", [stun.BAD_REQUEST, stun.UNAUTHENTICATED, stun.ROLE_CONFLICT])
def test_errors_say_what_is_wrong(code: tuple[int, str]) -> None:
    request = stun.parse(check(number=9))
    assert request is not None
    for password in (None, PASSWORD):
        answer = aioice_stun.parse_message(request.error(code, password))
        assert answer.message_class is aioice_stun.Class.ERROR
        assert answer.transaction_id == (9).to_bytes(12, "big")
        assert answer.attributes["ERROR-CODE"] == code
        assert "FINGERPRINT" in answer.attributes
        assert answer.check_message_integrity(PASSWORD) is (password is not None)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_exception(data: bytes) -> None:
    for datagram in (data, b"\x00\x01" + data, check()[:20] + data):
        stun.username_of(datagram)
        stun.parse(datagram)


@given(
    st.sampled_from([data for _, data in CAPTURED]),
    st.lists(st.tuples(st.integers(0, 95), st.integers(0, 255)), max_size=4),
    st.integers(0, 110),
)
def test_damaged_checks_are_never_authentic(
    data: bytes, changes: list[tuple[int, int]], end: int
) -> None:
    damaged = bytearray(data)
    for position, value in changes:
        damaged[position % len(damaged)] = value
    # With a right fingerprint and a right length, so that all of it is looked at.
    for datagram in (bytes(damaged[:end]), sealed(bytes(damaged[:-8][:end]).ljust(20, b"\x00"))):
        stun.username_of(datagram)
        request = stun.parse(datagram)
        if request is not None and request.is_authentic(PASSWORD):
            signed = data[: data.rindex(b"\x00\x08\x00\x14")]
            assert datagram[4 : len(signed)] == signed[4:]
