"""What a connection that comes back is told: each missed event once, and no other."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.events import Gap, RoomGone
from protocol.ids import Id
from rooms.catchup import BATCH, CatchUp, Span, batches, plan

GARDEN, KITCHEN, CELLAR = Id(1), Id(2), Id(3)

rooms = st.integers(1, 20).map(Id)
seqs = st.integers(0, 2_000)
spans = st.builds(
    lambda room, after, length: Span(room, after, after + length),
    rooms,
    seqs,
    st.integers(1, 2 * BATCH),
)


def test_each_room_gets_what_fits() -> None:
    cursors = {GARDEN: 7, KITCHEN: 3, CELLAR: 1, Id(9): 5}
    assert plan(cursors, {GARDEN: 10, KITCHEN: 3, CELLAR: 100, Id(8): 50}, cap=10) == CatchUp(
        notices=[Gap(room=CELLAR, from_=2, to=100), RoomGone(room=Id(9))],
        spans=[Span(GARDEN, 7, 10)],
    )


def test_the_cap_is_still_replayed() -> None:
    assert plan({GARDEN: 5}, {GARDEN: 15}, cap=10).spans == [Span(GARDEN, 5, 15)]
    assert plan({GARDEN: 5}, {GARDEN: 16}, cap=10).notices == [Gap(room=GARDEN, from_=6, to=16)]


def test_without_a_cap_there_are_no_gaps() -> None:
    assert plan({GARDEN: 0}, {GARDEN: 10**6}, cap=0) == CatchUp([], [Span(GARDEN, 0, 10**6)])


def test_a_cursor_ahead_of_the_room_misses_nothing() -> None:
    # Of a client that talked to another process, or that made it up.
    assert plan({GARDEN: 12}, {GARDEN: 10}, cap=10) == CatchUp([], [])


@settings(deadline=None)
@given(st.dictionaries(rooms, seqs), st.dictionaries(rooms, seqs), st.integers(0, 500))
def test_what_is_missed_is_told_once(
    cursors: dict[Id, int], attached: dict[Id, int], cap: int
) -> None:
    missed = plan(cursors, attached, cap=cap)
    told = {notice.room: notice for notice in missed.notices}
    read = {span.room: span for span in missed.spans}
    assert len(told) + len(read) == len(missed.notices) + len(missed.spans)
    assert not told.keys() & read.keys()
    for room, cursor in cursors.items():
        behind = attached.get(room, 0) - cursor
        if room not in attached:
            assert told.pop(room) == RoomGone(room=room)
        elif behind <= 0:
            continue
        elif cap and behind > cap:
            assert told.pop(room) == Gap(room=room, from_=cursor + 1, to=attached[room])
        else:
            span = read.pop(room)
            assert (span.after, span.upto, len(span)) == (cursor, attached[room], behind)
    assert not told
    assert not read


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
