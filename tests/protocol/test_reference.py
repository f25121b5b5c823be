import importlib.util
import json
from pathlib import Path
from typing import get_args

import pytest
from jsonschema import Draft202012Validator
from msgspec import inspect as structs

from protocol import reference
from protocol.codec import json_schema
from protocol.commands import AnyCommand, CreateRoom, Delivered, History, Presence, Send
from protocol.events import AnyEvent, AnyRoomEvent, Created, Gap, Message, Ok, TypingNotice
from protocol.glossary import MEANINGS

DOCS = Path(__file__).parents[2] / "docs"


def test_the_documents_are_those_that_the_code_generates() -> None:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert [path.name for path in generate.outdated()] == [], "run: make docs"


def test_everything_that_is_said_has_its_place_in_the_reference() -> None:
    assert set(get_args(AnyCommand)) == set(reference.COMMANDS)
    assert set(get_args(AnyEvent)) <= set(reference.EVENTS)
    assert set(get_args(AnyRoomEvent)) == set(reference.ROOM_EVENTS)
    assert len(set(reference.EVENTS)) == len(reference.EVENTS)


def test_the_glossary_explains_nothing_that_is_not_there() -> None:
    shown = {
        meaning
        for struct in (*reference.COMMANDS, *reference.EVENTS, *reference.RECORDS)
        for meaning in (field.meaning for field in reference.fields(struct))
    }
    assert [name for name, meaning in MEANINGS.items() if meaning not in shown] == []


def test_fields_are_described_in_words() -> None:
    fields = {field.name: field for field in reference.fields(Send)}
    assert list(fields) == ["id", "room", "body", "nonce", "reply_to", "attachments"]
    assert fields["id"].type == "integer, 0 to 2^53 - 1"
    assert fields["body"].type == "string of 0 to 16,000 characters"
    assert fields["attachments"].type == "list of [Attachment](#attachment), up to 10"
    assert fields["attachments"].default == "[]"
    assert (fields["nonce"].required, fields["nonce"].default) == (False, "")
    assert {field.name: field.default for field in reference.fields(History)}["limit"] == "50"
    assert reference.fields(CreateRoom)[1].type == "`dm` or `group` or `channel`"
    members = {field.name: field for field in reference.fields(Created)}["members"]
    assert members.type == "map from id to `owner` or `admin` or `member`"
    assert [field.name for field in reference.fields(Gap)] == ["room", "from", "to"]
    state = {field.name: field for field in reference.fields(Presence)}["state"]
    assert (state.type, state.required, state.default) == ("`away` or `online`", False, "")
    cursors = {field.name: field for field in reference.fields(Delivered)}["cursors"]
    assert cursors.type.endswith(", up to 500 entries")


def test_what_the_log_fills_in_is_always_there() -> None:
    required = {field.name: field.required for field in reference.fields(Message)}
    assert required["seq"]
    assert required["event_id"]
    assert required["at"]
    assert not {field.name: field.required for field in reference.fields(Ok)}["seq"]


def test_what_an_event_never_leaves_out_is_always_there() -> None:
    fields = {field.name: field for field in reference.fields(TypingNotice)}
    assert (fields["active"].required, fields["active"].default) == (True, "")
    assert not fields["thread"].required


def test_types_without_words_are_an_error() -> None:
    with pytest.raises(TypeError, match="no words"):
        reference.type_text(structs.DateTimeType())


def test_blocks_are_replaced_and_the_rest_is_left_alone() -> None:
    blocks = reference.blocks()
    document = "\n".join(
        f"before {name}\n<!-- generated: {name} -->\nof yesterday\n<!-- end -->\nafter {name}"
        for name in blocks
    )
    rewritten = reference.rewrite(document)
    assert reference.rewrite(rewritten) == rewritten
    assert "of yesterday" not in rewritten
    for name, text in blocks.items():
        assert f"before {name}\n<!-- generated: {name} -->\n{text}\n<!-- end -->\n" in rewritten


@pytest.mark.parametrize(
    "document",
    ["", "<!-- generated: commands -->\n<!-- end -->", "<!-- generated: fish -->\n<!-- end -->"],
)
def test_documents_must_have_exactly_the_blocks_that_there_are(document: str) -> None:
    with pytest.raises(ValueError, match="unknown or missing"):
        reference.rewrite(document)


@pytest.mark.parametrize("name", reference.schemas())
def test_schemas_are_schemas(name: str) -> None:
    schema = json.loads(reference.schemas()[name])
    Draft202012Validator.check_schema(schema)
    for definition in schema["$defs"].values():
        assert "\n" not in definition["description"]


@pytest.mark.parametrize(
    "frame",
    [
        {"t": "fly", "id": 1},
        {"t": "hello"},
        {"t": "hello", "id": -1},
        {"t": "hello", "id": 1, "cursors": {"x": 1}},
        {"t": "send", "id": 1, "room": 5, "body": "hi"},
        {"t": "send", "id": 1, "room": "05", "body": "hi"},
        {"t": "history", "id": 1, "room": "5", "limit": 201},
    ],
)
def test_the_schema_of_commands_refuses_what_the_codec_refuses(frame: object) -> None:
    schema = json.loads(reference.schemas()["commands.json"])
    assert not Draft202012Validator(schema).is_valid(frame)


def test_schemas_of_room_events_demand_what_the_log_fills_in() -> None:
    schema = json.loads(reference.schemas()["events.json"])
    for name in ("Message", "Created", "Renamed"):
        assert {"seq", "event_id", "at"} <= set(schema["$defs"][name]["required"])
        assert "default" not in schema["$defs"][name]["properties"]["seq"]


def test_only_ids_have_no_schema_of_their_own() -> None:
    with pytest.raises(TypeError, match="custom types"):
        json_schema(complex)
