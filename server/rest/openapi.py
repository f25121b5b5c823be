"""The OpenAPI 3.1 document: /api/v1/schema."""

from collections.abc import Iterator
from functools import lru_cache
from inspect import cleandoc
from itertools import chain
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, Router
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Tag
from litestar.types import Method

from protocol.ids import Id
from server.rest import (
    bodies,
    engagement_bodies,
    people_bodies,
    post_bodies,
    stream_bodies,
    upload_bodies,
)
from server.rest.errors import ErrorBody
from server.rest.wire import ID_PATTERN

ALL_EXAMPLES = {
    **upload_bodies.EXAMPLES,
    **bodies.EXAMPLES,
    **engagement_bodies.EXAMPLES,
    **people_bodies.EXAMPLES,
    **post_bodies.EXAMPLES,
    **stream_bodies.EXAMPLES,
}

API = "/api/v1"
SCHEMA = f"{API}/schema"

DESCRIPTION = """\
Accounts, sessions, rooms and their logs over HTTP. What happens in a room is followed over the \
WebSocket at `/ws`; both obey the same rules and use the same error codes.

Ids are decimal strings of 64-bit integers. Times are RFC 3339 in UTC. Lists come in pages: give \
`next_cursor` of one page as `cursor` of the next. Fields at their default are left out of records.\
"""


def openapi_config() -> OpenAPIConfig:
    """What Litestar needs to know besides the routes themselves."""
    return OpenAPIConfig(
        title="Plaza",
        version="1.0",
        description=DESCRIPTION,
        security=[{"bearer": []}],
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(
                    type="http",
                    scheme="bearer",
                    description="The access token of sign-up, login or refresh.",
                )
            }
        ),
        tags=[
            Tag("accounts", "People"),
            Tag("people", "Whom one follows, blocks or mutes, and how one is shown to others"),
            Tag("sessions", "Logins"),
            Tag("rooms", "Conversations and their logs"),
            Tag("messages", "What is said in a room"),
            Tag("posts", "What people publish, and what others do with it"),
            Tag("comments", "What is said of posts"),
            Tag("uploads", "Files that people send, to be shown in posts, messages and profiles"),
            Tag("streams", "Live streams, found and made; published and watched by WebRTC"),
            Tag("members", "Who is in a room"),
            Tag("moderation", "Who may not write in a room, or not come into it"),
        ],
        operation_id_creator=_operation_id,
        render_plugins=[_Document(path=["/", "/openapi.json"])],
        openapi_router=Router(
            SCHEMA, route_handlers=[], include_in_schema=False, after_request=_refuse_html
        ),
    )


@lru_cache(maxsize=1)
def document(app: Litestar) -> dict[str, Any]:
    """The whole document.

    The schemas of bodies are msgspec's own, as in docs/protocol.md: Litestar's lack the docstrings
    and some of the bounds.
    """
    openapi = app.openapi_schema.to_schema()
    schemas = openapi["components"]["schemas"]
    _, exact = msgspec.json.schema_components(
        [ErrorBody, *_bodies(app)],
        schema_hook=_schema_of_id,
        ref_template="#/components/schemas/{name}",
    )
    for schema in exact.values():
        if "description" in schema:
            schema["description"] = cleandoc(schema["description"])
    schemas.update(exact)
    operations = chain.from_iterable(item.values() for item in openapi["paths"].values())
    for operation in operations:
        for parameter in operation.get("parameters", ()):
            parameter["schema"] = _without_null(parameter["schema"])
        for content in operation.get("requestBody", {}).get("content", {}).values():
            if "$ref" in content["schema"]:  # files have no example
                content["example"] = ALL_EXAMPLES[content["schema"]["$ref"].rpartition("/")[2]]
    return openapi


class _Document(JsonRenderPlugin):
    def render(self, request: Request[Any, Any, Any], _: dict[str, Any]) -> bytes:
        return msgspec.json.encode(document(request.app))


def _bodies(app: Litestar) -> Iterator[type[msgspec.Struct]]:
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            # Those that Litestar does not decode.
            yield from getattr(handler.operation_class, "BODIES", ())
            signature = handler.parsed_fn_signature
            for field in (signature.parameters.get("data"), signature.return_type):
                if field is not None and field.is_subclass_of(msgspec.Struct):
                    yield field.annotation


def _schema_of_id(type_: type) -> dict[str, Any]:
    if type_ is Id:
        return {"type": "string", "pattern": ID_PATTERN}
    raise NotImplementedError(type_)


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    # A parameter that is not there is left out; there is no way to send null.
    match schema:
        case {"oneOf": [some, {"type": "null"}], **rest}:
            return {**some, **rest}
    return schema


def _operation_id(handler: HTTPRouteHandler, _method: Method, _path: list[Any]) -> str:
    return handler.handler_name


def _refuse_html(response: Response[object]) -> Response[object]:
    # Litestar adds a page of its own for what is not there below the document.
    if response.status_code == NotFoundException.status_code:
        raise NotFoundException
    return response
