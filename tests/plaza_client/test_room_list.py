import pytest

from plaza_client.room_list import RoomList
from plaza_client.wire import UnknownEvent
from protocol.events import (
    MemberCause,
    MemberChanged,
    Ready,
    Renamed,
    RoomAdded,
    RoomGone,
)
from protocol.ids import Id
from protocol.records import Role, Room
from tests.plaza_client.conftest import ADA, ATTIC, BOB, LOUNGE, message, room


def ready(*rooms: Room) -> Ready:
    return Ready(id=1, user=ADA, session=Id(5), rooms=list(rooms), heartbeat=25)


@pytest.fixture
def known() -> RoomList:
    known = RoomList()
    known.renew(ready(room(3)))
    return known


def test_ready_brings_the_rooms(known: RoomList) -> None:
    assert known.user == ADA
    assert known.rooms == {LOUNGE: room(3)}


def test_another_ready_tells_what_changed(known: RoomList) -> None:
    changes = known.renew(ready(room(5, id=ATTIC)))
    assert changes == [RoomGone(room=LOUNGE), RoomAdded(room=room(5, id=ATTIC))]
    assert known.renew(ready(room(9, id=ATTIC))) == []
    assert known.rooms == {ATTIC: room(9, id=ATTIC)}


def test_rooms_come_and_go(known: RoomList) -> None:
    known.apply(RoomAdded(room=room(5, id=ATTIC)))
    known.apply(RoomGone(room=LOUNGE))
    known.apply(RoomGone(room=LOUNGE))
    assert known.rooms == {ATTIC: room(5, id=ATTIC)}


def test_events_move_the_end_of_the_log(known: RoomList) -> None:
    known.apply(message(4))
    known.apply(UnknownEvent("poll", {}, LOUNGE, 5))
    known.apply(message(4))
    assert (known.rooms[LOUNGE].last_seq, known.rooms[LOUNGE].unread) == (5, 5)


def test_events_of_other_rooms_are_none_of_its_business(known: RoomList) -> None:
    known.apply(message(4, room=ATTIC))
    known.mark_read(ATTIC, 4)
    assert known.rooms == {LOUNGE: room(3)}


def test_a_title_changes(known: RoomList) -> None:
    known.apply(Renamed(room=LOUNGE, sender=BOB.id, seq=4, title="Salon"))
    assert known.rooms[LOUNGE].title == "Salon"


def test_only_ones_own_role_matters(known: RoomList) -> None:
    for account, seq in ((BOB.id, 4), (ADA.id, 5)):
        known.apply(
            MemberChanged(
                room=LOUNGE,
                sender=BOB.id,
                seq=seq,
                account=account,
                cause=MemberCause.PROMOTED,
                role=Role.ADMIN,
            )
        )
        assert (known.rooms[LOUNGE].role is Role.ADMIN) is (account == ADA.id)


def test_the_read_marker_moves_forward_only(known: RoomList) -> None:
    known.mark_read(LOUNGE, 2)
    known.mark_read(LOUNGE, 1)
    assert (known.rooms[LOUNGE].read_seq, known.rooms[LOUNGE].unread) == (2, 1)
