"""What a connection that comes back is told: each missed event once, and no other."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.events import Gap, RoomGone
from protocol.ids import Id
from protocol.records import Room, RoomKind
from rooms.catchup import BATCH, Attached, CatchUp, Span, batches, plan

GARDEN, KITCHEN, CELLAR = Id(1), Id(2), Id(3)

rooms = st.integers(1, 20).map(Id)
seqs = st.integers(0, 2_000)
spans = st.builds(
    lambda room, after, length: Span(room, after, after + length),
    rooms,
    seqs,
    st.integers(1, 2 * BATCH),
)


def at(room: Id, place: int, *, shown: int | None = None) -> Attached:
    """Attached at a place, to a room that is shown as it was at a seq; the same by default."""
    last_seq = place if shown is None else shown
    return Attached(Room(id=room, kind=RoomKind.GROUP, last_seq=last_seq), place)


def test_each_room_gets_what_fits() -> None:
    cursors = {GARDEN: 7, KITCHEN: 3, CELLAR: 1, Id(9): 5}
    rooms = [at(GARDEN, 10), at(KITCHEN, 3), at(CELLAR, 100), at(Id(8), 50)]
    assert plan(cursors, rooms, cap=10) == CatchUp(
        notices=[Gap(room=CELLAR, from_=2, to=100), RoomGone(room=Id(9))],
        spans=[Span(GARDEN, 7, 10)],
    )


def test_the_cap_is_still_replayed() -> None:
    assert plan({GARDEN: 5}, [at(GARDEN, 15)], cap=10).spans == [Span(GARDEN, 5, 15)]
    assert plan({GARDEN: 5}, [at(GARDEN, 16)], cap=10).notices == [Gap(room=GARDEN, from_=6, to=16)]


def test_without_a_cap_there_are_no_gaps() -> None:
    assert plan({GARDEN: 0}, [at(GARDEN, 10**6)], cap=0) == CatchUp([], [Span(GARDEN, 0, 10**6)])


def test_a_cursor_ahead_of_the_room_misses_nothing() -> None:
    # Of a client that talked to another process, or that made it up.
    assert plan({GARDEN: 12}, [at(GARDEN, 10)], cap=10) == CatchUp([], [])


def test_what_came_after_the_record_is_no_part_of_a_gap_or_of_the_spans() -> None:
    assert plan({}, [at(GARDEN, 13, shown=10)], cap=2) == CatchUp([], [])
    assert plan({GARDEN: 7}, [at(GARDEN, 13, shown=10)], cap=3).spans == [Span(GARDEN, 7, 10)]
    assert plan({GARDEN: 1}, [at(GARDEN, 23, shown=20)], cap=10) == CatchUp(
        [Gap(room=GARDEN, from_=2, to=20)], []
    )


def test_what_is_shown_ahead_of_the_place_comes_live() -> None:
    assert plan({GARDEN: 7}, [at(GARDEN, 10, shown=12)], cap=10).spans == [Span(GARDEN, 7, 10)]
    assert plan({GARDEN: 1}, [at(GARDEN, 20, shown=30)], cap=10) == CatchUp(
        [Gap(room=GARDEN, from_=2, to=20)], []
    )
    assert plan({}, [at(GARDEN, 10, shown=12)], cap=10) == CatchUp([], [])


@settings(deadline=None)
@given(
    st.dictionaries(rooms, seqs),
    st.dictionaries(rooms, st.tuples(seqs, st.integers(-9, 9))),
    st.integers(0, 500),
)
def test_what_is_missed_is_told_once(
    cursors: dict[Id, int], shown: dict[Id, tuple[int, int]], cap: int
) -> None:
    attached = [at(room, max(0, seq + ahead), shown=seq) for room, (seq, ahead) in shown.items()]
    missed = plan(cursors, attached, cap=cap)
    gaps = {notice.room: notice for notice in missed.notices if isinstance(notice, Gap)}
    gone = [notice.room for notice in missed.notices if isinstance(notice, RoomGone)]
    spans = {span.room: span for span in missed.spans}
    assert sorted(gone) == sorted(cursors.keys() - shown.keys())
    assert len(gaps) + len(gone) + len(spans) == len(missed.notices) + len(missed.spans)
    for each in attached:
        room, last_seq, place = each.record.id, each.record.last_seq, each.place
        heard = cursors.get(room, last_seq)
        if gap := gaps.pop(room, None):
            assert cap < len(range(heard, gap.to))
            assert (gap.from_, gap.to) == (heard + 1, min(place, last_seq))
            heard = gap.to
        elif cap:
            assert min(place, last_seq) - heard <= cap
        if span := spans.pop(room, None):
            assert span.after == heard < span.upto
            heard = span.upto
        assert heard >= min(place, last_seq)
    assert not gaps
    assert not spans


@settings(deadline=None)
@given(st.lists(spans, max_size=40))
def test_batches_keep_the_order_and_a_size(missed: list[Span]) -> None:
    groups = list(batches(missed))
    assert [span for group in groups for span in group] == missed
    for group in groups:
        assert group
        assert len(group) == 1 or sum(map(len, group)) <= BATCH
    for group, following in pairwise(groups):
        assert sum(map(len, group)) + len(following[0]) > BATCH
