"""What is written in either format is read back the same, by msgspec and by other libraries."""

from functools import cache
from typing import Any

import msgpack
import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, Struct
from msgspec import inspect as structs

from protocol import errors, events
from protocol.codec import (
    CODECS,
    JSON,
    MSGPACK,
    Codec,
    InvalidCommand,
    MalformedPayload,
    dump_json,
    from_builtins,
    load_json,
    to_builtins,
)
from protocol.commands import Command, Hello, Send
from protocol.ids import MAX_ID, NOBODY, Id
from protocol.records import Role, Room, RoomKind
from protocol.reference import COMMANDS, EVENTS

codecs = pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=lambda codec: codec.name)

# Surrogates have no UTF-8; the server's own strings come from frames or the database, so none get
# that far.
# Neither surrogates nor control characters: not all texts may have these.
texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
ids = st.integers(1, MAX_ID).map(Id)


def values(type_: structs.Type) -> st.SearchStrategy[Any]:
    """What may stand in a field of this type."""
    match type_:
        case structs.Metadata(type=inner):
            return values(inner)
        case structs.CustomType():
            return ids
        case structs.IntType(ge=low, le=high):
            return st.integers(
                -(2**63) if low is None else low, 2**63 - 1 if high is None else high
            )
        case structs.StrType(min_length=low):
            return texts.filter(lambda text: len(text) >= (low or 0))
        case structs.FloatType():
            return st.floats(allow_nan=False, allow_infinity=False)
        case structs.BoolType():
            return st.booleans()
        case structs.NoneType():
            return st.none()
        case structs.EnumType(cls=cls):
            return st.sampled_from(list(cls))
        case structs.LiteralType(values=literals):
            return st.sampled_from(literals)
        case structs.ListType(item_type=item, min_length=low):
            return st.lists(values(item), min_size=low or 0, max_size=3)
        case structs.DictType(key_type=key, value_type=value, min_length=low):
            return st.dictionaries(values(key), values(value), min_size=low or 0, max_size=3)
        case structs.StructType(cls=cls):
            return st.deferred(lambda: instances(cls))  # a post may have a post in it
        case structs.UnionType(types=types):
            return st.one_of([values(alternative) for alternative in types])
        case _:
            return st.just(UNSET)


@cache
def instances(struct: type[Struct]) -> st.SearchStrategy[Any]:
    """Values of a command, event or record, with every field filled in somehow."""
    found = structs.type_info(struct)
    assert isinstance(found, structs.StructType)
    return st.builds(struct, **{field.name: values(field.type) for field in found.fields})


def load(codec: Codec, payload: bytes) -> Any:
    """Read a frame by the second implementation of its format."""
    return orjson.loads(payload) if codec.text else msgpack.unpackb(payload)


def dump(codec: Codec, frame: Any) -> bytes:
    """Write a frame by the second implementation of its format."""
    return orjson.dumps(frame) if codec.text else msgpack.packb(frame)


@codecs
@pytest.mark.parametrize("struct", COMMANDS, ids=lambda struct: struct.__name__)
@settings(max_examples=30)
@given(data=st.data())
def test_commands_are_read_as_others_write_them(
    codec: Codec, struct: type[Command], data: st.DataObject
) -> None:
    command = data.draw(instances(struct))
    assert codec.decode(dump(codec, to_builtins(command))) == command


@codecs
@pytest.mark.parametrize("struct", EVENTS, ids=lambda struct: struct.__name__)
@settings(max_examples=30)
@given(data=st.data())
def test_others_read_events_as_they_are_written(
    codec: Codec, struct: type[events.Event], data: st.DataObject
) -> None:
    event = data.draw(instances(struct))
    payload = codec.encode(event)
    assert load(codec, payload) == to_builtins(event)
    assert from_builtins(load(codec, payload), struct) == event


