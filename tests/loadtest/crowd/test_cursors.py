"""What has come and what has not, in whatever order it comes."""

from hypothesis import given
from hypothesis import strategies as st

from loadtest.crowd.chunks import Room
from loadtest.crowd.cursors import Cursors

ROOM = Room("7")
OTHER = Room("8")


class Wrongs(list[str]):
    """The kinds of what is wrong."""

    def __call__(self, kind: str, _: str) -> None:
        self.append(kind)


def at(seq: int) -> Cursors:
    cursors = Cursors()
    cursors.begin({ROOM: seq})
    cursors.resume()
    return cursors


@given(st.lists(st.integers(1, 30), max_size=60))
def test_whatever_comes_each_entry_is_news_once(seqs: list[int]) -> None:
    cursors, wrongs = at(0), Wrongs()
    news = [seq for seq in seqs if cursors.hear(ROOM, seq, wrongs)]
    assert sorted(news) == sorted(set(seqs))
    assert wrongs.count("doubled") == len(seqs) - len(set(seqs))
    assert cursors.missing(ROOM, 30) == 30 - len(set(seqs))
    assert {seq for seq in range(1, 31) if cursors.has(ROOM, seq)} == set(seqs)
    assert bool(wrongs) == (seqs != list(range(1, len(seqs) + 1)))


@given(st.permutations(range(4, 12)))
def test_a_gap_is_closed_in_any_order(seqs: list[int]) -> None:
    cursors, wrongs = at(3), Wrongs()
    cursors.gap(ROOM, 4, 11, wrongs)
    assert cursors.hear(ROOM, 12, wrongs)
    for number, seq in enumerate(seqs):
        assert cursors.missing(ROOM, 12) == 8 - number
        assert cursors.fetched(ROOM, seq)
        assert not cursors.fetched(ROOM, seq)
    assert (cursors.holes, cursors.missing(ROOM, 12), wrongs) == (None, 0, [])


def test_a_gap_that_begins_elsewhere_is_disordered() -> None:
    cursors, wrongs = at(3), Wrongs()
    cursors.gap(ROOM, 6, 9, wrongs)
    assert wrongs == ["disordered"]
    assert cursors.missing(ROOM, 9) == 6  # all of what has not come


def test_what_a_first_ready_shows_may_come_once_more() -> None:
    cursors, wrongs = Cursors(), Wrongs()
    cursors.begin({ROOM: 5})
    assert not cursors.hear(ROOM, 5, wrongs)
    assert cursors.hear(ROOM, 6, wrongs)
    assert not wrongs
    assert not cursors.hear(ROOM, 6, wrongs)
    assert wrongs == ["doubled"]


def test_after_that_nothing_may() -> None:
    cursors, wrongs = at(5), Wrongs()
    assert not cursors.hear(ROOM, 5, wrongs)
    assert wrongs == ["doubled"]


def test_rooms_are_apart_and_strange_ones_are_not_looked_at() -> None:
    cursors, wrongs = at(5), Wrongs()
    assert not cursors.hear(OTHER, 17, wrongs)
    cursors.gap(OTHER, 3, 17, wrongs)
    assert (wrongs, cursors.missing(OTHER, 17), cursors.missing(ROOM, 7)) == ([], 0, 2)
