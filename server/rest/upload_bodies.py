"""What the routes of uploads take and give."""

import base64
import binascii
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from protocol.errors import BAD_REQUEST, PlazaError
from protocol.records import NO_CONTROLS
from protocol.uploads import Upload
from server.rest.bodies import Page, RequestBody

MAX_NAME, MAX_ALT = 255, 1_500

Name = Annotated[str, Meta(max_length=MAX_NAME, pattern=NO_CONTROLS, description="Of the file")]
Alt = Annotated[
    str,
    Meta(
        max_length=MAX_ALT,
        pattern=NO_CONTROLS,
        description="What it shows, in words, for those who do not see it",
    ),
]


class UploadChanges(RequestBody):
    """What is to be said of an upload; what is left out stays."""

    name: Name | None = None
    alt: Alt | None = None


class UploadPage(Page, frozen=True):
    """Uploads."""

    items: list[Upload]


EXAMPLES: dict[str, Any] = {"UploadChanges": {"alt": "Punched cards, stacked by colour"}}


def described_by(metadata: str | None) -> UploadChanges:
    """The file's name and description, as tus's header Upload-Metadata gives them.

    Raises:
        PlazaError: bad_request.
    """
    pairs = dict(_pairs(metadata)) if metadata else {}
    name = pairs.get("filename", pairs.get("name", ""))
    try:
        return msgspec.convert({"name": name, "alt": pairs.get("alt", "")}, UploadChanges)
    except msgspec.ValidationError as error:
        raise PlazaError(BAD_REQUEST, f"Upload-Metadata: {error}.") from None


def _pairs(metadata: str) -> list[tuple[str, str]]:
    pairs = []
    for pair in metadata.split(","):
        key, _, value = pair.strip().partition(" ")
        try:
            pairs.append((key, base64.b64decode(value, validate=True).decode()))
        except (binascii.Error, UnicodeDecodeError, ValueError):
            raise PlazaError(
                BAD_REQUEST, "Upload-Metadata is malformed. It has keys, each with a Base64 text."
            ) from None
    return pairs
