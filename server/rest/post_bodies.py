"""What the routes of posts take and give."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import asdict

from feed_push import composition as rules
from feed_push.composition import Changes, Wanted, WantedPoll
from protocol.codec import to_builtins
from protocol.ids import Id
from protocol.posts import PostStatus, PostType, PostVersion, Visibility
from server.rest.bodies import Page, RequestBody

# Room for a text that shrinks when it is normalised; feed_push/composition.py has the exact rules.
Content = Annotated[
    str,
    Meta(
        max_length=2 * rules.MAX_CONTENT,
        description=f"At most {rules.MAX_CONTENT:,} characters after NFC; #tags and @name mentions",
    ),
]
Warning = Annotated[
    str,
    Meta(
        max_length=2 * rules.MAX_WARNING,
        description="Shown before the content, of which it warns. At most "
        f"{rules.MAX_WARNING} characters",
    ),
]
Link = Annotated[
    str,
    Meta(max_length=rules.MAX_LINK, description="Of type link: an http or https address"),
]
UploadIds = Annotated[
    list[Id],
    Meta(
        max_length=rules.MAX_IMAGES,
        description="Uploads of one's own that are ready: of type image up to "
        f"{rules.MAX_IMAGES} images, of type video one video",
    ),
]
Moment = Annotated[datetime, Meta(tz=True)]


class PollQuestion(RequestBody):
    """A poll. Open until `closes_at`, or for `seconds` after it is published, or for good."""

    options: Annotated[
        list[Annotated[str, Meta(max_length=2 * rules.MAX_OPTION)]],
        Meta(
            min_length=rules.OPTIONS[0],
            max_length=rules.OPTIONS[-1],
            description=f"All different, each of at most {rules.MAX_OPTION} characters",
        ),
    ]
    multiple: Annotated[bool, Meta(description="Several options may be chosen")] = False
    closes_at: Moment | None = None
    seconds: Annotated[int, Meta(ge=300, le=366 * 86_400)] | None = None


class WritePost(RequestBody):
    """A post to publish, to schedule or to keep as a draft, which may be unfinished."""

    type: PostType
    content: Content = ""
    visibility: Visibility = Visibility.PUBLIC
    status: Literal["published", "draft", "scheduled"] = "published"
    publish_at: Annotated[Moment, Meta(description="Of a scheduled post")] | None = None
    warning: Warning | None = None
    link: Link | None = None
    media: UploadIds = []
    poll: PollQuestion | None = None
    shared: Annotated[Id, Meta(description="The post that this quotes")] | None = None

    def wanted(self) -> Wanted:
        """The post that is asked for."""
        poll = self.poll
        fields = asdict(self) | {"status": PostStatus(self.status), "media": tuple(self.media)}
        if poll is not None:
            fields["poll"] = WantedPoll(**asdict(poll) | {"options": tuple(poll.options)})
        return Wanted(**fields)


class EditPost(RequestBody):
    """What is to change of a post; what is left out stays. A type and a poll do not change."""

    content: Content | UnsetType = UNSET
    warning: Warning | UnsetType | None = UNSET
    link: Link | UnsetType = UNSET
    media: UploadIds | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    status: Literal["published", "draft", "scheduled", "under_review", "flagged"] | UnsetType = (
        UNSET
    )
    publish_at: Moment | UnsetType = UNSET

    def changes(self) -> Changes:
        """The changes that are asked for."""
        fields = asdict(self)
        if self.status is not UNSET:
            fields["status"] = PostStatus(self.status)
        if self.media is not UNSET:
            fields["media"] = tuple(self.media)
        return Changes(**fields)


EXAMPLES: dict[str, Any] = {
    type(example).__name__: to_builtins(example)
    for example in (
        WritePost(
            type=PostType.POLL,
            content="Which loom? #weaving @bob",
            poll=PollQuestion(
                options=["Jacquard", "Dobby"], closes_at=datetime(2030, 1, 1, tzinfo=UTC)
            ),
        ),
        EditPost(content="Which loom, then? #weaving", warning="Looms"),
    )
}


class PostVersionPage(Page, frozen=True):
    """Former versions of a post."""

    items: list[PostVersion]
