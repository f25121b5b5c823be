"""Whatever comes, the answer is an error or a close: no traceback, and no harm to anybody else."""

import logging
import struct
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from protocol import close, errors
from protocol.commands import AnyCommand
from server.config import Config
from server.sections import Debug, Gateway, Limits
from tests.e2e.device import ANSWERS, WIRES, Device, Encoding, Fields
from tests.e2e.site import Site
from tests.e2e.websocket import (
    DEFLATE,
    RSV2,
    RSV3,
    Closed,
    Frame,
    Opcode,
    WebSocket,
    closed_by,
    frame,
    text,
)

HUGE = 2**63
TAGS = [str(command.__struct_config__.tag) for command in AnyCommand.__args__]
FIELDS = sorted({name for command in AnyCommand.__args__ for name in command.__struct_fields__})

fuzz = settings(
    max_examples=200,
    deadline=None,  # the database, not the input, takes the time
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def config() -> Config:
    return Config(
        limits=Limits(message_bytes=16_384, fragments=8),
        gateway=Gateway(deflate=True),
        debug=Debug(echo=True),
    )


# --- bystanders ----------------------------------------------------------------------------------


class Bystanders:
    """Two people who talk on, and the server's log."""

    def __init__(self, ada: Device, bob: Device, room: str, troubles: list[Any]) -> None:
        self.ada = ada
        self.bob = bob
        self.room = room
        self.troubles = troubles

    async def talk_on(self) -> None:
        """One hears what the other says; nothing is wrong."""
        sent = await self.ada.do("send", room=self.room, body="nice weather")
        assert (await self.ada.event())["seq"] == (await self.bob.event())["seq"] == sent["seq"]
        assert self.troubles == []


class _Records(logging.Handler):
    def __init__(self, troubles: list[Any]) -> None:
        super().__init__(logging.ERROR)
        self._troubles = troubles

    def emit(self, record: logging.LogRecord) -> None:
        self._troubles.append(record.getMessage())


@pytest.fixture(scope="module")
def troubles() -> Iterator[list[Any]]:
    """What anybody logs as an error: Plaza through structlog, asyncio and libraries otherwise."""
    logged: list[Any] = []
    handler = _Records(logged)
    logging.getLogger().addHandler(handler)
    with capture_logs():
        structlog.get_config()["processors"].insert(0, _keep_errors(logged))
        yield logged
    logging.getLogger().removeHandler(handler)


def _keep_errors(logged: list[Any]) -> Any:
    def keep(_: Any, method: str, entry: dict[str, Any]) -> dict[str, Any]:
        if method not in ("debug", "info", "warning"):
            logged.append(entry)
        return entry

    return keep


@pytest.fixture(scope="module")
async def bystanders(site: Site, troubles: list[Any]) -> Bystanders:
    ada, bob = await site.people("ada", "bob")
    devices = [await site.device(ada, "json"), await site.device(bob, "msgpack")]
    created = await devices[0].do("create", kind="dm", members=[bob.id])
    for device in devices:
        await device.event()
    return Bystanders(*devices, created["room"]["id"], troubles)


def test_an_error_in_the_log_would_be_seen(troubles: list[Any]) -> None:
    structlog.get_logger().error("seen")
    logging.getLogger("asyncio").error("seen too")
    assert [troubles[0]["event"], troubles[1]] == ["seen", "seen too"]
    troubles.clear()


# --- bytes ---------------------------------------------------------------------------------------

COMMANDS = b"".join(
    [
        text('{"t":"hello","id":1,"token":"x","cursors":{"1":2}}'),
        text('{"t":"send","id":2,"room":"123","body":"hi","nonce":"n"}'),
        frame(Opcode.PING, b"ping"),
        frame(Opcode.TEXT, b'{"t":"history","id":3,', fin=False),
        frame(Opcode.CONT, b'"room":"123"}'),
        frame(Opcode.CLOSE, struct.pack("!H", 1000) + b"bye"),
    ]
)


def mutated(data: bytes, changes: list[tuple[int, int]], length: int) -> bytes:
    """The data with some bytes replaced, cut off somewhere."""
    changed = bytearray(data)
    for position, byte in changes:
        changed[position % len(changed)] = byte
    return bytes(changed[: length % (len(changed) + 1)])


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """Frames with any header: opcodes, bits and masks that may not be, lengths that are not so."""
    first = draw(st.integers(0, 255))
    payload = draw(st.binary(max_size=200))
    claimed = draw(st.sampled_from([len(payload), 0, 125, 126, 127]) | st.integers(0, 2**64 - 1))
    masked = draw(st.sampled_from([0x80, 0x80, 0x80, 0]))
    if claimed < 126:
        header = struct.pack("!BB", first, masked | claimed)
    elif claimed < 65_536:
        header = struct.pack("!BBH", first, masked | 126, claimed)
    else:
        header = struct.pack("!BBQ", first, masked | 127, claimed)
    return header + draw(st.binary(min_size=4, max_size=4)) + payload


DATA = st.one_of(
    st.binary(max_size=1_000),
    st.lists(frames(), max_size=5).map(b"".join),
    st.builds(
        mutated,
        st.just(COMMANDS),
        st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=4),
        st.integers(0, 10_000),
    ),
)


