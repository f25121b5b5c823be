"""The nouns of profiles, posts and feeds."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from protocol.ids import Id
from protocol.records import Record, Time, User

Url = Annotated[str, Meta(description="Absolute, or a path on this server")]


class Visibility(StrEnum):
    """Who may see something, besides its author."""

    PUBLIC = "public"  # everybody; if the author lets followers in one by one: those
    FOLLOWERS = "followers"
    FRIENDS = "friends"  # whom the author follows, and who follow the author
    PRIVATE = "private"  # nobody else


class PostType(StrEnum):
    """What a post is about."""

    TEXT = "text"
    IMAGE = "image"
    VIDEO = "video"
    LINK = "link"
    POLL = "poll"


class PostStatus(StrEnum):
    """Where a post is in its life. Others than its author and moderators see `published` alone."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    UNDER_REVIEW = "under_review"  # hidden until a moderator has looked
    FLAGGED = "flagged"  # hidden by a moderator
    DELETED = "deleted"  # for nobody; its text is gone


class FeedOrder(StrEnum):
    """In which order the home feed comes."""

    LATEST = "latest"  # the newest first
    RANKED = "ranked"  # what the reader is likely to want to see first


class MediaKind(StrEnum):
    """What an upload is."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    FILE = "file"


class Author(User, frozen=True):
    """An account as it stands above what it wrote. `avatar`: its smallest picture."""

    display_name: str = ""
    avatar: Url | None = None
    verified: bool = False


class Variant(Record, frozen=True):
    """One form of an upload: a size of an image, a video or its poster."""

    name: str
    url: Url
    type: str
    bytes: int
    width: int | None = None
    height: int | None = None


class Media(Record, frozen=True):
    """An upload that is shown somewhere. `url` is that of its best variant.

    Attributes:
        type: media type (RFC 6838) of that variant.
        width, height: pixels, upright.
        duration_ms: of a video or sound.
        blurhash: a blurred picture in a few letters, to show until the picture is there.
        alt: what it shows, in words.
    """

    id: Id
    kind: MediaKind
    type: str
    url: Url
    name: str = ""
    alt: str = ""
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    blurhash: str | None = None
    variants: list[Variant] = []


class Preview(Record, frozen=True):
    """What the page behind a link says of itself. Empty until somebody has looked."""

    url: Url
    title: str = ""
    description: str = ""
    site: str = ""
    image: Url | None = None
    blurhash: str | None = None


class PollOption(Record, frozen=True):
    """One answer of a poll."""

    text: str
    votes: int = 0


class Poll(Record, frozen=True):
    """A question with 2 to 6 answers. `chosen`: the viewer's, by position from 0."""

    options: list[PollOption]
    multiple: bool = False
    closes_at: Time | None = None
    closed: bool = False
    voters: int = 0
    chosen: list[int] = []


class Post(Record, frozen=True):
    """A post as one account sees it.

    `shared` is the post that this one shares: without a text of its own it is a plain share, with
    one a quote. `shared_id` is there even when the viewer may not see that post, or no longer.

    `liked`, `bookmarked`, `shared_by_me`, the poll's `chosen` are the viewer's own; what is pushed
    over the socket is for many viewers, and leaves them out.

    `at`: when it was published; of a draft: written. `edits`: how often it was edited since.
    """

    id: Id
    author: Author
    type: PostType
    at: Time
    visibility: Visibility = Visibility.PUBLIC
    status: PostStatus = PostStatus.PUBLISHED
    content: str = ""
    warning: str | None = None
    link: str | None = None
    preview: Preview | None = None
    media: list[Media] = []
    poll: Poll | None = None
    tags: list[str] = []
    mentions: list[User] = []
    shared_id: Id | None = None
    shared: "Post | None" = None
    publish_at: Time | None = None
    edited_at: Time | None = None
    edits: int = 0
    likes: int = 0
    comments: int = 0
    shares: int = 0
    liked: bool = False
    bookmarked: bool = False
    shared_by_me: bool = False


class PostVersion(Record, frozen=True):
    """A post as it was before it was edited.

    Attributes:
        version: its number, from 1.
        at: when it was written.
        media: what is still there of what it showed.
    """

    version: int
    at: Time
    content: str = ""
    warning: str | None = None
    link: str | None = None
    media: list[Media] = []


class Counters(Record, frozen=True):
    """What people did with a post, and whether one likes it oneself."""

    likes: int
    comments: int
    shares: int
    liked: bool


class Comment(Record, frozen=True):
    """A comment on a post, or an answer to one. A deleted one that has answers stays, empty."""

    id: Id
    post: Id
    at: Time
    author: Author | None = None
    parent: Id | None = None
    content: str = ""
    mentions: list[User] = []
    edited_at: Time | None = None
    deleted: bool = False
    likes: int = 0
    replies: int = 0
    liked: bool = False


class Relationship(Record, frozen=True):
    """How the viewer stands to an account. Whether that account has blocked one is not said.

    `requested`: one has asked to follow, and waits; `requested_by`: the account has asked.
    `friend`: both follow each other. `close`: one wants to hear of it first.
    """

    account: Id
    following: bool = False
    requested: bool = False
    followed_by: bool = False
    requested_by: bool = False
    friend: bool = False
    close: bool = False
    blocked: bool = False
    muted: bool = False


class Person(Author, frozen=True):
    """An account in a list, and how the viewer stands to it: absent for oneself."""

    relationship: Relationship | None = None


class Profile(Person, frozen=True, kw_only=True):
    """An account as the viewer sees it.

    `bio_html` is the `bio` with its Markdown rendered: safe to show. `birthday` (`2001-12-31`) and
    `interests` are there if the account lets the viewer see them. `visibility` followers: whoever
    wants to follow has to be let in. `relationship` is absent for oneself.
    """

    created_at: Time
    pronouns: str = ""
    bio: str = ""
    bio_html: str = ""
    location: str = ""
    website: str = ""
    birthday: str | None = None
    interests: list[str] = []
    avatar_media: Media | None = None
    banner: Media | None = None
    visibility: Visibility = Visibility.PUBLIC
    posts: int = 0
    followers: int = 0
    following: int = 0
