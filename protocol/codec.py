"""Commands and events to and from JSON and MessagePack.

Both formats come from the same structs (msgspec), so they cannot drift apart. Ids are ints inside
and decimal strings outside: two hooks.
"""

from typing import Any, Final, TypeVar

import msgspec

from protocol import errors
from protocol.commands import AnyCommand, Command
from protocol.events import Event
from protocol.ids import NOBODY, Id, parse_id

T = TypeVar("T")


def _encode_id(value: Any) -> str:
    if isinstance(value, Id):
        return int.__repr__(value)  # what str() ends up with, a third faster
    raise NotImplementedError(f"{type(value)} has no wire form")


def _decode_id(expected: type, value: Any) -> Any:
    if expected is Id and isinstance(value, str):
        return parse_id(value)
    raise ValueError("an id is a decimal string")


def _decode_known_id(expected: type, value: Any) -> Any:
    """The same, of what a server has said: an id may be nobody's."""
    return NOBODY if expected is Id and value == "0" else _decode_id(expected, value)


class _AnyCommandId(msgspec.Struct):
    id: int | None = None


class MalformedPayload(Exception):
    """The frame is not JSON or MessagePack at all: the peer does not speak the format."""


class InvalidCommand(errors.PlazaError):
    """The frame decodes, but is no valid command.

    Attributes:
        command_id: of the command, when it could be read.
    """

    def __init__(self, spec: errors.ErrorSpec, message: str, command_id: int | None) -> None:
        super().__init__(spec, message)
        self.command_id = command_id


class Codec:
    """One wire format.

    Args:
        name: of the format, for logs and metrics.
        subprotocol: the WebSocket subprotocol that selects it.
        library: msgspec.json or msgspec.msgpack.
    """

    __slots__ = ("_command", "_command_id", "_encoder", "name", "subprotocol", "text")

    def __init__(self, name: str, subprotocol: str, library: Any) -> None:
        self.name: Final = name
        self.subprotocol: Final = subprotocol
        self.text: Final = library is msgspec.json  # text or binary frames
        self._encoder = library.Encoder(enc_hook=_encode_id)
        self._command = library.Decoder(AnyCommand, dec_hook=_decode_id)
        self._command_id = library.Decoder(_AnyCommandId)

    def encode(self, event: Event) -> bytes:
        """The event as the payload of a frame."""
        encoded: bytes = self._encoder.encode(event)
        return encoded

    def decode(self, payload: bytes | bytearray | memoryview) -> Command:
        """Read a command.

        Raises:
            InvalidCommand: the payload has the wrong fields, types or values.
            MalformedPayload: the payload is not of this format, or nested too deeply.
        """
        try:
            command: Command = self._command.decode(payload)
        except msgspec.ValidationError as error:
            raise self._invalid(payload, str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedPayload(str(error)) from None
        return command

    def _invalid(self, payload: bytes | bytearray | memoryview, problem: str) -> InvalidCommand:
        try:
            command_id = self._command_id.decode(payload).id
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            command_id = None
        if command_id is not None and not 0 <= command_id < 2**53:
            command_id = None
        # msgspec names the tag field in the path; anything wrong there is an unknown command.
        if problem.startswith("Invalid value") and problem.endswith("`$.t`"):
            return InvalidCommand(errors.UNKNOWN_COMMAND, errors.UNKNOWN_COMMAND.text, command_id)
        return InvalidCommand(errors.BAD_REQUEST, f"{problem}.", command_id)


JSON: Final = Codec("json", "plaza.v1.json", msgspec.json)
MSGPACK: Final = Codec("msgpack", "plaza.v1.msgpack", msgspec.msgpack)
CODECS: Final = {codec.subprotocol: codec for codec in (JSON, MSGPACK)}


_JSON_ENCODER = msgspec.json.Encoder(enc_hook=_encode_id)


def to_builtins(value: Any) -> Any:
    """Events and records as dicts, lists and strings, as they stand in JSON."""
    return msgspec.to_builtins(value, enc_hook=_encode_id)


def from_builtins(value: Any, type_: type[T]) -> T:
    """The reverse of `to_builtins`.

    Raises:
        msgspec.ValidationError: `value` does not fit `type_`.
    """
    # By way of bytes, which takes as long as msgspec.convert: that one does not ask the hook about
    # the keys of dicts, and so leaves those of a dict[Id, ...] strings (msgspec 0.22).
    try:
        payload = msgspec.msgpack.encode(value)
    except (OverflowError, TypeError, ValueError) as error:  # nothing that a frame can carry
        raise msgspec.ValidationError(str(error)) from None
    return msgspec.msgpack.decode(payload, type=type_, dec_hook=_decode_known_id)


def dump_json(value: Any) -> str:
    """A record, or a dict or list of such, as JSON text."""
    return _JSON_ENCODER.encode(value).decode()


def load_json(text: str | bytes, type_: type[T], *, from_outside: bool = False) -> T:
    """The reverse of `dump_json`.

    Args:
        from_outside: it was not `dump_json` that wrote it: nobody asks anything of NOBODY.

    Raises:
        msgspec.DecodeError: `text` is no JSON, or does not fit `type_`.
    """
    hook = _decode_id if from_outside else _decode_known_id
    return msgspec.json.decode(text, type=type_, dec_hook=hook)


def json_schema(*types: Any) -> tuple[list[Any], dict[str, Any]]:
    """JSON Schemas (draft 2020-12) of `types`, and the definitions that they refer to."""
    refs, components = msgspec.json.schema_components(
        types, schema_hook=_id_schema, ref_template="#/$defs/{name}"
    )
    return list(refs), components


def _id_schema(type_: type) -> dict[str, Any]:
    if type_ is Id:
        return {"type": "string", "pattern": "^(0|[1-9][0-9]{0,18})$", "description": "An id"}
    raise NotImplementedError(type_)
