"""Who there is, and who follows whom."""

import math
from collections.abc import Collection, Iterator
from itertools import accumulate, count, islice
from random import Random
from typing import NamedTuple

from protocol.ids import Id, IdMint
from server.seeding import words

# The first one's share of all followers is to the tenth's as 10 ** SKEW to 1. Mastodon's and
# Twitter's lie between 0.8 and 1.
SKEW = 0.85
CLOSED = 0.1  # of all accounts: they are asked before one follows them
ANSWERED = 0.85  # of those requests
RETURNED = 0.25  # of all follows
CLOSE = 0.03  # of all follows
_TRIES = 50  # per follow, before the town is called full


class Span(NamedTuple):
    """A stretch of time, in Unix milliseconds."""

    start: int
    end: int

    def moment(self, chance: Random) -> int:
        """Any moment of it."""
        return chance.randrange(self.start, self.end)


class Person(NamedTuple):
    """An account."""

    id: Id
    username: str
    since_ms: int
    closed: bool


class People(NamedTuple):
    """The inhabitants.

    Attributes:
        all: by number, the oldest account first.
        fame, talk: by number, summed up: how likely somebody is followed, and says something.
    """

    all: list[Person]
    fame: list[float]
    talk: list[float]


class Follow(NamedTuple):
    """Who follows whom, by their numbers."""

    follower: int
    followee: int
    id: Id
    accepted: bool
    close: bool


def people(
    number: int, span: Span, mint: IdMint, chance: Random, *, taken: Collection[str]
) -> People:
    """Let accounts have been made within a span of time.

    Args:
        taken: usernames that others have.
    """
    names = (name for name in map(words.username, count()) if name not in taken)
    moments = sorted(span.moment(chance) for _ in range(number))
    inhabitants = [
        Person(mint.mint(moment), name, moment, chance.random() < CLOSED)
        for moment, name in zip(moments, islice(names, number), strict=True)
    ]
    places = list(range(1, number + 1))
    chance.shuffle(places)
    fame = [place**-SKEW for place in places]
    # Who is known talks more, as a rule.
    talk = [math.sqrt(weight) * chance.paretovariate(1.5) for weight in fame]
    return People(inhabitants, list(accumulate(fame)), list(accumulate(talk)))


def follows(people: People, number: int, span: Span, mint: IdMint, chance: Random) -> list[Follow]:
    """Let so many follows and requests have come about, in the order of their time.

    Fewer where there are not enough accounts for so many.
    """
    pairs = list(islice(_pairs(people, number * _TRIES, chance), number))
    moments = sorted(span.moment(chance) for _ in pairs)
    return [
        Follow(
            follower,
            followee,
            mint.mint(moment),
            not people.all[followee].closed or chance.random() < ANSWERED,
            chance.random() < CLOSE,
        )
        for (follower, followee), moment in zip(pairs, moments, strict=True)
    ]


def _pairs(people: People, tries: int, chance: Random) -> Iterator[tuple[int, int]]:
    """Each pair once. The most famous one is followed by all."""
    total = len(people.all)
    numbers = range(total)
    steps = [people.fame[0], *(b - a for a, b in zip(people.fame, people.fame[1:], strict=False))]
    first = max(numbers, key=steps.__getitem__)
    seen = {follower * total + first for follower in numbers}
    yield from ((follower, first) for follower in numbers if follower != first)
    for _ in range(0, tries, 1000):
        # Who talks more follows more, too; the most famous one has all already.
        followers = chance.choices(numbers, k=1000)
        for follower, followee in zip(
            followers, chance.choices(numbers, cum_weights=people.fame, k=1000), strict=True
        ):
            back = chance.random() < RETURNED
            for one, other in ((follower, followee), (followee, follower))[: 1 + back]:
                if one != other and one * total + other not in seen:
                    seen.add(one * total + other)
                    yield one, other
