"""How the bodies of uploads stand in the OpenAPI document: Litestar knows of none."""

from dataclasses import dataclass
from typing import ClassVar

from litestar.openapi.spec import (
    OpenAPIFormat,
    OpenAPIMediaType,
    OpenAPIType,
    Operation,
    Reference,
    RequestBody,
    Schema,
)

from server.rest.upload_bodies import UploadChanges

_BYTES = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY))


@dataclass
class Sent(Operation):
    """A body that is a file."""

    def __post_init__(self) -> None:
        """Describe the body."""
        self.request_body = RequestBody(
            content={"application/octet-stream": _BYTES},
            description="The file as it is; of one that comes in parts the beginning, or nothing.",
        )


@dataclass
class Patched(Operation):
    """A body that is a part of a file, or what is said of it."""

    BODIES: ClassVar = (UploadChanges,)

    def __post_init__(self) -> None:
        """Describe the body."""
        changes = Reference(ref=f"#/components/schemas/{UploadChanges.__name__}")
        self.request_body = RequestBody(
            content={
                "application/json": OpenAPIMediaType(schema=changes),
                "application/offset+octet-stream": _BYTES,
            },
            required=True,
        )
