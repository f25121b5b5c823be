"""Whatever comes in: a command, a refusal or "not this format". Nothing else, and soon."""

import json
import time
from pathlib import Path
from typing import Any

import msgpack
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.codec import JSON, MSGPACK, Codec, InvalidCommand, MalformedPayload
from protocol.commands import Command

VECTORS = Path(__file__).parents[2] / "docs" / "schema" / "examples.json"
FRAMES: list[dict[str, Any]] = [
    vector["json"] for vector in json.loads(VECTORS.read_text(encoding="utf-8"))["commands"]
]
MESSAGE_BYTES = 65_536  # what the gateway lets through

codecs = pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=lambda codec: codec.name)
frames = st.sampled_from(FRAMES)

# Values of every JSON type, of sizes beyond what any field takes.
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("tidrom", max_size=4), inner)
    ),
    max_leaves=10,
)


def outcome(codec: Codec, payload: bytes) -> Command | None:
    """The command, or None for what the codec refuses as it has promised to."""
    try:
        command = codec.decode(payload)
    except InvalidCommand as refusal:
        answerable = refusal.command_id is None or 0 <= refusal.command_id < 2**53
        return None if answerable and refusal.message.endswith(".") else pytest.fail(str(refusal))
    except MalformedPayload:
        return None
    assert isinstance(command, Command)
    return command


def encode(codec: Codec, frame: Any) -> bytes:
    return orjson.dumps(frame) if codec.text else msgpack.packb(frame)


@codecs
@given(payload=st.binary(max_size=300))
def test_random_bytes(codec: Codec, payload: bytes) -> None:
    outcome(codec, payload)


@codecs
@given(frame=frames, data=st.data())
def test_truncated_frames(codec: Codec, frame: Any, data: st.DataObject) -> None:
    payload = encode(codec, frame)
    cut = data.draw(st.integers(0, len(payload) - 1))
    assert outcome(codec, payload[:cut]) is None


@codecs
@given(frame=frames, junk=st.binary(min_size=1, max_size=8), data=st.data())
def test_frames_with_junk_in_them(
    codec: Codec, frame: Any, junk: bytes, data: st.DataObject
) -> None:
    payload = encode(codec, frame)
    at = data.draw(st.integers(0, len(payload)))
    outcome(codec, payload[:at] + junk + payload[at:])
    outcome(codec, payload[:at] + junk + payload[at + len(junk) :])


@codecs
@given(frame=frames, value=anything, data=st.data())
def test_fields_of_any_type(codec: Codec, frame: Any, value: Any, data: st.DataObject) -> None:
    field = data.draw(st.sampled_from(sorted(frame)))
    outcome(codec, encode(codec, frame | {field: value}))


@codecs
@given(value=anything)
def test_payloads_of_any_type(codec: Codec, value: Any) -> None:
    outcome(codec, encode(codec, value))


@given(frame=frames, value=anything, data=st.data())
def test_keys_that_stand_twice_count_as_the_last(
    frame: Any, value: Any, data: st.DataObject
) -> None:
    field = data.draw(st.sampled_from(sorted(frame.keys() - {"t"})))
    before = b"{" + orjson.dumps(field) + b":" + orjson.dumps(value) + b","
    command = outcome(JSON, before + orjson.dumps(frame)[1:])
    # The first of the two may be refused for its type; if it is not, it has no effect.
    assert command is None or command == JSON.decode(orjson.dumps(frame))


def nested(codec: Codec, opening: bytes, closing: bytes, *, closed: bool) -> bytes:
    """A hello with an unknown field as deep as a message can be."""
    head = b'{"t":"hello","id":1,"x":' if codec.text else b"\x83\xa1t\xa5hello\xa2id\x01\xa1x"
    depth = (MESSAGE_BYTES - len(head) - 1) // (len(opening) + len(closing))
    tail = b"1" if codec.text else b"\x01"
    return head + opening * depth + (tail + closing * depth if closed else b"")


HUGE = {
    "json: arrays": (JSON, nested(JSON, b"[", b"]", closed=True) + b"}"),
    "json: arrays left open": (JSON, nested(JSON, b"[", b"", closed=False)),
    "json: objects": (JSON, nested(JSON, b'{"x":', b"}", closed=True) + b"}"),
    "json: only openings": (JSON, b"[" * MESSAGE_BYTES),
    "json: integer id": (JSON, b'{"t":"hello","id":' + b"9" * 65_000 + b"}"),
    "json: integer in an unknown field": (JSON, b'{"t":"hello","id":1,"x":' + b"9" * 65_000 + b"}"),
    "json: fraction": (JSON, b'{"t":"hello","id":0.' + b"9" * 65_000 + b"}"),
    "json: exponent": (JSON, b'{"t":"hello","id":1e' + b"9" * 65_000 + b"}"),
    "json: room id": (
        JSON,
        b'{"t":"send","id":1,"body":"","room":"' + b"9" * 65_000 + b'"}',
    ),
    "json: cursors": (
        JSON,
        b'{"t":"hello","id":1,"cursors":{%s}}' % b",".join(b'"%d":1' % n for n in range(1, 7_000)),
    ),
    "json: colliding keys": (
        JSON,
        b'{"t":"hello","id":1,"cursors":{%s}}' % b",".join([b'"1":1'] * 10_000),
    ),
    "json: enum": (JSON, b'{"t":"create","id":1,"kind":"' + b"x" * 65_000 + b'"}'),
    "json: white space": (JSON, b" " * 65_000 + b'{"t":"hello","id":1}'),
    "msgpack: arrays": (MSGPACK, nested(MSGPACK, b"\x91", b"", closed=True)),
    "msgpack: arrays left open": (MSGPACK, nested(MSGPACK, b"\x91", b"", closed=False)),
    "msgpack: maps": (MSGPACK, nested(MSGPACK, b"\x81\xa1x", b"", closed=True)),
    "msgpack: an array of 2**32 - 1": (
        MSGPACK,
        b"\x83\xa1t\xa5hello\xa2id\x01\xa1x\xdd" + b"\xff" * 4,
    ),
    "msgpack: a string of 2**32 - 1": (
        MSGPACK,
        b"\x83\xa1t\xa5hello\xa2id\x01\xa1x\xdb" + b"\xff" * 4,
    ),
    "msgpack: cursors of 2**32 - 1": (
        MSGPACK,
        b"\x83\xa1t\xa5hello\xa2id\x01\xa7cursors\xdf" + b"\xff" * 4,
    ),
    "msgpack: an attachment list of 2**32 - 1": (
        MSGPACK,
        b"\x83\xa1t\xa4send\xa2id\x01\xabattachments\xdd" + b"\xff" * 4,
    ),
    "msgpack: an extension": (MSGPACK, b"\x83\xa1t\xa5hello\xa2id\xd6\xff\0\0\0\0\xa1x\x01"),
}


@pytest.mark.parametrize(("codec", "payload"), HUGE.values(), ids=HUGE)
def test_what_is_huge_or_deep_is_done_with_soon(codec: Codec, payload: bytes) -> None:
    started = time.perf_counter()
    outcome(codec, payload)
    assert time.perf_counter() - started < 0.5
