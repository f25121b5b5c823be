"""A body says when it was due, and any change to it shows."""

from hypothesis import given
from hypothesis import strategies as st

from loadtest.crowd.body import SMALLEST, body, due_of

ids = st.integers(1, 2**63 - 1).map(str)
times = st.integers(1, 10**16 - 1)
sizes = st.integers(0, 200)


@given(ids, ids, times, sizes)
def test_what_was_said_is_known_again(room: str, sender: str, due: int, size: int) -> None:
    text = body(room, sender, due, size)
    assert len(text) == max(size, SMALLEST)
    assert due_of(text, room, sender) == due


@given(ids, ids, times, sizes, st.data())
def test_a_change_shows(room: str, sender: str, due: int, size: int, data: st.DataObject) -> None:
    text = body(room, sender, due, size)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters().filter(lambda found: found != text[at]))
    assert due_of(text[:at] + other + text[at + 1 :], room, sender) is None
    assert due_of(text[:at] + text[at + 1 :], room, sender) is None
    assert due_of(text + "x", room, sender) is None


@given(ids, ids, ids, times)
def test_it_belongs_to_a_room_and_a_sender(room: str, sender: str, other: str, due: int) -> None:
    text = body(room, sender, due, 60)
    if other != room:
        assert due_of(text, other, sender) is None
    if other != sender:
        assert due_of(text, room, other) is None


@given(st.text())
def test_what_people_say_is_none(text: str) -> None:
    assert due_of(text, "7", "8") is None
