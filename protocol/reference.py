"""The tables of docs/protocol.md and the JSON Schemas, generated from the structs and catalogues.

Pure: text in, text out. docs/generate.py reads and writes the files. A block of the document that
is generated stands between two comments:

    <!-- generated: command send -->
    <!-- end -->
"""

import inspect
import json
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, get_args

from msgspec import NODEFAULT, Struct, msgpack
from msgspec import inspect as structs

from protocol import close, errors, events, posts, records, streams
from protocol.codec import json_schema
from protocol.commands import AnyCommand
from protocol.feed_events import AnyFeedEvent
from protocol.glossary import MEANINGS
from protocol.ids import Id
from protocol.stream_events import AnyStreamEvent

COMMANDS: tuple[type[Struct], ...] = get_args(AnyCommand)
ANSWERS: tuple[type[Struct], ...] = (
    events.Ready,
    events.Ok,
    events.RoomAnswer,
    events.Page,
    events.Error,
)
ROOM_EVENTS: tuple[type[Struct], ...] = get_args(events.AnyRoomEvent)
NOTICES: tuple[type[Struct], ...] = (
    events.Gap,
    events.RoomAdded,
    events.RoomGone,
    events.LevelChanged,
    events.RelationChanged,
    events.SettingsChanged,
)
SIGNS_OF_LIFE: tuple[type[Struct], ...] = (
    events.ReadMarker,
    events.DeliveredMarker,
    events.TypingNotice,
    events.PresenceChanged,
    events.RoomPresence,
)
FEED_EVENTS: tuple[type[Struct], ...] = get_args(AnyFeedEvent)
STREAM_EVENTS: tuple[type[Struct], ...] = get_args(AnyStreamEvent)
EVENTS = (*ANSWERS, *ROOM_EVENTS, *NOTICES, *SIGNS_OF_LIFE, *FEED_EVENTS, *STREAM_EVENTS)
RECORDS: tuple[type[Struct], ...] = (
    records.Room,
    records.User,
    records.Attachment,
    records.Reaction,
    records.Thread,
    posts.Post,
    posts.Author,
    posts.Media,
    posts.Variant,
    posts.Preview,
    posts.Poll,
    posts.PollOption,
    posts.Comment,
    streams.Stream,
)

_ID_PATTERN = "^(0|[1-9][0-9]{0,18})$"

# The log fills these in before anybody sees the event, so for a client they have no default.
_WRITTEN = ("seq", "event_id", "at")

