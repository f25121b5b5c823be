"""docs/protocol.md says nothing that is not so: its examples, names and numbers are checked."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from protocol import close, errors
from protocol.codec import JSON, MSGPACK, from_builtins, to_builtins
from protocol.events import Event, Ok, Page, RoomAnswer
from protocol.reference import ANSWERS, COMMANDS, EVENTS, examples, schemas, tag
from server.auth import SignedIn
from server.config import Config
from server.rest.bodies import LogIn, ReceiptPage, Refresh, SignUp

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "protocol.md").read_text(encoding="utf-8")
SAID_BY_CLIENT, SAID_BY_SERVER = examples(TEXT)
VECTORS = json.loads((DOCS / "schema" / "examples.json").read_text(encoding="utf-8"))

validators = {name: Draft202012Validator(json.loads(schema)) for name, schema in schemas().items()}
BY_TAG = {tag(struct): struct for struct in EVENTS if struct not in (RoomAnswer, Page)}


def kind_of(frame: dict[str, Any]) -> type[msgspec.Struct]:
    """An ok has three forms, which the command that it answers tells apart."""
    if frame["t"] != "ok":
        return BY_TAG[frame["t"]]
    if "room" in frame:
        return RoomAnswer
    return Page if "events" in frame else Ok


@pytest.mark.parametrize("vector", VECTORS["commands"], ids=lambda vector: vector["json"]["t"])
def test_commands_are_valid_and_the_same_in_both_formats(vector: dict[str, Any]) -> None:
    validators["commands.json"].validate(vector["json"])
    command = JSON.decode(json.dumps(vector["json"]).encode())
    assert MSGPACK.decode(bytes.fromhex(vector["msgpack"])) == command


@pytest.mark.parametrize("vector", VECTORS["events"], ids=lambda vector: vector["json"]["t"])
def test_events_are_exactly_what_the_server_would_say(vector: dict[str, Any]) -> None:
    frame = vector["json"]
    validators["events.json"].validate(frame)
    event = from_builtins(frame, kind_of(frame))
    assert isinstance(event, Event)
    assert to_builtins(event) == frame
    assert json.loads(JSON.encode(event)) == frame
    assert msgspec.msgpack.decode(bytes.fromhex(vector["msgpack"])) == frame


def test_every_command_has_an_example() -> None:
    shown = {type(JSON.decode(json.dumps(frame).encode())) for frame in SAID_BY_CLIENT}
    assert shown == set(COMMANDS)


def test_every_event_has_an_example() -> None:
    assert {kind_of(frame) for frame in SAID_BY_SERVER} == set(EVENTS)


def section(heading: str) -> str:
    found = re.search(rf"^### {heading}\n(.*?)(?=^##|\Z)", TEXT, re.DOTALL | re.MULTILINE)
    assert found is not None, heading
    return found[1]


@pytest.mark.parametrize("struct", COMMANDS, ids=tag)
def test_every_command_has_a_section_with_an_example(struct: type[msgspec.Struct]) -> None:
    assert f'-> {{"t":"{tag(struct)}"' in section(f"Command {tag(struct)}")


@pytest.mark.parametrize("struct", EVENTS, ids=lambda struct: struct.__name__)
def test_every_event_has_a_section_with_an_example(struct: type[msgspec.Struct]) -> None:
    heading = tag(struct) if tag(struct) not in ("ok", "room", "room_gone") else struct.__name__
    assert f'<- {{"t":"{tag(struct)}"' in section(f"Event {'ok' if struct is Ok else heading}")


def test_every_error_has_an_example() -> None:
    over_rest = re.findall(r"^HTTP (\d+) (\{.*\})$", TEXT, re.MULTILINE)
    shown = {frame["code"] for frame in SAID_BY_SERVER if frame["t"] == "error"}
    for status, body in over_rest:
        shape = json.loads(body)
        # WHIP and WHEP have problem details (RFC 9457).
        error = shape.get("error") or shape | {"message": shape["detail"]}
        assert errors.CATALOGUE[error["code"]].status == int(status)
        assert error["message"].endswith(".")
        shown.add(error["code"])
    assert shown == errors.CATALOGUE.keys()


@pytest.mark.parametrize("spec", errors.CATALOGUE.values(), ids=lambda spec: spec.code)
def test_every_error_is_explained(spec: errors.ErrorSpec) -> None:
    assert f"**`{spec.code}`**" in TEXT


def test_every_close_code_has_an_example() -> None:
    shown = re.findall(r"^<- close (\d+) (.+)$", TEXT, re.MULTILINE)
    assert {(int(code), reason) for code, reason in shown} == {
        (entry.code, entry.reason) for entry in close.CATALOGUE.values()
    }


@pytest.mark.parametrize("vector", VECTORS["closes"], ids=lambda vector: str(vector["code"]))
def test_close_frames(vector: dict[str, Any]) -> None:
    payload = bytes.fromhex(vector["payload"])
    entry = close.CATALOGUE[int.from_bytes(payload[:2], "big")]
    assert (entry.code, entry.reason) == (vector["code"], vector["reason"])
    assert payload[2:].decode() == entry.reason


def test_the_bytes_that_are_spelt_out() -> None:
    spelt = section("MessagePack")
    blocks = re.findall(r"```\n((?:[0-9a-f ]+(?: {2,}.*)?\n)+)```", spelt)
    payloads = [
        bytes.fromhex("".join(line.strip().split("  ")[0] for line in block.splitlines()))
        for block in blocks
    ]
    shown, _ = examples(spelt)
    assert [msgspec.msgpack.decode(payload) for payload in payloads] == [
        shown[0],
        {"t": "ok", "id": 5},
    ]
    assert payloads[0] == msgspec.msgpack.encode(shown[0])
    slow = close.SLOW
    assert f"`{slow.code:04x} {slow.reason.encode().hex()}`" in TEXT


def test_what_is_shown_of_rest() -> None:
    bodies: dict[str, Any] = {"accounts": SignUp, "sessions": LogIn, "sessions/refresh": Refresh}
    requests = re.findall(r"^POST /api/v1/(\S+) (\{.*\})$", TEXT, re.MULTILINE)
    assert {path for path, _ in requests} == bodies.keys()
    for path, body in requests:
        assert to_builtins(from_builtins(json.loads(body), bodies[path])) == json.loads(body)
    (answer,) = re.findall(r"^201 (\{.*\})$", TEXT, re.MULTILINE)
    assert to_builtins(from_builtins(json.loads(answer), SignedIn)) == json.loads(answer)
    (answer,) = re.findall(r"^200 (\{.*\})$", section("Receipts"), re.MULTILINE)
    assert to_builtins(from_builtins(json.loads(answer), ReceiptPage)) == json.loads(answer)


def test_delays_in_the_reasons_of_closes_are_such() -> None:
    shown = re.findall(r"\b([a-z_]+)(; retry_after=[\d.]+)", TEXT)
    assert {reason for reason, _ in shown} == {"restart", "rate_limited"}
    for reason, hint in shown:
        entry = next(entry for entry in close.CATALOGUE.values() if entry.reason == reason)
        seconds = close.delay_of(reason + hint)
        assert seconds is not None
        assert close.with_delay(entry, seconds).reason == reason + hint


def anchors() -> set[str]:
    """As forges make them of headings."""
    headings = re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        if target.startswith("#"):
            assert target[1:] in anchors()
        else:
            assert (DOCS / target).exists()


def test_settings_exist_and_have_the_defaults_that_are_given() -> None:
    config = Config()
    named = re.findall(
        r"`(limits|gateway|server|auth|presence|feed)\.(\w+)`"
        r"(?:[^|\n]*\| ([\d,]+) \||,? \(?([\d,]+)(?: s)?\))?",
        TEXT,
    )
    assert named
    for part, key, in_table, in_text in named:
        if f"{part}.{key}" in BY_TAG:  # an event, such as feed.counters
            continue
        value = getattr(getattr(config, part), key)
        if given := in_table or in_text:
            assert int(given.replace(",", "")) == value, key


def test_answers_say_to_what() -> None:
    for struct in COMMANDS:
        expected = "`ready`" if tag(struct) == "hello" else "Answered by [`ok`"
        assert expected in section(f"Command {tag(struct)}")
    assert {tag(struct) for struct in ANSWERS} == {"ready", "ok", "error"}
