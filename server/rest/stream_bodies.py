"""What the routes of streams take and give."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import asdict

from protocol.codec import to_builtins
from protocol.ids import Id
from protocol.posts import Visibility
from protocol.records import Record
from protocol.streams import Stream, publish_url
from server import stream_rules as rules
from server.rest.bodies import Page, RequestBody
from server.stream_rules import Changes, Wanted
from server.streams import NewStream

# Room for a text that shrinks when it is normalised; server/stream_rules.py has the exact rules.
Title = Annotated[
    str,
    Meta(
        max_length=2 * rules.MAX_TITLE,
        description=f"One line of 1 to {rules.MAX_TITLE} characters after NFC",
    ),
]
Description = Annotated[
    str,
    Meta(
        max_length=2 * rules.MAX_DESCRIPTION,
        description=f"At most {rules.MAX_DESCRIPTION:,} characters after NFC",
    ),
]
Category = Annotated[
    str,
    Meta(
        max_length=2 * rules.MAX_CATEGORY,
        description=f"What it is about, in at most {rules.MAX_CATEGORY} characters; empty: none",
    ),
]
Thumbnail = Annotated[Id, Meta(description="An image of one's own that is uploaded and ready")]


class MakeStream(RequestBody):
    """A stream."""

    title: Title
    description: Description = ""
    category: Category = ""
    visibility: Visibility = Visibility.PUBLIC
    thumbnail: Thumbnail | None = None

    def wanted(self) -> Wanted:
        """The stream that is asked for."""
        return Wanted(**asdict(self))


class ChangeStream(RequestBody):
    """What is to change of a stream; what is left out stays. `thumbnail` null: none."""

    title: Title | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    category: Category | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    thumbnail: Thumbnail | UnsetType | None = UNSET

    def changes(self) -> Changes:
        """The changes that are asked for."""
        return Changes(**asdict(self))


EXAMPLES: dict[str, Any] = {
    type(example).__name__: to_builtins(example)
    for example in (
        MakeStream(title="Weaving, live", description="Two shafts, then four.", category="Crafts"),
        ChangeStream(title="Weaving: four shafts", visibility=Visibility.FOLLOWERS),
    )
}


class PublishAccess(Record, frozen=True):
    """Where and with what a stream is published. The key is not shown again."""

    publish_url: Annotated[str, Meta(description="The WHIP endpoint: a path on this server")]
    stream_key: Annotated[
        str, Meta(description="A secret: the bearer token of whoever publishes the stream")
    ]


class MadeStream(Stream, frozen=True, kw_only=True):
    """A stream that has just been made, with what is needed to publish it.

    The key is not shown again.
    """

    publish_url: Annotated[str, Meta(description="The WHIP endpoint: a path on this server")]
    stream_key: Annotated[
        str, Meta(description="A secret: the bearer token of whoever publishes the stream")
    ]


class StreamPage(Page, frozen=True):
    """Streams."""

    items: list[Stream]


def made(new: NewStream) -> MadeStream:
    """What is answered to whoever has made a stream."""
    fields = {name: getattr(new.stream, name) for name in new.stream.__struct_fields__}
    return MadeStream(**fields, publish_url=publish_url(new.stream.id), stream_key=new.key)


def access(stream: Id, key: str) -> PublishAccess:
    """What is answered to whoever has another key made."""
    return PublishAccess(publish_url=publish_url(stream), stream_key=key)
