"""RFC 6455 and RFC 7692 byte by byte, against the gateway's echo session.

A selection of the cases of the Autobahn test suite, whose numbers the comments give; `make
autobahn` runs the suite itself.
"""

import struct

import pytest

from server.config import Config
from server.sections import Debug, Gateway, Limits
from tests.e2e.site import Site
from tests.e2e.websocket import (
    DEFLATE,
    FIN,
    RSV1,
    RSV2,
    RSV3,
    Closed,
    Frame,
    Opcode,
    WebSocket,
    close_frame,
    closed_by,
    deflated,
    frame,
    inflated,
    text,
)

MESSAGE_BYTES = 2**20
FRAGMENTS = 128

TEXT, BINARY = FIN | Opcode.TEXT, FIN | Opcode.BINARY
PING, PONG = FIN | Opcode.PING, FIN | Opcode.PONG


@pytest.fixture(scope="module")
def config() -> Config:
    return Config(
        debug=Debug(echo=True),
        gateway=Gateway(deflate=True),
        limits=Limits(message_bytes=MESSAGE_BYTES, fragments=FRAGMENTS, outbox_hard_bytes=0),
    )


@pytest.fixture
async def echo(site: Site) -> WebSocket:
    return await site.socket()


async def code_of(echo: WebSocket) -> int:
    return (await echo.closed()).code


# --- messages (1, 9) -----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 128, 65_535, 65_536, MESSAGE_BYTES])
@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
async def test_messages_of_any_size(echo: WebSocket, opcode: Opcode, size: int) -> None:
    echo.write(frame(opcode, b"*" * size))
    assert await echo.receive() == Frame(FIN | opcode, b"*" * size)


async def test_a_message_in_single_bytes(echo: WebSocket) -> None:  # 1.1.8
    message = text("chopped " * 20)
    for index in range(len(message)):
        echo.write(message[index : index + 1])
        await echo.flushed()
    assert await echo.receive() == Frame(TEXT, b"chopped " * 20)


async def test_many_messages_in_one_packet(echo: WebSocket) -> None:
    echo.write(b"".join(text(str(number)) for number in range(500)))
    for number in range(500):
        assert (await echo.receive()).payload == str(number).encode()


@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
async def test_a_message_too_big(echo: WebSocket, opcode: Opcode) -> None:
    echo.write(frame(opcode, b"*" * (MESSAGE_BYTES + 1)))
    assert await code_of(echo) == 1009


async def test_a_message_too_big_is_refused_by_its_header(echo: WebSocket) -> None:
    echo.write(struct.pack("!BBQ4x", TEXT, 0x80 | 127, 2**62))
    assert await code_of(echo) == 1009


