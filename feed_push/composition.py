"""What a post may be: what somebody wants to post is checked, and brought into the form it is kept.

Text is kept in NFC, so that what looks equal is equal. Control characters are refused rather than
dropped: silently changing what somebody said is worse than an error.
"""

import re
import unicodedata
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from feed_push.hashtags import hashtags
from protocol.errors import BAD_REQUEST, PlazaError
from protocol.ids import Id
from protocol.names import mentioned_names
from protocol.posts import PostStatus, PostType, Visibility

MAX_CONTENT = 5_000  # characters, after normalisation
MAX_WARNING = 200
MAX_LINK = 2_000
MAX_IMAGES = 10
MAX_MENTIONS = 50
OPTIONS = range(2, 7)
MAX_OPTION = 100
SHORTEST_POLL = timedelta(minutes=5)
LONGEST_POLL = timedelta(days=366)
LATEST_PUBLICATION = timedelta(days=366)

# C0 and C1 but tab and line feed; lone surrogates cannot be written as UTF-8.
_REFUSED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_REFUSED_IN_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# RFC 3986 without user names, which serve to make one host look like another.
_LINK = re.compile(r"https?://[^\s/?#@\\]+([/?#]\S*)?", re.IGNORECASE)

# Uploads at most. Of which kind they have to be is known where they are: persistence/post_media.py.
_MEDIA = {PostType.IMAGE: MAX_IMAGES, PostType.VIDEO: 1}


class WantedPoll(Struct, frozen=True, kw_only=True):
    """A poll as somebody wants it: open until a moment, or for some seconds, or for good."""

    options: tuple[str, ...]
    multiple: bool = False
    closes_at: datetime | None = None
    seconds: int | None = None


class Wanted(Struct, frozen=True, kw_only=True):
    """A post as somebody wants it.

    Attributes:
        media: uploads, in order.
        shared: the post that it quotes.
        publish_at: of a scheduled one.
    """

    type: PostType
    content: str = ""
    warning: str | None = None
    link: str | None = None
    media: tuple[Id, ...] = ()
    poll: WantedPoll | None = None
    shared: Id | None = None
    visibility: Visibility = Visibility.PUBLIC
    status: PostStatus = PostStatus.PUBLISHED
    publish_at: datetime | None = None


class Changes(Struct, frozen=True, kw_only=True):
    """What somebody wants changed of a post; the rest stays."""

    content: str | UnsetType = UNSET
    warning: str | UnsetType | None = UNSET
    link: str | UnsetType = UNSET
    media: tuple[Id, ...] | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    status: PostStatus | UnsetType = UNSET
    publish_at: datetime | UnsetType = UNSET


class Composition(NamedTuple):
    """A post as it is kept.

    Attributes:
        warning, link: None: there is none.
        tags: hashtags, folded.
        names: usernames that it mentions; whether there are such accounts is not known here.
    """

    type: PostType
    content: str
    warning: str | None
    link: str | None
    media: tuple[Id, ...]
    tags: tuple[str, ...]
    names: tuple[str, ...]


def compose(wanted: Wanted) -> Composition:
    """Check a post, but for its poll. A draft may be unfinished.

    Raises:
        PlazaError: bad_request; the message names the problem.
    """
    composed = Composition(
        type=wanted.type,
        content=(content := clean_text(wanted.content, MAX_CONTENT, "The content")),
        warning=clean_line(wanted.warning or "", MAX_WARNING, "A content warning") or None,
        link=_clean_link(wanted.link),
        media=wanted.media,
        tags=hashtags(content),
        names=mentioned_names(content, MAX_MENTIONS),
    )
    _check_fit(composed)
    if wanted.status is not PostStatus.DRAFT:
        _check_complete(composed, quotes=wanted.shared is not None)
    return composed


