import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from plaza_client.room_list import RoomList
from plaza_client.wire import UnknownEvent
from protocol.events import (
    Deleted,
    Edited,
    LevelChanged,
    MemberCause,
    MemberChanged,
    MemberMuted,
    Message,
    ReadMarker,
    Ready,
    Renamed,
    RoomAdded,
    RoomEvent,
    RoomGone,
    SlowModeSet,
)
from protocol.ids import Id
from protocol.records import Level, Role, Room
from tests.plaza_client.conftest import ADA, AT, ATTIC, BOB, LOUNGE, message, room


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
    assert (known.rooms[LOUNGE].last_seq, known.rooms[LOUNGE].unread) == (5, 1)


def test_what_the_record_knows_of_does_not_count(known: RoomList) -> None:
    known.apply(message(3, mentions=[ADA.id]))
    known.apply(Renamed(room=LOUNGE, sender=BOB.id, seq=2, title="Salon"))
    assert known.rooms == {LOUNGE: room(3)}


def test_events_of_other_rooms_are_none_of_its_business(known: RoomList) -> None:
    known.apply(message(4, room=ATTIC))
    known.apply(LevelChanged(room=ATTIC, level=Level.NONE))
    known.apply(ReadMarker(room=ATTIC, account=ADA.id, seq=3, unread=1, mentions=1, last_seq=9))
    known.apply(UnknownEvent("poll", {}, ATTIC, 5))
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
                members=7,
            )
        )
        assert (known.rooms[LOUNGE].role is Role.ADMIN) is (account == ADA.id)
    assert known.rooms[LOUNGE].members == 7


def test_only_a_mute_of_oneself_matters(known: RoomList) -> None:
    entry = {"room": LOUNGE, "sender": BOB.id}
    known.apply(MemberMuted(**entry, seq=4, account=BOB.id, until=AT))
    assert known.rooms[LOUNGE].muted_until is None
    known.apply(MemberMuted(**entry, seq=5, account=ADA.id, until=AT))
    assert known.rooms[LOUNGE].muted_until == AT
    known.apply(MemberMuted(**entry, seq=6, account=ADA.id))
    assert known.rooms[LOUNGE].muted_until is None


def test_slow_mode_and_level(known: RoomList) -> None:
    known.apply(SlowModeSet(room=LOUNGE, sender=BOB.id, seq=4, seconds=30))
    known.apply(LevelChanged(room=LOUNGE, level=Level.MENTIONS))
    assert (known.rooms[LOUNGE].slow_mode, known.rooms[LOUNGE].notify) == (30, Level.MENTIONS)


def test_reading_all_there_is(known: RoomList) -> None:
    known.apply(message(4, mentions=[ADA.id]))
    known.mark_read(LOUNGE, 3)  # what is left is the server's to say
    assert (known.rooms[LOUNGE].unread, known.rooms[LOUNGE].mentions) == (1, 1)
    known.mark_read(LOUNGE, 9)
    assert known.rooms[LOUNGE] == replace(room(4), read_seq=4)


def test_ones_own_marker_brings_the_counts(known: RoomList) -> None:
    for seq in (4, 5, 6):
        known.apply(message(seq))
    known.apply(ReadMarker(room=LOUNGE, account=BOB.id, seq=6))
    assert known.rooms[LOUNGE].unread == 3
    known.apply(ReadMarker(room=LOUNGE, account=ADA.id, seq=5, unread=2, mentions=1, last_seq=7))
    expected = replace(room(7), read_seq=5, unread=2, mentions=1)
    assert known.rooms[LOUNGE] == expected
    known.apply(message(7, mentions=[ADA.id]))  # is in these counts
    known.apply(ReadMarker(room=LOUNGE, account=ADA.id, seq=4, unread=3, mentions=1, last_seq=7))
    assert known.rooms[LOUNGE] == expected
    # As of a moment before the record was read: what is above it has yet to come, and counts.
    known.apply(ReadMarker(room=LOUNGE, account=ADA.id, seq=5, unread=1, mentions=1, last_seq=6))
    known.apply(message(7))
    assert known.rooms[LOUNGE] == expected