async def test_a_message_too_big_in_fragments(echo: WebSocket) -> None:  # 9.3, 9.4
    half = b"*" * (MESSAGE_BYTES // 2)
    echo.write(frame(Opcode.TEXT, half, fin=False) + frame(Opcode.CONT, half, fin=False))
    echo.write(frame(Opcode.CONT))
    assert len((await echo.receive()).payload) == MESSAGE_BYTES
    echo.write(frame(Opcode.TEXT, half, fin=False) + frame(Opcode.CONT, half, fin=False))
    echo.write(frame(Opcode.CONT, b"*"))
    assert await code_of(echo) == 1009


# --- ping and pong (2) ---------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [b"", b"hello", b"\x00\xff\xfe\xfd", b"*" * 125])
async def test_a_ping_is_answered(echo: WebSocket, payload: bytes) -> None:
    echo.write(frame(Opcode.PING, payload))
    assert await echo.receive() == Frame(PONG, payload)


async def test_pings_are_answered_in_order(echo: WebSocket) -> None:  # 2.10
    echo.write(b"".join(frame(Opcode.PING, b"%d" % number) for number in range(10)))
    assert [(await echo.receive()).payload for _ in range(10)] == [b"%d" % n for n in range(10)]


async def test_a_pong_that_nobody_asked_for(echo: WebSocket) -> None:  # 2.7 to 2.9
    echo.write(frame(Opcode.PONG, b"unasked") + frame(Opcode.PING, b"asked"))
    assert await echo.receive() == Frame(PONG, b"asked")


@pytest.mark.parametrize("opcode", [Opcode.PING, Opcode.PONG, Opcode.CLOSE])
async def test_a_control_frame_is_short_and_whole(site: Site, opcode: Opcode) -> None:  # 2.5, 5.1
    payload = b"\x03\xe8" + b"*" * 124
    for wrong in (frame(opcode, payload), frame(opcode, payload[:10], fin=False)):
        echo = await site.socket()
        echo.write(wrong)
        assert await code_of(echo) == 1002


# --- reserved bits and opcodes (3, 4) ------------------------------------------------------------


@pytest.mark.parametrize("rsv", [RSV1, RSV2, RSV3, RSV1 | RSV2, RSV2 | RSV3, RSV1 | RSV2 | RSV3])
@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY, Opcode.PING, Opcode.CLOSE])
async def test_reserved_bits(echo: WebSocket, opcode: Opcode, rsv: int) -> None:
    echo.write(text("before"))
    assert (await echo.receive()).payload == b"before"
    echo.write(frame(opcode, b"\x03\xe8", rsv=rsv) + text("behind"))
    assert await code_of(echo) == 1002


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
async def test_reserved_opcodes(echo: WebSocket, opcode: int) -> None:
    echo.write(frame(opcode, b"*") + text("behind"))
    assert await code_of(echo) == 1002


async def test_a_frame_that_is_not_masked(echo: WebSocket) -> None:  # RFC 6455 section 5.1
    echo.write(bytes((TEXT, 2)) + b"hi")
    assert await code_of(echo) == 1002


# --- fragments (5) -------------------------------------------------------------------------------


async def test_a_message_in_fragments_with_pings_between(echo: WebSocket) -> None:  # 5.6 to 5.8
    parts = [
        frame(Opcode.TEXT, b"one ", fin=False),
        frame(Opcode.PING, b"first"),
        frame(Opcode.CONT, b"two ", fin=False),
        frame(Opcode.PING, b"second"),
        frame(Opcode.CONT, b"three"),
    ]
    for part in parts:
        echo.write(part)
        await echo.flushed()
    assert await echo.receive() == Frame(PONG, b"first")
    assert await echo.receive() == Frame(PONG, b"second")
    assert await echo.receive() == Frame(TEXT, b"one two three")


async def test_empty_fragments(echo: WebSocket) -> None:  # 6.1.2, 6.1.3
    echo.write(frame(Opcode.TEXT, fin=False) + frame(Opcode.CONT, fin=False) + frame(Opcode.CONT))
    assert await echo.receive() == Frame(TEXT, b"")


@pytest.mark.parametrize(
    "wrong",
    [
        frame(Opcode.CONT, b"of what?"),  # 5.9 to 5.14
        frame(Opcode.CONT, b"of what?", fin=False),
        frame(Opcode.TEXT, b"one", fin=False) + text("another"),  # 5.18
        frame(Opcode.TEXT, b"one", fin=False) + frame(Opcode.BINARY, b"two", fin=False),
        frame(Opcode.TEXT, b"one", fin=False) + frame(Opcode.CONT) + frame(Opcode.CONT),
    ],
)
async def test_fragments_out_of_place(echo: WebSocket, wrong: bytes) -> None:
    echo.write(wrong)
    assert await code_of(echo) == 1002


async def test_as_many_fragments_as_are_allowed(echo: WebSocket) -> None:
    parts = [frame(Opcode.TEXT, b"*", fin=False)]
    parts += [frame(Opcode.CONT, b"*", fin=False)] * (FRAGMENTS - 2)
    echo.write(b"".join(parts) + frame(Opcode.CONT, b"*"))
    assert await echo.receive() == Frame(TEXT, b"*" * FRAGMENTS)
    echo.write(b"".join(parts) + frame(Opcode.CONT, b"*", fin=False))
    assert await code_of(echo) == 1008