@pytest.mark.parametrize("path", ["/ws", "/ws/echo"])
@given(data=DATA, at=st.integers(0, 1_000), compressed=st.booleans())
@fuzz
async def test_any_bytes(
    site: Site, bystanders: Bystanders, path: str, data: bytes, at: int, compressed: bool
) -> None:
    socket = await site.socket(path, headers=DEFLATE if compressed else {})
    socket.write(data[:at])
    await socket.flushed()
    socket.write(data[at:])
    try:
        socket.write_eof()
        await _read_all(socket)
    except ConnectionError:
        pass  # it was closed before we had written everything
    await bystanders.talk_on()


async def _read_all(socket: WebSocket) -> None:
    """What comes is well-formed; behind a close frame come only answers to pings."""
    allowed = {Opcode.TEXT, Opcode.BINARY, Opcode.PONG, Opcode.CLOSE}
    while isinstance(received := await _frame_or_end(socket), Frame):
        assert received.first & (RSV2 | RSV3) == 0
        assert received.opcode in allowed
        if received.opcode == Opcode.CLOSE:
            code = closed_by(received).code
            assert code in close.CATALOGUE or 1000 <= code < 5000  # ours, or theirs echoed
            allowed = {Opcode.PONG}


async def _frame_or_end(socket: WebSocket) -> Frame | Closed:
    try:
        return await socket.receive()
    except Closed as end:
        return end


# --- commands ------------------------------------------------------------------------------------

ODD = st.sampled_from(
    [0, -1, 1, 2**31, 2**53 - 1, 2**53, HUGE - 1, -HUGE, 1.5, -0.0, 1e308, True, None]
) | st.sampled_from(
    ["", "0", "1", "01", "-1", "1e3", str(HUGE), str(HUGE - 1), "9" * 400, "²", "\x00", "\ud7ff"]
)  # fmt: skip
LEAVES = ODD | st.text(max_size=20) | st.sampled_from(TAGS)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)
COMMAND = st.fixed_dictionaries(
    {"t": st.sampled_from(TAGS), "id": st.integers(0, 1_000) | ODD},
    optional={name: VALUES | st.just("ROOM") for name in FIELDS if name != "id"},
)


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
@given(fields=COMMAND | VALUES)
@fuzz
async def test_any_command(
    site: Site, bystanders: Bystanders, encoding: Encoding, fields: Any
) -> None:
    """It gets one answer; or the connection is closed because it was not of the format at all."""
    device = await site.device(await site.person(), encoding)
    if isinstance(fields, dict):
        fields = {
            name: bystanders.room if value == "ROOM" else value for name, value in fields.items()
        }
    device.socket.write(_packed(device, fields))
    device.socket.write(_packed(device, {"t": "sing", "id": 2**53 - 2}))
    answers: list[Fields] = []
    while len(answers) < 2 and isinstance(outcome := await _answer_or_close(device), dict):
        answers.append(outcome)
    if len(answers) == 2:
        codes = {answer.get("code") for answer in answers}
        assert errors.UNKNOWN_COMMAND.code in codes
        assert errors.INTERNAL.code not in codes
    else:
        _was_no_command(outcome)
        assert answers == []
    await bystanders.talk_on()
    device.abort()


async def _answer_or_close(device: Device) -> Fields | Closed:
    """The next answer, or the end."""
    try:
        while (received := await device.receive())["t"] not in ANSWERS:
            pass
    except Closed as closed:
        return closed
    return received


def _was_no_command(outcome: Fields | Closed) -> None:
    if isinstance(outcome, Closed):
        assert outcome.code == close.INVALID_PAYLOAD.code
    else:
        assert outcome["t"] == "error"


def _packed(device: Device, fields: Any) -> bytes:
    try:
        return device.framed(fields)
    except TypeError:  # orjson writes 64-bit integers alone
        return text(repr(fields).replace("'", '"').encode("utf-8", "replace"))


@pytest.mark.parametrize("depth", [10, 100, 1_000, 8_000])
@pytest.mark.parametrize("inside", ["attachments", "cursors", "unknown"])
@pytest.mark.parametrize("settled", [False, True])
async def test_deep_nesting(
    site: Site, bystanders: Bystanders, depth: int, inside: str, settled: bool
) -> None:
    nested = {
        "json": b'{"t":"send","id":1,"room":"1","body":"x","%b":%b%b}'
        % (inside.encode(), b"[" * depth, b"]" * depth),
        "msgpack": WIRES["msgpack"].pack({"t": "send", "id": 1, "room": "1", "body": "x"})[1:],
    }
    nested["msgpack"] = (
        b"\x85" + nested["msgpack"] + WIRES["msgpack"].pack(inside) + b"\x91" * depth + b"\xc0"
    )
    encodings: tuple[Encoding, ...] = ("json", "msgpack")
    for encoding in encodings:
        device = await site.connect(encoding)
        if settled:
            await device.hello((await site.person()).token)
        device.socket.write(frame(device.wire.opcode, nested[encoding]))
        _was_no_command(await _answer_or_close(device))
    await bystanders.talk_on()


@given(payload=st.binary(max_size=300), cut=st.integers(0, 300))
@fuzz
async def test_any_payload_in_a_proper_frame(
    site: Site, bystanders: Bystanders, payload: bytes, cut: int
) -> None:
    encodings: tuple[Encoding, ...] = ("json", "msgpack")
    for encoding in encodings:
        device = await site.connect(encoding)
        opcode = WIRES[encoding].opcode
        device.socket.write(frame(opcode, payload[:cut], fin=False))
        device.socket.write(frame(Opcode.CONT, payload[cut:]))
        _was_no_command(await _answer_or_close(device))
        device.abort()
    await bystanders.talk_on()