class Log:
    """A room's log as Ada's server has it, counted anew whenever it is asked.

    Attributes:
        events: the log; the first has seq 1.
        read_seq: Ada's marker.
        since: the record at each moment since she read last, or wrote.
    """

    def __init__(self) -> None:
        self.events: list[RoomEvent] = []
        self.read_seq = 0
        self.since = [self.record()]

    def standing(self) -> dict[int, Message]:
        standing: dict[int, Message] = {}
        for event in self.events:
            if isinstance(event, Message):
                standing[event.seq] = event
            elif isinstance(event, Edited):
                standing[event.target] = replace(standing[event.target], mentions=event.mentions)
            elif isinstance(event, Deleted):
                del standing[event.target]
        return standing

    def record(self) -> Room:
        new = [message for seq, message in self.standing().items() if seq > self.read_seq]
        return replace(
            room(len(self.events)),
            read_seq=self.read_seq,
            unread=len(new),
            mentions=sum(ADA.id in message.mentions for message in new),
        )

    def write(self, event: RoomEvent) -> RoomEvent:
        self.events.append(event)
        if isinstance(event, Message) and event.sender == ADA.id:
            self.read_seq = event.seq
            self.since.clear()
        self.since.append(self.record())
        return event

    def read(self, seq: int) -> ReadMarker:
        self.read_seq = max(self.read_seq, seq)
        record = self.record()
        self.since = [record]
        return ReadMarker(
            room=LOUNGE,
            account=ADA.id,
            seq=record.read_seq,
            unread=record.unread,
            mentions=record.mentions,
            last_seq=record.last_seq,
        )

    @property
    def entry(self) -> dict[str, object]:
        return {"room": LOUNGE, "sender": BOB.id, "seq": len(self.events) + 1}


NUMBER = st.integers(min_value=0, max_value=50)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("message"), st.booleans(), st.booleans()),
        st.tuples(st.just("message"), st.just(False), st.booleans()),
        st.tuples(st.just("edit"), NUMBER, st.booleans()),
        st.tuples(st.just("delete"), NUMBER, st.none()),
        st.tuples(st.just("title"), st.none(), st.none()),
        st.tuples(st.just("read"), NUMBER, st.none()),
        st.tuples(st.just("return"), NUMBER, NUMBER),
    ),
    min_size=10,
    max_size=40,
)


@given(STEPS)
def test_the_counts_are_those_of_a_fresh_load(steps: list[tuple[str, int, int]]) -> None:
    log, known = Log(), RoomList()
    known.renew(ready(log.record()))
    for step, first, second in steps:
        mentions = [ADA.id] if second else []
        standing = log.standing()
        target = list(standing)[first % len(standing)] if standing and first is not None else 0
        if step == "message":
            sender = ADA.id if first else BOB.id
            entry = {**log.entry, "sender": sender}
            known.apply(log.write(Message(**entry, body="hi", mentions=mentions)))
        elif step == "edit" and target:
            former = standing[target].mentions
            known.apply(
                log.write(
                    Edited(**log.entry, target=target, mentions=mentions, former_mentions=former)
                )
            )
        elif step == "delete" and target:
            mentions = standing[target].mentions
            known.apply(log.write(Deleted(**log.entry, target=target, mentions=mentions)))
        elif step == "title":
            known.apply(log.write(Renamed(**log.entry, title="Lounge")))
        elif step == "read":
            known.apply(log.read(first % (len(log.events) + 1)))
        elif step == "return":
            # Its record is some moments old; the log is told from some place before that on.
            record = log.since[-1 - first % len(log.since)]
            known.renew(ready(record))
            for event in log.events[max(0, record.last_seq - second) :]:
                known.apply(event)
        assert known.rooms == {LOUNGE: log.record()}
