"""What is left to be read, as of what listeners have heard; and who is told of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.events import (
    Deleted,
    DeliveredMarker,
    Edited,
    Event,
    MemberCause,
    MemberChanged,
    Message,
    Reacted,
    ReadMarker,
    RoomEvent,
)
from protocol.ids import Id
from protocol.records import Role
from rooms.receipts import MARKERS_PER_TURN, Announcements, Counts, brought_up

ADA, BOB, ROOM, OTHER = Id(1), Id(2), Id(11), Id(12)


def message(seq: int, sender: Id = ADA, *mentions: Id) -> Message:
    return Message(room=ROOM, sender=sender, seq=seq, mentions=list(mentions))


class TestCounts:
    BEFORE = Counts(5, 3, 1)

    @pytest.mark.parametrize(
        ("event", "expected"),
        [
            (message(9), (5, 4, 1)),
            (message(9, ADA, BOB), (5, 4, 2)),
            (message(9, BOB, BOB), (9, 0, 0)),
            (Deleted(room=ROOM, sender=ADA, seq=9, target=6), (5, 2, 1)),
            (Deleted(room=ROOM, sender=ADA, seq=9, target=6, mentions=[BOB]), (5, 2, 0)),
            (Deleted(room=ROOM, sender=ADA, seq=9, target=5, mentions=[BOB]), (5, 3, 1)),
            (Edited(room=ROOM, sender=ADA, seq=9, target=6, mentions=[BOB]), (5, 3, 2)),
            (Edited(room=ROOM, sender=ADA, seq=9, target=6, former_mentions=[BOB]), (5, 3, 0)),
            (
                Edited(
                    room=ROOM, sender=ADA, seq=9, target=6, mentions=[BOB], former_mentions=[BOB]
                ),
                (5, 3, 1),
            ),
            (Edited(room=ROOM, sender=ADA, seq=9, target=4, mentions=[BOB]), (5, 3, 1)),
            (Reacted(room=ROOM, sender=ADA, seq=9, target=6, emoji="x"), (5, 3, 1)),
        ],
    )
    def test_after_an_event(self, event: RoomEvent, expected: tuple[int, int, int]) -> None:
        assert self.BEFORE.after(event, BOB) == expected

    def test_after_several(self) -> None:
        events = [message(6), message(7, ADA, BOB), message(8, BOB), message(9)]
        assert brought_up(self.BEFORE, events, BOB) == Counts(8, 1, 0)
        assert brought_up(self.BEFORE, [], BOB) == self.BEFORE

    def test_a_member_who_was_gone_meanwhile_is_counted_anew(self) -> None:
        joined = MemberChanged(
            room=ROOM, sender=BOB, seq=6, account=BOB, cause=MemberCause.JOINED, role=Role.MEMBER
        )
        assert brought_up(self.BEFORE, [joined, message(7)], BOB) is None
        assert brought_up(self.BEFORE, [joined, message(7)], Id(3)) == Counts(5, 4, 1)


class Room:
    """Of a hundred members, who are told."""

    def __init__(self) -> None:
        self.told: list[Event] = []
        self.announcements = Announcements(self._offer)

    def _offer(self, room: Id, sign: Event, account: Id) -> None:
        assert isinstance(sign, ReadMarker | DeliveredMarker)
        assert (sign.room, sign.account) == (room, account)
        self.told.append(sign)

    def hear(self) -> list[tuple[type[Event], Id, int]]:
        told, self.told = self.told, []
        return [(type(sign), sign.account, sign.seq) for sign in told]  # type: ignore[attr-defined]


class TestAnnouncements:
    def test_go_at_once(self) -> None:
        room = Room()
        room.announcements.read(ROOM, ADA, 3)
        room.announcements.delivered(ROOM, BOB, 4)
        assert room.hear() == [(ReadMarker, ADA, 3), (DeliveredMarker, BOB, 4)]
        assert len(room.announcements) == 0

    def test_carry_no_counts(self) -> None:
        room = Room()
        room.announcements.read(ROOM, ADA, 3)
        assert room.told == [ReadMarker(room=ROOM, account=ADA, seq=3)]

    def test_are_so_many_a_turn_and_the_latest_wins(self) -> None:
        """A hundred read fifty messages in a second, and another fifty while it is told."""
        room = Room()
        members = [Id(number) for number in range(1, 101)]
        for seq in range(1, 51):
            for account in members:
                room.announcements.read(ROOM, account, seq)
        first = room.hear()
        assert len(first) == MARKERS_PER_TURN
        later = []
        for turn in range(100 // MARKERS_PER_TURN):
            room.announcements.turn()
            later.append(room.hear())
            assert len(later[turn]) <= MARKERS_PER_TURN
        assert sorted(account for told in later for _, account, _ in told) == members
        assert {seq for told in later for _, _, seq in told} == {50}
        assert len(room.announcements) == 0
        room.announcements.turn()
        assert room.hear() == []

    def test_one_room_does_not_keep_another_waiting(self) -> None:
        room = Room()
        for seq in range(1, 100):
            room.announcements.read(ROOM, ADA, seq)
        room.hear()
        room.announcements.read(OTHER, ADA, 1)
        assert room.hear() == [(ReadMarker, ADA, 1)]

    @given(
        st.lists(
            st.one_of(
                st.just(None),
                st.tuples(st.sampled_from([ADA, BOB]), st.sampled_from(["read", "delivered"])),
            ),
            max_size=200,
        )
    )
    def test_in_the_end_all_know_the_furthest(self, steps: list[tuple[Id, str] | None]) -> None:
        room = Room()
        furthest: dict[tuple[str, Id], int] = {}
        for seq, step in enumerate(steps, 1):
            if step is None:
                room.announcements.turn()
            else:
                account, kind = step
                getattr(room.announcements, kind)(ROOM, account, seq)
                furthest[kind, account] = seq
        for _ in range(3):
            room.announcements.turn()
        known: dict[tuple[type[Event], Id], int] = {}
        for kind_, account, seq in room.hear():
            assert seq > known.get((kind_, account), 0)
            known[kind_, account] = seq
        for account in (ADA, BOB):
            read = furthest.get(("read", account), 0)
            assert known.get((ReadMarker, account), 0) == read
            delivered = furthest.get(("delivered", account), 0)
            reached = max(known.get((kind_, account), 0) for kind_ in (ReadMarker, DeliveredMarker))
            assert reached == max(read, delivered)