@codecs
def test_ids_are_strings_on_the_wire_also_as_keys(codec: Codec) -> None:
    event = events.Created(
        room=Id(MAX_ID), sender=Id(7), kind=RoomKind.GROUP, members={Id(7): Role.OWNER}
    )
    frame = load(codec, codec.encode(event))
    assert frame["room"] == "9223372036854775807"
    assert frame["members"] == {"7": "owner"}
    hello = codec.decode(dump(codec, {"t": "hello", "id": 1, "cursors": {"7": 41}}))
    assert hello == Hello(id=1, cursors={Id(7): 41})
    assert {type(room) for room in hello.cursors} == {Id}


@codecs
def test_events_leave_out_what_says_nothing(codec: Codec) -> None:
    assert load(codec, codec.encode(events.Ok(id=5))) == {"t": "ok", "id": 5}
    error = events.Error(code="internal", message="Oh.")
    assert load(codec, codec.encode(error)) == {"t": "error", "code": "internal", "message": "Oh."}


@codecs
def test_commands_may_leave_out_what_is_optional_or_give_null_or_more(codec: Codec) -> None:
    bare = {"t": "send", "id": 1, "room": "5", "body": "hi"}
    expected = Send(id=1, room=Id(5), body="hi")
    assert codec.decode(dump(codec, bare)) == expected
    assert codec.decode(dump(codec, bare | {"nonce": None, "reply_to": None})) == expected
    assert codec.decode(dump(codec, bare | {"from_the_future": {"x": [1, None]}})) == expected


@codecs
@pytest.mark.parametrize("wrapped", [bytes, bytearray, memoryview])
def test_payloads_may_be_any_kind_of_bytes(codec: Codec, wrapped: Any) -> None:
    assert codec.decode(wrapped(dump(codec, {"t": "hello", "id": 1}))) == Hello(id=1)