def compose_poll(wanted: Wanted, *, now: datetime) -> WantedPoll | None:
    """Check the poll of a post, or that there is none.

    Raises:
        PlazaError: bad_request.
    """
    poll = wanted.poll
    if (poll is not None) is not (wanted.type is PostType.POLL):
        raise _bad("A post of type poll has a poll, and no other has.")
    if poll is None:
        return None
    options = tuple(clean_line(text, MAX_OPTION, "An option") for text in poll.options)
    if len(options) not in OPTIONS or not all(options):
        raise _bad(f"A poll has {OPTIONS[0]} to {OPTIONS[-1]} options, and none of them is empty.")
    if len({option.casefold() for option in options}) < len(options):
        raise _bad("No two options of a poll may be the same.")
    if poll.seconds is not None and poll.closes_at is not None:
        raise _bad("Say until when a poll is open with closes_at or with seconds, not with both.")
    if poll.seconds is not None:
        check_poll_time(timedelta(seconds=poll.seconds))
    elif poll.closes_at is not None:
        check_poll_time(poll.closes_at - (wanted.publish_at or now))
    return replace(poll, options=options)


def check_poll_time(open_for: timedelta) -> None:
    """Check how long a poll would be open.

    Raises:
        PlazaError: bad_request.
    """
    if not SHORTEST_POLL <= open_for <= LONGEST_POLL:
        raise _bad("A poll is open for 5 minutes to a year from when it is published.")


def check_publication(status: PostStatus, publish_at: datetime | None, *, now: datetime) -> None:
    """Check when a post is to be published: a scheduled one later, and no other at a set time.

    Raises:
        PlazaError: bad_request.
    """
    if (publish_at is not None) is not (status is PostStatus.SCHEDULED):
        raise _bad("A scheduled post has publish_at, and no other has.")
    if publish_at is not None and not timedelta() < publish_at - now <= LATEST_PUBLICATION:
        raise _bad("publish_at must be in the future, and at most a year away.")


def clean_text(text: str, limit: int, what: str) -> str:
    """Return the stored form of a text of several lines: NFC, no outer white space.

    Args:
        limit: characters at most, after normalisation.
        what: it is, for messages: the beginning of a sentence.

    Raises:
        PlazaError: bad_request.
    """
    return _clean(text.replace("\r\n", "\n"), limit, what, _REFUSED)


def clean_line(text: str, limit: int, what: str) -> str:
    """Return the stored form of a text of one line; see `clean_text`."""
    return _clean(text, limit, what, _REFUSED_IN_LINE)


def _clean(text: str, limit: int, what: str, refused: re.Pattern[str]) -> str:
    if found := refused.search(text):
        raise _bad(f"{what} must not contain the character U+{ord(found[0]):04X}. Leave it out.")
    cleaned = unicodedata.normalize("NFC", text).strip()
    if len(cleaned) > limit:
        raise _bad(f"{what} has at most {limit:,} characters, not {len(cleaned):,}.")
    return cleaned


def _clean_link(link: str | None) -> str | None:
    if link is None:
        return None
    cleaned = clean_line(link, MAX_LINK, "A link")
    if cleaned and not _LINK.fullmatch(cleaned):
        raise _bad("A link is an address such as https://example.org/page.")
    return cleaned or None


def _check_fit(composed: Composition) -> None:
    type_ = composed.type
    most = _MEDIA.get(type_, 0)
    if composed.link is not None and type_ is not PostType.LINK:
        raise _bad("Only a post of type link has a link.")
    if not most and composed.media:
        raise _bad(f"A post of type {type_} has no media. Its type is image or video with them.")
    if len(composed.media) > most:
        raise _bad(f"A post of type {type_} shows {most} uploads at most.")
    if len(set(composed.media)) < len(composed.media):
        raise _bad("No upload may be shown twice in a post.")


def _check_complete(composed: Composition, *, quotes: bool) -> None:
    match composed.type:
        case PostType.TEXT | PostType.POLL if not composed.content:
            raise _bad(f"A post of type {composed.type} needs content.")
        case PostType.LINK if composed.link is None:
            raise _bad("A post of type link needs a link.")
        case PostType.IMAGE | PostType.VIDEO if not composed.media:
            raise _bad(f"A post of type {composed.type} needs media.")
    if quotes and not composed.content:
        raise _bad("A quote needs content. To share without a text: POST /posts/{id}/share.")


def _bad(message: str) -> PlazaError:
    return PlazaError(BAD_REQUEST, message)
