"""What the inhabitants have published, and shared."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

from protocol.ids import Id, IdMint
from protocol.posts import Visibility
from server.seeding import words
from server.seeding.people import People, Span

PLAIN_SHARES = 0.06  # of all posts
QUOTES = 0.02
MENTIONS = 0.03
_RECENT = 2_000  # posts, on average, that lie between a share and what it shares

_VISIBILITIES = (Visibility.PUBLIC, Visibility.FOLLOWERS, Visibility.FRIENDS, Visibility.PRIVATE)
_SHARES_OF_VISIBILITIES = (88, 8, 3, 1)

# How much is said at each hour of the day, from midnight on.
_HOURS = (3, 2, 1, 1, 1, 2, 4, 7, 9, 9, 8, 8, 9, 9, 8, 8, 8, 9, 10, 11, 12, 11, 8, 5)
_DAY = 86_400_000


class Post(NamedTuple):
    """A post.

    Attributes:
        author, mention: numbers of people.
        shared: the number of a post.
    """

    id: Id
    at_ms: int
    author: int
    visibility: Visibility
    content: str
    tags: list[str]
    mention: int | None
    shared: int | None

    @property
    def is_share(self) -> bool:
        """It shares a post, without a text of its own."""
        return self.shared is not None and not self.content


def posts(people: People, number: int, span: Span, mint: IdMint, chance: Random) -> Iterator[Post]:
    """Let so many posts have been published within a span of time, in that order."""
    authors = chance.choices(range(len(people.all)), cum_weights=people.talk, k=number)
    # Of each post: who may share it is everybody.
    shareable: list[bool] = []
    shared_already: set[tuple[int, int]] = set()
    for author, at_ms in zip(authors, _moments(number, span, chance), strict=True):
        post = _post(people, Id(mint.mint(at_ms)), at_ms, author, chance)
        shared = _to_share(shareable, chance)
        if shared is not None and (author, shared) not in shared_already:
            shared_already.add((author, shared))
            post = post._replace(shared=shared, visibility=Visibility.PUBLIC)
            if chance.random() < PLAIN_SHARES / (PLAIN_SHARES + QUOTES):
                post = post._replace(content="", tags=[], mention=None)
        is_open = post.visibility is Visibility.PUBLIC and not people.all[author].closed
        shareable.append(is_open and not post.is_share)
        yield post


def _post(people: People, id: Id, at_ms: int, author: int, chance: Random) -> Post:
    visibility = chance.choices(_VISIBILITIES, _SHARES_OF_VISIBILITIES)[0]
    content, tags, mention = words.sentence(chance), words.tags(chance), None
    if chance.random() < MENTIONS and len(people.all) > 1:
        mention = chance.choices(range(len(people.all)), cum_weights=people.fame)[0]
        content = f"@{people.all[mention].username} {content}"
    content = " ".join([content, *(f"#{tag}" for tag in tags)])
    return Post(id, at_ms, author, visibility, content, tags, mention, None)


def _to_share(shareable: Sequence[bool], chance: Random) -> int | None:
    """The number of a post of late that this one shall share, if it shall share one."""
    if chance.random() >= PLAIN_SHARES + QUOTES:
        return None
    number = len(shareable) - 1 - int(chance.expovariate(1 / _RECENT))
    return number if number >= 0 and shareable[number] else None


def _moments(number: int, span: Span, chance: Random) -> list[int]:
    """More of late than in the beginning, more in the evening than at night."""
    moments = []
    hours = chance.choices(range(24), _HOURS, k=number)
    for hour in hours:
        back = int((span.end - span.start) * chance.random() ** 1.3)
        midnight = (span.end - back) // _DAY * _DAY
        moment = midnight + hour * 3_600_000 + chance.randrange(3_600_000)
        while moment >= span.end:  # today's evening is yet to come
            moment -= _DAY
        moments.append(max(moment, span.start))
    return sorted(moments)
