"""What the inhabitants have liked and commented."""

from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

from protocol.ids import Id, IdMint
from protocol.posts import Visibility
from server.seeding import words
from server.seeding.people import People
from server.seeding.posts import Post

ANSWERS = 0.35  # of all comments: to another one
_BY_FOLLOWERS = 0.8  # of all likes and comments of what everybody may see
_HALF_LIFE_MS = 6 * 3_600_000  # of the interest in a post


class Like(NamedTuple):
    """Of a post, by somebody, both by number."""

    post: int
    person: int
    at_ms: int


class Comment(NamedTuple):
    """On a post; post, author and parent are numbers."""

    id: Id
    post: int
    author: int
    parent: int | None
    content: str


class Audience:
    """Who looks at what, and how many.

    Args:
        followers: the numbers of each one's followers.
    """

    def __init__(
        self,
        people: People,
        posts: Sequence[Post],
        followers: Sequence[Sequence[int]],
        end_ms: int,
        chance: Random,
    ) -> None:
        self._people = people
        self._posts = posts
        self._followers = followers
        self._end_ms = end_ms
        self._chance = chance

    def interest(self) -> list[float]:
        """How likely each post gets a reaction: what many see, and a few of them much more."""
        return [
            0.0
            if post.is_share or post.visibility in (Visibility.PRIVATE, Visibility.FRIENDS)
            else (1 + len(self._followers[post.author])) ** 0.6
            * self._chance.lognormvariate(0, 1.4)
            for post in self._posts
        ]

    def somebody(self, post: int) -> int | None:
        """One who can see a post; None: nobody does."""
        written = self._posts[post]
        followers = self._followers[written.author]
        is_open = (
            written.visibility is Visibility.PUBLIC and not self._people.all[written.author].closed
        )
        if followers and (not is_open or self._chance.random() < _BY_FOLLOWERS):
            return self._chance.choice(followers)
        return self._chance.randrange(len(self._people.all)) if is_open else None

    def moment(self, post: int) -> int:
        """When somebody reacts to it."""
        later = int(self._chance.expovariate(1 / _HALF_LIFE_MS))
        return min(self._posts[post].at_ms + later, self._end_ms)


def likes(
    audience: Audience, interest: Sequence[float], number: int, chance: Random
) -> Iterator[Like]:
    """So many likes or a few less, one for each post and account, a post after the other."""
    total = sum(interest)
    for post, share in enumerate(interest):
        # Rounded by chance: most posts get less than one.
        wanted = int(number * share / total + chance.random()) if share else 0
        people: set[int] = set()
        for _ in range(3 * wanted):  # the same one may come up several times
            if len(people) < wanted and (person := audience.somebody(post)) is not None:
                people.add(person)
        for person in sorted(people):
            yield Like(post, person, audience.moment(post))


def comments(
    audience: Audience, interest: Sequence[float], number: int, mint: IdMint, chance: Random
) -> Iterator[Comment]:
    """So many comments or a few less, in the order of their time."""
    if not any(interest):
        return
    chosen = chance.choices(range(len(interest)), interest, k=number)
    moments = sorted((audience.moment(post), post) for post in chosen)
    said: dict[int, list[int]] = {}  # by post
    numbers = iter(range(number))
    for at_ms, post in moments:
        author = audience.somebody(post)
        if author is None:
            continue
        before = said.setdefault(post, [])
        parent = chance.choice(before) if before and chance.random() < ANSWERS else None
        before.append(next(numbers))
        yield Comment(mint.mint(at_ms), post, author, parent, words.reply(chance))
