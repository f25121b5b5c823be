"""News waits, and becomes less while it does."""

from hypothesis import given
from hypothesis import strategies as st

from feed_push.news import Gone, News
from protocol.ids import Id
from protocol.posts import Visibility

ADA = Id(1)
POSTS = [Id(number) for number in range(11, 16)]
ORDER = [Visibility.PRIVATE, Visibility.FRIENDS, Visibility.FOLLOWERS, Visibility.PUBLIC]


def gone(was: Visibility = Visibility.PUBLIC, *tags: str) -> Gone:
    return Gone(ADA, frozenset(tags), was)


def test_a_post_is_one_piece_of_news() -> None:
    news = News(limit=10)
    assert not news
    news.updated(POSTS[0], ["looms"])
    news.published(POSTS[1])
    news.updated(POSTS[0], ["yarn"])
    news.gone(POSTS[1], gone())
    news.updated(POSTS[1], [])
    assert news
    changes, comments, counted = news.take(posts=10, counters=10)
    assert list(changes) == POSTS[:2]
    first, second = changes.values()
    assert (first.new, first.edited, first.gone) == (False, True, None)
    assert first.left == {"looms", "yarn"}
    assert (second.new, second.edited, second.gone) == (True, True, gone())
    assert (comments, counted) == ({}, [])
    assert not news


@given(st.lists(st.sampled_from(ORDER), min_size=1, max_size=4))
def test_of_what_a_post_was_the_widest_counts(was: list[Visibility]) -> None:
    news = News(limit=10)
    for number, visibility in enumerate(was):
        news.gone(POSTS[0], gone(visibility, f"tag{number}"))
    (change,) = news.take(posts=1, counters=0).changes.values()
    assert change.gone is not None
    assert change.gone.was is max(was, key=ORDER.index)
    assert change.gone.tags == {f"tag{number}" for number in range(len(was))}


def test_counters_are_news_once_a_second() -> None:
    news = News(limit=10)
    for post in (*POSTS[:3], *POSTS[:3]):
        news.counted(post)
    assert not news
    assert news.ripen()
    assert news.take(posts=0, counters=2).counted == POSTS[:2]
    news.counted(POSTS[0])
    news.counted(POSTS[2])  # is waiting already
    assert news.take(posts=0, counters=2).counted == POSTS[2:3]
    assert not news
    assert news.ripen()
    assert news.take(posts=0, counters=9).counted == [POSTS[0], POSTS[2]]
    assert not news.ripen()


def test_a_part_is_taken_the_oldest_first() -> None:
    news = News(limit=10)
    for post in POSTS:
        news.published(post)
        news.commented(post, Id(post + 100))
    assert list(news.take(posts=2, counters=0).changes) == POSTS[:2]
    news.updated(POSTS[0], [])
    changes, comments, _ = news.take(posts=2, counters=0)
    assert list(changes) == POSTS[2:4]
    assert comments == {Id(post + 100): post for post in POSTS[2:4]}
    assert list(news.take(posts=9, counters=0).changes) == [POSTS[4], POSTS[0]]


def test_beyond_the_limit_the_oldest_is_left_out() -> None:
    news = News(limit=2)
    for post in POSTS:
        news.published(post)
        news.commented(post, Id(post + 100))
    news.updated(POSTS[4], [])
    changes, comments, _ = news.take(posts=9, counters=0)
    assert list(changes) == POSTS[3:]
    assert list(comments) == [post + 100 for post in POSTS[3:]]
    assert news.left_out == 6