# --- UTF-8 (6) -----------------------------------------------------------------------------------

VALID = "Hello-µ@ßöäüàá-UTF-8!! κόσμε \U0001f469\u200d\U0001f680 \u0000 \ufffe \U0010ffff".encode()
INVALID = [
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",  # 6.3.1: a surrogate
    b"\xf4\x90\x80\x80",  # 6.4.1: above U+10FFFF
    b"\xc0\xaf",  # overlong
    b"\x80",  # a continuation of nothing
    b"\xfe",
    b"\xe2\x82",  # cut off
]


async def test_text_split_within_characters(echo: WebSocket) -> None:  # 6.2
    parts = [frame(Opcode.CONT, VALID[at : at + 1], fin=False) for at in range(len(VALID))]
    echo.write(frame(Opcode.TEXT, fin=False) + b"".join(parts) + frame(Opcode.CONT))
    assert await echo.receive() == Frame(TEXT, VALID)


@pytest.mark.parametrize("payload", INVALID)
async def test_text_that_is_not_utf8(site: Site, payload: bytes) -> None:
    in_two = frame(Opcode.TEXT, payload[:1], fin=False) + frame(Opcode.CONT, payload[1:])
    for message in (text(payload), text(b"fine before " + payload + b" fine behind"), in_two):
        echo = await site.socket()
        echo.write(message)
        assert await code_of(echo) == 1007


@pytest.mark.parametrize("payload", INVALID)
async def test_binary_may_be_anything(echo: WebSocket, payload: bytes) -> None:
    echo.write(frame(Opcode.BINARY, payload))
    assert await echo.receive() == Frame(BINARY, payload)


# --- closing (7) ---------------------------------------------------------------------------------


async def test_a_message_and_then_a_close(echo: WebSocket) -> None:  # 7.1.1
    echo.write(text("last words") + close_frame(1000, "bye"))
    assert await echo.receive() == Frame(TEXT, b"last words")
    assert await code_of(echo) == 1000


async def test_a_message_and_then_a_broken_frame(echo: WebSocket) -> None:  # 3.2, 4.1.3, 5.15
    echo.write(text("last words") + frame(3))
    assert await echo.receive() == Frame(TEXT, b"last words")
    assert await code_of(echo) == 1002


@pytest.mark.parametrize(
    "behind", [close_frame(1000), frame(Opcode.PING), text("behind"), b"\xff" * 1_000]
)
async def test_what_comes_behind_a_close_is_ignored(echo: WebSocket, behind: bytes) -> None:
    echo.write(close_frame(1000) + behind)  # 7.1.2 to 7.1.4
    assert closed_by(await echo.receive()).code == 1000
    with pytest.raises(Closed) as end:
        await echo.receive()
    assert end.value.code == 1006


async def test_a_close_amid_fragments(echo: WebSocket) -> None:  # 7.1.5
    echo.write(frame(Opcode.TEXT, b"one", fin=False) + close_frame(1000))
    assert await code_of(echo) in (1000, 1002)


@pytest.mark.parametrize("payload", [b"", b"\x03\xe8", b"\x03\xe8" + b"*" * 123])
async def test_a_close_is_echoed(echo: WebSocket, payload: bytes) -> None:  # 7.3.1, 7.3.3 to 7.3.5
    echo.write(frame(Opcode.CLOSE, payload))
    assert await echo.receive() == Frame(FIN | Opcode.CLOSE, payload)


async def test_a_close_with_half_a_code(echo: WebSocket) -> None:  # 7.3.2
    echo.write(frame(Opcode.CLOSE, b"\x03"))
    assert await code_of(echo) == 1002


async def test_a_close_whose_reason_is_not_utf8(echo: WebSocket) -> None:  # 7.5.1
    echo.write(frame(Opcode.CLOSE, b"\x03\xe8\xed\xa0\x80"))
    assert await code_of(echo) == 1007


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 4999])
async def test_a_close_with_a_valid_code(echo: WebSocket, code: int) -> None:  # 7.7
    echo.write(close_frame(code))
    assert await code_of(echo) == code


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535])
async def test_a_close_with_an_invalid_code(echo: WebSocket, code: int) -> None:  # 7.9, 7.13
    echo.write(close_frame(code))
    assert await code_of(echo) == 1002


