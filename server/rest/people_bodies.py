"""What the routes of profiles and of the graph take and give."""

from datetime import date
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from feed_push import profile_rules as rules
from protocol.codec import to_builtins
from protocol.ids import Id
from protocol.posts import Person, Relationship, Visibility
from server.rest.bodies import Page, RequestBody

Image = Annotated[
    Id | None, Meta(description="An image upload of one's own that is ready; null: none")
]


class ProfileChanges(RequestBody):
    """What is to change of a profile; what is left out stays."""

    display_name: (
        Annotated[
            str, Meta(max_length=rules.MAX_DISPLAY_NAME, description="Empty: the username is shown")
        ]
        | UnsetType
    ) = UNSET
    pronouns: Annotated[str, Meta(max_length=rules.MAX_PRONOUNS)] | UnsetType = UNSET
    bio: (
        Annotated[
            str,
            Meta(
                max_length=rules.MAX_BIO,
                description="Markdown: emphasis, strikethrough, code, links, lists, quotations",
            ),
        ]
        | UnsetType
    ) = UNSET
    location: Annotated[str, Meta(max_length=rules.MAX_LOCATION)] | UnsetType = UNSET
    website: (
        Annotated[
            str,
            Meta(
                max_length=rules.MAX_WEBSITE,
                description="Address of a web page, with http or https; empty: none",
            ),
        ]
        | UnsetType
    ) = UNSET
    birthday: (
        Annotated[date | None, Meta(description="Such as `2001-12-31`; null: none")] | UnsetType
    ) = UNSET
    interests: (
        Annotated[
            list[Annotated[str, Meta(min_length=1, max_length=rules.MAX_INTEREST)]],
            Meta(max_length=rules.MAX_INTERESTS),
        ]
        | UnsetType
    ) = UNSET
    birthday_visibility: Visibility | UnsetType = UNSET
    interests_visibility: Visibility | UnsetType = UNSET
    avatar: Image | UnsetType = UNSET
    banner: Image | UnsetType = UNSET
    visibility: (
        Annotated[
            Literal["public", "followers"],
            Meta(description="`followers`: whoever wants to follow has to be let in"),
        ]
        | UnsetType
    ) = UNSET
    verified: Annotated[bool, Meta(description="For moderators alone")] | UnsetType = UNSET


EXAMPLES: dict[str, Any] = {
    type(example).__name__: to_builtins(example)
    for example in (
        ProfileChanges(
            display_name="Ada Lovelace",
            pronouns="she/her",
            bio="Weaves *algebraic* patterns.",
            birthday=date(1815, 12, 10),
            birthday_visibility=Visibility.FRIENDS,
            interests=["looms", "numbers"],
        ),
    )
}


class PeoplePage(Page, frozen=True):
    """Accounts, and how one stands to each."""

    items: list[Person]


class Relationships(Page, frozen=True):
    """How one stands to accounts."""

    items: list[Relationship]
