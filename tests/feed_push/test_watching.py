"""Who watches what, judged by a plain set of it."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from feed_push.watching import HOME, Feed, Watching, author_feed, post_feed, tag_feed
from protocol.errors import FORBIDDEN, PlazaError
from protocol.ids import Id
from tests.feed_push.watchers import Format, Watcher

LIMIT = 3
ACCOUNTS = [Id(number) for number in range(1, 4)]
FEEDS = [
    HOME,
    author_feed(Id(1)),
    author_feed(Id(2)),
    tag_feed("looms"),
    post_feed(Id(1)),
    post_feed(Id(2)),
]
feeds = st.lists(st.sampled_from(FEEDS), max_size=4)
numbers = st.integers(0, 3)


def test_feeds_are_named_as_events_name_them() -> None:
    assert FEEDS == ["home", "author:1", "author:2", "tag:looms", "post:1", "post:2"]


class Machine(RuleBasedStateMachine):
    """Connections come, watch, and go."""

    def __init__(self) -> None:
        super().__init__()
        self.watching = Watching(limit=LIMIT)
        self.observers: list[Watcher] = []
        self.truth: set[tuple[Watcher, Feed]] = set()

    def feeds_of(self, observer: Watcher) -> set[Feed]:
        return {feed for other, feed in self.truth if other is observer}

    @rule(account=st.sampled_from(ACCOUNTS))
    def come(self, account: Id) -> None:
        if len(self.observers) < 5:
            self.observers.append(Watcher(account, Format()))

    @precondition(lambda self: self.observers)
    @rule(number=numbers, wanted=feeds)
    def watch(self, number: int, wanted: list[Feed]) -> None:
        observer = self.observers[number % len(self.observers)]
        if len((self.feeds_of(observer) | set(wanted)) - {HOME}) > LIMIT:
            with pytest.raises(PlazaError) as refused:
                self.watching.watch(observer.account, observer, wanted)
            assert refused.value.spec is FORBIDDEN
            return
        self.watching.watch(observer.account, observer, wanted)
        self.truth |= {(observer, feed) for feed in wanted}

    @precondition(lambda self: self.observers)
    @rule(number=numbers, unwanted=feeds)
    def unwatch(self, number: int, unwanted: list[Feed]) -> None:
        observer = self.observers[number % len(self.observers)]
        self.watching.unwatch(observer, unwanted)
        self.truth -= {(observer, feed) for feed in unwanted}

    @precondition(lambda self: self.observers)
    @rule(number=numbers)
    def leave(self, number: int) -> None:
        observer = self.observers.pop(number % len(self.observers))
        self.watching.leave(observer)
        self.truth = {(other, feed) for other, feed in self.truth if other is not observer}

    @invariant()
    def indexes_tell_the_truth(self) -> None:
        for feed in FEEDS:
            told = {
                (account, observer)
                for account, observers in self.watching.of(feed).items()
                for observer in observers
            }
            expected = {(other.account, other) for other, named in self.truth if named == feed}
            assert told == expected
            assert (feed in self.watching) == bool(expected)
            assert all(self.watching.of(feed).values()), "nobody is left behind, empty"
        for observer in self.observers:
            assert self.watching.feeds(observer) == self.feeds_of(observer) - {HOME}
        watching = {observer for observer, _ in self.truth}
        assert self.watching.observers == len(watching)
        assert bool(self.watching) == bool(watching)


TestWatching = Machine.TestCase


def test_no_limit() -> None:
    watching, observer = Watching(limit=0), Watcher(Id(1), Format())
    many = [post_feed(Id(number)) for number in range(1, 2_000)]
    watching.watch(observer.account, observer, many)
    assert watching.feeds(observer) == set(many)


def test_too_many_at_once_are_none() -> None:
    watching, observer = Watching(limit=2), Watcher(Id(1), Format())
    watching.watch(observer.account, observer, [HOME, post_feed(Id(1))])
    with pytest.raises(PlazaError, match="can watch 2 authors, tags and posts"):
        watching.watch(observer.account, observer, [post_feed(Id(2)), post_feed(Id(3))])
    assert watching.feeds(observer) == {post_feed(Id(1))}
    watching.check(observer, [HOME, post_feed(Id(1)), post_feed(Id(2))])
