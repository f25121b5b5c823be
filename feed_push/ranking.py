"""In which order a ranked home feed shows posts: docs/feed.md has the formula in prose.

    score     = freshness * (1 + affinity) * (1 + engagement / 2) * diversity

    freshness = 2 ** (-age / 12 h)
    affinity  = ln(1 + likes + 3 * comments) / 2, and 1 more if the author is a close one:
                of the viewer, on the author's posts, within 90 days
    engagement = ln(1 + likes + 2 * comments + 3 * shares): of everybody, on the post
    diversity = 0.7 ** k for the author's post that is the k-th best but for this factor, from 0

Engagement and affinity are damped by logarithms, so that neither a post that everybody likes nor a
favourite author fills the feed; freshness is not, so that everything sinks.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from math import log1p
from typing import NamedTuple

from protocol.ids import Id, minted_at_ms

CANDIDATES = 500
"""The newest posts of a timeline, among which a ranked feed chooses."""

AFFINITY_DAYS = 90
HALF_LIFE_MS = 12 * 3_600_000

COMMENT_OF_VIEWER = 3
CLOSE = 1.0
AFFINITY = 0.5

COMMENT, SHARE = 2, 3
ENGAGEMENT = 0.5

REPEATED_AUTHOR = 0.7


class Candidate(NamedTuple):
    """A post that may be shown.

    Attributes:
        position: its place in the order of time, an id that was minted when it was published.
        likes, comments, shares: how often. Of a share without a text: of what it shares.
    """

    post: Id
    author: Id
    position: int
    likes: int = 0
    comments: int = 0
    shares: int = 0


class Tie(NamedTuple):
    """What the viewer has to do with an author.

    Attributes:
        likes, comments: the viewer's on the author's posts, within AFFINITY_DAYS.
        close: the viewer wants to hear of the author first.
    """

    likes: int = 0
    comments: int = 0
    close: bool = False


STRANGER = Tie()


def freshness(published_ms: int, now_ms: int) -> float:
    """1 for a new post, and half of it every HALF_LIFE_MS. Times are Unix ones in milliseconds."""
    return float(2.0 ** (-max(now_ms - published_ms, 0) / HALF_LIFE_MS))


def affinity(tie: Tie) -> float:
    """How much a viewer wants to hear of an author."""
    deeds = log1p(tie.likes + COMMENT_OF_VIEWER * tie.comments)
    return AFFINITY * deeds + (CLOSE if tie.close else 0.0)


def engagement(candidate: Candidate) -> float:
    """How much everybody has made of a post."""
    return log1p(candidate.likes + COMMENT * candidate.comments + SHARE * candidate.shares)


def score(candidate: Candidate, tie: Tie, now_ms: int) -> float:
    """The score of a post, but for the diversity of authors."""
    return (
        freshness(minted_at_ms(candidate.position), now_ms)
        * (1 + affinity(tie))
        * (1 + ENGAGEMENT * engagement(candidate))
    )


def rank(candidates: Iterable[Candidate], ties: Mapping[Id, Tie], *, now_ms: int) -> list[Id]:
    """Posts in the order in which they are shown, the best first; of equals the newer one.

    Args:
        ties: by author; whoever is missing is a STRANGER.
    """
    scored = [
        (score(each, ties.get(each.author, STRANGER), now_ms), each.position, each)
        for each in candidates
    ]
    scored.sort(reverse=True)
    # An author's posts stay in their order, for the factor falls: so this is the order of taking
    # the best one each time, its author's next ones being worth less from then on.
    before: Counter[Id] = Counter()
    damped = []
    for plain, position, candidate in scored:
        damped.append(
            (plain * REPEATED_AUTHOR ** before[candidate.author], position, candidate.post)
        )
        before[candidate.author] += 1
    damped.sort(reverse=True)
    return [post for _, _, post in damped]