# --- compression (12, 13) ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offer", "agreed"),
    [
        ("permessage-deflate", "server_no_context_takeover; client_no_context_takeover"),
        (
            "permessage-deflate; client_max_window_bits",
            "server_no_context_takeover; client_no_context_takeover",
        ),
        (
            "permessage-deflate; server_max_window_bits=9",
            "server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9",
        ),
        (
            "permessage-deflate; unknown, permessage-deflate; server_no_context_takeover",
            "server_no_context_takeover; client_no_context_takeover",
        ),
    ],
)
async def test_negotiation(site: Site, offer: str, agreed: str) -> None:
    echo = await site.socket(headers={"Sec-WebSocket-Extensions": offer})
    name, *parameters = echo.headers["sec-websocket-extensions"].split("; ")
    assert name == "permessage-deflate"
    assert sorted(parameters) == sorted(agreed.split("; "))


@pytest.mark.parametrize(
    "offer", ["", "permessage-bzip2", "permessage-deflate; server_max_window_bits=7"]
)
async def test_no_compression_without_a_proper_offer(site: Site, offer: str) -> None:
    headers = {"Sec-WebSocket-Extensions": offer} if offer else {}
    echo = await site.socket(headers=headers)
    assert "sec-websocket-extensions" not in echo.headers
    echo.write(text(deflated(b"hi"), rsv=RSV1))
    assert await code_of(echo) == 1002


@pytest.mark.parametrize("size", [0, 16, 64, 256, 1_024, 8_192, 65_536])
async def test_compressed_messages(site: Site, size: int) -> None:
    echo = await site.socket(headers=DEFLATE)
    message = b"Plaza " * (size // 6 + 1)
    for _ in range(3):  # each without the context of those before
        echo.write(text(deflated(message), rsv=RSV1))
        answer = await echo.receive()
        assert answer.first == TEXT | RSV1
        assert inflated(answer.payload) == message


async def test_a_window_of_the_clients_choice(site: Site) -> None:
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate; server_max_window_bits=9"}
    echo = await site.socket(headers=offer)
    message = bytes(range(256)) * 40
    echo.write(frame(Opcode.BINARY, deflated(message), rsv=RSV1))
    assert inflated((await echo.receive()).payload, window=9) == message


async def test_a_compressed_message_in_fragments(site: Site) -> None:
    echo = await site.socket(headers=DEFLATE)
    whole = deflated(VALID * 100)
    echo.write(frame(Opcode.TEXT, whole[:10], fin=False, rsv=RSV1))
    echo.write(frame(Opcode.PING, b"between"))
    echo.write(frame(Opcode.CONT, whole[10:]))
    assert await echo.receive() == Frame(PONG, b"between")
    assert inflated((await echo.receive()).payload) == VALID * 100


async def test_plain_messages_on_a_compressed_connection(site: Site) -> None:
    echo = await site.socket(headers=DEFLATE)
    echo.write(text("plain"))
    assert inflated((await echo.receive()).payload) == b"plain"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (text(b"no deflate at all", rsv=RSV1), 1002),
        (frame(Opcode.PING, deflated(b"ping"), rsv=RSV1), 1002),
        (frame(Opcode.TEXT, b"a", fin=False) + frame(Opcode.CONT, b"b", rsv=RSV1), 1002),
        (text(deflated(b"\xc0\xaf"), rsv=RSV1), 1007),
        (text(deflated(b"\x00" * (MESSAGE_BYTES + 1)), rsv=RSV1), 1009),  # a kilobyte on the wire
    ],
)
async def test_compressed_nonsense(site: Site, wrong: bytes, code: int) -> None:
    echo = await site.socket(headers=DEFLATE)
    echo.write(wrong)
    assert await code_of(echo) == code