_BLOCK = re.compile(r"(<!-- generated: ([\w ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


class Field(NamedTuple):
    """One field of a command, event or record, in words.

    Attributes:
        required: a command has to have it, an event always has it.
        default: JSON of what an absent field stands for; empty where it stands for nothing.
    """

    name: str
    type: str
    required: bool
    default: str
    meaning: str


def fields(struct: type[Struct]) -> list[Field]:
    """The fields of a struct, those of its base first.

    Raises:
        KeyError: the glossary does not say what a field means.
    """
    found = structs.type_info(struct)
    assert isinstance(found, structs.StructType)
    declared = [
        name for base in reversed(struct.__mro__) for name in vars(base).get("__annotations__", {})
    ]
    ordered = sorted(found.fields, key=lambda field: declared.index(field.name))
    return [_field(struct, field) for field in ordered]


def _field(struct: type[Struct], field: structs.Field) -> Field:
    name = field.encode_name
    required = field.required or _is_always_said(struct, field)
    return Field(
        name=name,
        type=type_text(field.type),
        required=required,
        default="" if required else _default(field),
        meaning=MEANINGS.get(f"{struct.__name__}.{name}") or MEANINGS[name],
    )


def _is_always_said(struct: type[Struct], field: structs.Field) -> bool:
    """Whether events have a field, though it has a default."""
    if issubclass(struct, events.RoomEvent) and field.encode_name in _WRITTEN:
        return True
    leaves_out = not issubclass(struct, events.Event) or struct.__struct_config__.omit_defaults
    return not leaves_out and field.default is not NODEFAULT


def _default(field: structs.Field) -> str:
    if field.default_factory is not NODEFAULT:
        return json.dumps(field.default_factory())
    return "" if field.default in (NODEFAULT, None) else json.dumps(field.default)


def type_text(type_: structs.Type) -> str:
    """A type in words, with its bounds."""
    match type_:
        case structs.Metadata(type=inner):
            return type_text(inner)
        case structs.UnionType(types=(structs.StructType(cls=cls), *_)) if issubclass(
            cls, events.RoomEvent
        ):
            return "[room event](#room-events)"
        case structs.UnionType(types=types):  # the others are null, which is absence
            return type_text(types[0])
        case structs.ListType(item_type=item, max_length=high):
            return f"list of {type_text(item)}" + ("" if high is None else f", up to {high}")
        case structs.DictType(key_type=key, value_type=value, max_length=high):
            size = "" if high is None else f", up to {high} entries"
            return f"map from {type_text(key)} to {type_text(value)}{size}"
        case structs.StructType(cls=cls):
            return f"[{cls.__name__}](#{cls.__name__.lower()})"
    return _scalar_text(type_)


def _scalar_text(type_: structs.Type) -> str:
    match type_:
        case structs.CustomType(cls=cls) if cls is Id:
            return "id"
        case structs.IntType(ge=low, le=high):
            return "integer" if low is None else f"integer, {low} to {_power(high)}"
        case structs.StrType(min_length=low, max_length=high):
            return "string" if high is None else f"string of {low or 0} to {high:,} characters"
        case structs.FloatType():
            return "number"
        case structs.BoolType():
            return "boolean"
        case structs.EnumType(cls=enum):
            return " or ".join(f"`{member.value}`" for member in enum)
        case structs.LiteralType(values=values):
            return " or ".join(f"`{value}`" for value in values)
    raise TypeError(f"the reference has no words for {type_}")


def _power(bound: int | None) -> str:
    return "2^53 - 1" if bound == 2**53 - 1 else str(bound)


# --- blocks ----------------------------------------------------------------------------------


def blocks() -> dict[str, str]:
    """The generated blocks of the document, by name."""
    made = {
        "commands": _overview(COMMANDS),
        "answers": _overview(ANSWERS),
        "room events": _overview(ROOM_EVENTS),
        "room event fields": _field_table(fields(events.RoomEvent), "Present", _present),
        "notices": _overview(NOTICES),
        "signs of life": _overview(SIGNS_OF_LIFE),
        "feed events": _overview(FEED_EVENTS),
        "stream events": _overview(STREAM_EVENTS),
        "errors": _error_table(),
        "close codes": _close_table(),
    }
    made |= {f"command {tag(struct)}": _command(struct) for struct in COMMANDS}
    made |= {f"event {struct.__name__}": _event(struct) for struct in EVENTS}
    made |= {f"record {struct.__name__}": _event(struct) for struct in RECORDS}
    return made


def tag(struct: type[Struct]) -> str:
    """The value of `t` that stands for a command or event."""
    return str(struct.__struct_config__.tag)


def summary(struct: type[Struct]) -> str:
    """What the docstring of a struct says, as one paragraph a line."""
    text = inspect.getdoc(struct) or ""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _overview(structs_: Sequence[type[Struct]]) -> str:
    rows = [(f"`{tag(struct)}`", summary(struct).split("\n\n")[0]) for struct in structs_]
    return _table(("`t`", "Meaning"), rows)


def _command(struct: type[Struct]) -> str:
    return _described(struct, "Required", _required)


def _required(field: Field) -> str:
    if field.required:
        return "yes"
    return f"no: `{field.default}`" if field.default else "no"


def _event(struct: type[Struct]) -> str:
    return _described(struct, "Present", _present)


def _present(field: Field) -> str:
    if field.required:
        return "always"
    return f"unless `{field.default}`" if field.default else "if any"


def _described(struct: type[Struct], head: str, presence: Callable[[Field], str]) -> str:
    shown = fields(struct)
    if struct in ROOM_EVENTS:  # the fields that all of them have are in a table of their own
        shown = [field for field in shown if field not in fields(events.RoomEvent)]
    return f"{summary(struct)}\n\n{_field_table(shown, head, presence)}"


def _field_table(shown: Sequence[Field], head: str, presence: Callable[[Field], str]) -> str:
    rows = [(f"`{field.name}`", field.type, presence(field), field.meaning) for field in shown]
    return _table(("Field", "Type", head, "Meaning"), rows)


def _error_table() -> str:
    rows = [
        (f"`{spec.code}`", str(spec.status), "yes" if spec.retry else "no", spec.text)
        for spec in errors.CATALOGUE.values()
    ]
    return _table(("Code", "HTTP", "Retry", "Text"), rows)


def _close_table() -> str:
    rows = [
        (str(code), f"`{entry.reason}`", "yes" if close.may_reconnect(code) else "no", entry.text)
        for code, entry in sorted(close.CATALOGUE.items())
    ]
    return _table(("Code", "Reason", "Reconnect", "Meaning"), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def rewrite(document: str) -> str:
    """The document with all its generated blocks made anew.

    Raises:
        ValueError: it has a block that nothing generates, or lacks one.
    """
    made = blocks()
    present = [name for _, name, _ in _BLOCK.findall(document)]
    if wrong := set(present) ^ made.keys():
        raise ValueError(f"these blocks are unknown or missing: {', '.join(sorted(wrong))}")
    return _BLOCK.sub(lambda found: f"{found[1]}{made[found[2]]}\n{found[3]}", document)


# --- schemas ---------------------------------------------------------------------------------


def schemas() -> dict[str, str]:
    """The JSON Schemas of all commands and of all events, by file name."""
    return {
        "commands.json": _schema("A command of plaza.v1, from client to server", COMMANDS),
        "events.json": _schema("An event of plaza.v1, from server to client", EVENTS),
    }


def _schema(title: str, structs_: tuple[type[Struct], ...]) -> str:
    refs, definitions = json_schema(*structs_)
    for struct in structs_:
        if issubclass(struct, events.RoomEvent):
            definition = definitions[struct.__name__]
            definition["required"] += _WRITTEN
            for name in _WRITTEN:
                definition["properties"][name].pop("default", None)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "anyOf": refs,
        "$defs": {name: _tidy(definition) for name, definition in sorted(definitions.items())},
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _tidy(node: Any) -> Any:
    """What msgspec leaves to do: indented docstrings, and maps that say nothing of their keys."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    tidied = {key: _tidy(value) for key, value in node.items()}
    if isinstance(description := tidied.get("description"), str):
        tidied["description"] = " ".join(description.split())
    if isinstance(tidied.get("additionalProperties"), dict):  # all maps are keyed by ids
        tidied["propertyNames"] = {"pattern": _ID_PATTERN}
    return tidied


# --- examples --------------------------------------------------------------------------------

_FRAME = re.compile(r"^(->|<-) (\{.*\})$", re.MULTILINE)


def examples(document: str) -> tuple[list[Any], list[Any]]:
    """The frames that the document shows, as they stand in JSON: commands, events."""
    frames: dict[str, list[Any]] = {"->": [], "<-": []}
    for direction, text in _FRAME.findall(document):
        frames[direction].append(json.loads(text))
    return frames["->"], frames["<-"]


def vectors(document: str) -> str:
    """The document's frames in both formats, and the payload of each close frame, as JSON.

    For the tests of clients in other languages.
    """
    commands, said = examples(document)
    content = {
        "commands": [_vector(frame) for frame in commands],
        "events": [_vector(frame) for frame in said],
        "closes": [
            {
                "code": entry.code,
                "reason": entry.reason,
                "payload": (entry.code.to_bytes(2, "big") + entry.reason.encode()).hex(),
            }
            for entry in close.CATALOGUE.values()
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _vector(frame: Any) -> dict[str, Any]:
    return {"json": frame, "msgpack": msgpack.encode(frame).hex()}
