"""feed_push/ranking.py: the formula, and the order that it makes."""

import re
from math import isclose, log
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feed_push.ranking import (
    HALF_LIFE_MS,
    REPEATED_AUTHOR,
    Candidate,
    Tie,
    affinity,
    engagement,
    freshness,
    rank,
    score,
)
from protocol.ids import Id, first_id_at

NOW = 1_800_000_000_000
HOUR = 3_600_000
DOCUMENT = Path(__file__).parents[2] / "docs" / "feed.md"


def candidate(number: int, *, author: int = 0, hours: float = 0, **counters: int) -> Candidate:
    """A post that is so many hours old; by an author of its own, if nobody is named."""
    position = first_id_at(NOW - int(hours * HOUR)) + number
    return Candidate(Id(number), Id(author or 1000 + number), position, **counters)


def order(*candidates: Candidate, ties: dict[Id, Tie] | None = None) -> list[int]:
    return rank(candidates, ties or {}, now_ms=NOW)


class TestScore:
    def test_half_of_it_is_gone_every_half_life(self) -> None:
        assert freshness(NOW, NOW) == 1
        assert freshness(NOW - HALF_LIFE_MS, NOW) == 0.5
        assert freshness(NOW - 3 * HALF_LIFE_MS, NOW) == 0.125

    def test_what_another_clock_puts_into_the_future_is_new(self) -> None:
        assert freshness(NOW + HOUR, NOW) == 1

    def test_affinity_grows_with_what_one_has_done_but_ever_less(self) -> None:
        steps = [affinity(Tie(likes=likes)) for likes in (0, 1, 10, 100)]
        assert steps == sorted(set(steps))
        assert steps[0] == 0
        assert steps[3] < 2 * steps[2]
        assert affinity(Tie(comments=1)) == affinity(Tie(likes=3))
        assert affinity(Tie(close=True)) == 1

    def test_engagement_grows_with_what_others_have_done_but_ever_less(self) -> None:
        assert engagement(candidate(1)) == 0
        assert engagement(candidate(1, likes=5)) == log(6)
        assert engagement(candidate(1, likes=1, comments=2, shares=3)) == log(15)

    def test_the_example_of_the_document(self) -> None:
        """The worked example in docs/feed.md, number by number."""
        text = DOCUMENT.read_text(encoding="utf-8")
        rows = re.findall(r"^\| (\d) \| (\w+) \| (\d+) h \| (.*) \|$", text, re.MULTILINE)
        assert [row[0] for row in rows] == ["1", "2", "3", "4"]
        authors = {"ada": 1, "bob": 2, "eve": 3}
        ties = {Id(1): Tie(likes=5, comments=1), Id(2): Tie(close=True)}
        shown = []
        seen: dict[str, int] = {}
        for number, author, hours, rest in rows:
            likes, comments, shares, *numbers = [float(each) for each in rest.split(" | ")]
            post = candidate(
                int(number),
                author=authors[author],
                hours=int(hours),
                likes=int(likes),
                comments=int(comments),
                shares=int(shares),
            )
            tie = ties.get(post.author, Tie())
            parts = [
                freshness(NOW - int(hours) * HOUR, NOW),
                1 + affinity(tie),
                1 + engagement(post) / 2,
                REPEATED_AUTHOR ** seen.get(author, 0),
            ]
            seen[author] = seen.get(author, 0) + 1
            parts.append(score(post, tie, NOW) * parts[-1])
            assert [round(part, 2) for part in parts] == numbers
            shown.append(post)
        assert order(*reversed(shown), ties=ties) == [1, 2, 3, 4]


class TestOrder:
    def test_without_anything_else_the_newest_come_first(self) -> None:
        posts = [candidate(number, hours=number) for number in range(1, 6)]
        assert order(*reversed(posts)) == [1, 2, 3, 4, 5]

    def test_whom_one_has_to_do_with_comes_first(self) -> None:
        posts = [candidate(1, author=1), candidate(2, author=2), candidate(3, author=3)]
        ties = {Id(1): Tie(likes=1), Id(3): Tie(close=True)}
        assert order(*posts, ties=ties) == [3, 1, 2]

    def test_what_others_make_much_of_comes_first(self) -> None:
        assert order(candidate(1), candidate(2, shares=2), candidate(3, likes=2)) == [2, 3, 1]

    def test_everything_sinks(self) -> None:
        """What everybody has liked is not the first thing to be seen a week later."""
        hit = candidate(1, author=1, hours=7 * 24, likes=100_000)
        assert order(hit, candidate(2, hours=6), ties={Id(1): Tie(likes=50, close=True)}) == [2, 1]

    def test_an_author_does_not_fill_the_feed(self) -> None:
        many = [candidate(number, author=1, likes=9) for number in range(1, 6)]
        others = [candidate(number, likes=2) for number in range(6, 9)]
        shown = order(*many, *others)
        assert shown[0] == 5
        assert set(shown[1:3]) != {3, 4}
        assert {6, 7, 8} & set(shown[:4])

    def test_equals_come_by_time(self) -> None:
        posts = [candidate(number) for number in range(1, 4)]
        assert order(*posts) == [3, 2, 1]

    def test_nothing_is_ranked(self) -> None:
        assert order() == []


CANDIDATES = st.lists(
    st.builds(
        candidate,
        st.integers(1, 40),
        author=st.integers(1, 4),
        hours=st.floats(0, 100),
        likes=st.integers(0, 1000),
        comments=st.integers(0, 100),
        shares=st.integers(0, 100),
    ),
    unique_by=lambda post: post.post,
    max_size=25,
)
TIES = st.dictionaries(
    st.integers(1, 4).map(Id),
    st.builds(Tie, st.integers(0, 50), st.integers(0, 50), st.booleans()),
)


@given(CANDIDATES, TIES)
def test_it_is_the_order_of_taking_the_best_one_each_time(
    candidates: list[Candidate], ties: dict[Id, Tie]
) -> None:
    shown = order(*candidates, ties=ties)
    assert sorted(shown) == sorted(post.post for post in candidates)
    by_id = {post.post: post for post in candidates}
    left = dict(by_id)
    taken: dict[Id, int] = {}

    def worth(post: Candidate) -> float:
        plain = score(post, ties.get(post.author, Tie()), NOW)
        return plain * REPEATED_AUTHOR ** taken.get(post.author, 0)

    for number in shown:
        best = max(worth(post) for post in left.values())
        post = left.pop(Id(number))
        assert isclose(worth(post), best)
        taken[post.author] = taken.get(post.author, 0) + 1


@pytest.mark.parametrize("likes", [0, 3, 2**31 - 1])
def test_scores_are_numbers(likes: int) -> None:
    post = candidate(1, likes=likes, hours=24 * 365 * 50)
    assert score(post, Tie(), NOW) >= 0