@codecs
@pytest.mark.parametrize(
    ("frame", "spec", "command_id"),
    [
        ({"t": "fly", "id": 3}, errors.UNKNOWN_COMMAND, 3),
        ({"t": "", "id": 3}, errors.UNKNOWN_COMMAND, 3),
        ({"t": "ready", "id": 3}, errors.UNKNOWN_COMMAND, 3),
        ({"id": 3}, errors.BAD_REQUEST, 3),
        ({"t": 5, "id": 3}, errors.BAD_REQUEST, 3),
        ({"t": "hello"}, errors.BAD_REQUEST, None),
        ({"t": "hello", "id": "3"}, errors.BAD_REQUEST, None),
        ({"t": "hello", "id": -1}, errors.BAD_REQUEST, None),
        ({"t": "hello", "id": 2**53}, errors.BAD_REQUEST, None),
        ({"t": "hello", "id": 3, "cursors": {"x": 1}}, errors.BAD_REQUEST, 3),
        ({"t": "hello", "id": 3, "cursors": {"1": -1}}, errors.BAD_REQUEST, 3),
        ({"t": "send", "id": 3, "body": "hi"}, errors.BAD_REQUEST, 3),
        ({"t": "send", "id": 3, "room": 5, "body": "hi"}, errors.BAD_REQUEST, 3),
        ({"t": "send", "id": 3, "room": "05", "body": "hi"}, errors.BAD_REQUEST, 3),
        ({"t": "send", "id": 3, "room": "5", "body": None}, errors.BAD_REQUEST, 3),
        ({"t": "send", "id": 3, "room": "5", "body": "x" * 16_001}, errors.BAD_REQUEST, 3),
        ({"t": "send", "id": 3, "room": "5", "body": "x", "nonce": ""}, errors.BAD_REQUEST, 3),
        (
            {"t": "send", "id": 3, "room": "5", "body": "x", "nonce": "n" * 65},
            errors.BAD_REQUEST,
            3,
        ),
        ({"t": "history", "id": 3, "room": "5", "limit": 201}, errors.BAD_REQUEST, 3),
        ({"t": "history", "id": 3, "room": "5", "limit": 0}, errors.BAD_REQUEST, 3),
        ({"t": "create", "id": 3, "kind": "castle"}, errors.BAD_REQUEST, 3),
        ({"t": "delivered", "id": 3, "cursors": {}}, errors.BAD_REQUEST, 3),
        ({"t": "notify", "id": 3, "room": "5", "level": "some"}, errors.BAD_REQUEST, 3),
        ({"t": "presence", "id": 3, "state": "offline"}, errors.BAD_REQUEST, 3),
        ({"t": "presence", "id": 3, "busy": 1}, errors.BAD_REQUEST, 3),
        ({"t": "watch", "id": 3, "accounts": ["7"] * 101}, errors.BAD_REQUEST, 3),
        ({"t": "ban", "id": 3, "room": "5", "account": "7", "seconds": 0}, errors.BAD_REQUEST, 3),
        ({"t": "slow_mode", "id": 3, "room": "5", "seconds": -1}, errors.BAD_REQUEST, 3),
        ([], errors.BAD_REQUEST, None),
        (7, errors.BAD_REQUEST, None),
        (None, errors.BAD_REQUEST, None),
    ],
)
def test_what_is_no_command_is_refused_with_a_reason(
    codec: Codec, frame: Any, spec: errors.ErrorSpec, command_id: int | None
) -> None:
    with pytest.raises(InvalidCommand) as caught:
        codec.decode(dump(codec, frame))
    assert caught.value.spec is spec
    assert caught.value.command_id == command_id
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize(
    ("codec", "payload"),
    [
        (JSON, b""),
        (JSON, b"hello"),
        (JSON, b'{"t":"hello","id":1'),
        (JSON, b'{"t":"hello","id":1}}'),
        (JSON, b'\xef\xbb\xbf{"t":"hello","id":1}'),
        (JSON, '{"t":"hello","id":1}'.encode("utf-16")),
        (JSON, b'{"t":"send","id":1,"room":"1","body":"\xff"}'),
        (JSON, b'{"t":"send","id":1,"room":"1","body":"\\ud800"}'),
        (JSON, b'{"t":"send","id":1,"room":"1","body":"\xed\xa0\x80"}'),
        (JSON, b'{"t":"hello","id":NaN}'),
        (JSON, b'{"t":"hello","id":Infinity}'),
        (JSON, b'{"t":"hello","id":01}'),
        (MSGPACK, b""),
        (MSGPACK, b"\xc1"),
        (MSGPACK, b"\x82\xa1t\xa5hello\xa2id"),
        (MSGPACK, b"\x82\xa1t\xa5hello\xa2id\x01\x01"),
        (MSGPACK, b"\x81\xa1t\xa2\xc3\x28"),
        (MSGPACK, b"\xdf\xff\xff\xff\xff"),  # a map of 2**32 - 1
    ],
)
def test_what_is_not_of_the_format_at_all(codec: Codec, payload: bytes) -> None:
    with pytest.raises((MalformedPayload, InvalidCommand)) as caught:
        codec.decode(payload)
    assert caught.type is MalformedPayload


def test_subprotocols_select_the_codec() -> None:
    assert CODECS == {"plaza.v1.json": JSON, "plaza.v1.msgpack": MSGPACK}
    assert JSON.text
    assert not MSGPACK.text


@given(instances(Room))
def test_records_survive_being_stored_as_json(room: Room) -> None:
    assert load_json(dump_json(room), Room) == room
    assert orjson.loads(dump_json([room])) == [to_builtins(room)]
    with pytest.raises(msgspec.ValidationError):
        load_json("{}", Room)


def test_nobody_is_somebody_whom_only_servers_know() -> None:
    """Accounts that have been deleted are 0 in what they have left; nobody can ask about 0."""
    event = events.Deleted(room=Id(7), sender=NOBODY, event_id=Id(9), target=3, author=NOBODY)
    frame = {"t": "delete", "room": "7", "sender": "0", "event_id": "9", "target": 3, "author": "0"}
    assert orjson.loads(JSON.encode(event)) == frame
    assert from_builtins(frame, events.Deleted) == event
    assert load_json(orjson.dumps(frame), events.Deleted) == event
    with pytest.raises(msgspec.ValidationError, match="decimal"):
        load_json(orjson.dumps(frame), events.Deleted, from_outside=True)
    with pytest.raises(InvalidCommand):
        JSON.decode(b'{"t":"typing","room":"0"}')
