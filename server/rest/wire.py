"""Ids and bodies, in and out of Litestar: with the protocol's own codec."""

from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.di import NamedDependency
from litestar.exceptions import InternalServerException
from litestar.openapi.spec import OpenAPIType, Schema
from litestar.params import SkipValidation
from litestar.plugins import OpenAPISchemaPlugin

from protocol.codec import load_json
from protocol.errors import BAD_REQUEST, PlazaError
from protocol.ids import Id, parse_id
from server.tokens import Claims

T = TypeVar("T")

ID_PATTERN = "^[1-9][0-9]{0,18}$"

# What a handler gets by the name of the parameter. It is our own, so it is not validated.
Injected = NamedDependency[SkipValidation[T]]


class PlazaRequest(Request[None, Claims, Any]):
    """A request whose body is decoded as strictly as a frame of the socket.

    Litestar would convert the decoded JSON leniently, as it does query parameters: "5" would pass
    for a number and "null" for nothing.
    """

    async def body(self) -> bytes:
        """The body.

        Raises:
            PlazaError: bad_request, when it is empty or the client went away in the middle.
        """
        try:
            body = await super().body()
        except InternalServerException:
            raise PlazaError(BAD_REQUEST, "The connection ended before the body did.") from None
        if not body:
            raise PlazaError(BAD_REQUEST, "The body is missing. Send JSON.")
        return body

    async def json(self) -> Any:
        """The body as what the handler's parameter `data` is annotated with.

        Raises:
            PlazaError: bad_request; the message names the field.
        """
        shape = self.route_handler.parsed_fn_signature.parameters["data"].annotation
        try:
            return load_json(await self.body(), shape, from_outside=True)
        except msgspec.ValidationError as error:
            raise PlazaError(BAD_REQUEST, f"{error}.") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise PlazaError(BAD_REQUEST, f"The body is not JSON: {error}.") from None


def is_id(annotation: Any) -> bool:
    """Whether a parameter is an id."""
    return annotation is Id


def decode_id(_: type[Id], text: Any) -> Id:
    """Read an id from a path or query."""
    if not isinstance(text, str):
        raise ValueError("an id is a decimal string")
    return parse_id(text)


class IdSchema(OpenAPISchemaPlugin):
    """Shows ids in the OpenAPI document as what they are on the wire."""

    @staticmethod
    def is_plugin_supported_type(value: Any) -> bool:
        """Whether this plugin describes the type."""
        return value is Id

    def to_openapi_schema(self, field_definition: Any, schema_creator: Any) -> Schema:  # noqa: ARG002
        """Describe the type."""
        return Schema(type=OpenAPIType.STRING, pattern=ID_PATTERN)
