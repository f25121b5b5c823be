"""The last events of rooms, in memory: what clients that come back have missed is mostly there.

A tail gives what a read of the log would give at the same moment: an event shows its present state,
so what is appended changes what is there already, as persistence/room_effects.py changes the rows.
What was replaced is kept, for those who have yet to hear it as it was written.

Events are kept packed: 0.6 us to pack one and 0.8 us to unpack it, for a third of the memory. Above
all, 100,000 of them and their lists would be 400,000 more objects for the garbage collector, which
then stops the process for 0.2 s now and then.

A tail knows what this process has published, and no more. What another process writes to the room
shows as a hole in the seqs, at the next event that is published here: then the tail begins anew.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from msgspec import msgpack
from msgspec.structs import replace

from protocol.events import (
    AnyRoomEvent,
    Deleted,
    Edited,
    Message,
    Pinned,
    Reacted,
    RoomEvent,
    Unpinned,
    Unreacted,
)
from protocol.ids import Id
from protocol.records import Reaction, Thread, Time

# Of one room: with fewer, nobody could enter a room that is as busy as a room can be (Hub.places).
LEAST_EVENTS = 200

# emoji -> account -> when
_Reactions = dict[str, dict[Id, Time]]

# Ids as the integers that they are, where the wire has strings.
_pack = msgpack.Encoder(enc_hook=int).encode
_unpack = msgpack.Decoder(AnyRoomEvent, dec_hook=lambda type_, value: type_(value)).decode


class Tail:
    """The last events of one room: without a hole, up to the last one that was appended."""

    __slots__ = ("_edits", "_events", "_first", "_reactions", "_unsorted", "_written")

    def __init__(self) -> None:
        self._events: deque[bytes] = deque()
        self._first = 0  # the first one's seq
        self._written: dict[int, bytes] = {}  # of those that show later changes
        self._edits: dict[int, int] = {}  # seq -> target
        self._reactions: dict[int, _Reactions] = {}
        # Messages that do not show their reactions yet: sorting the thousand reactions to a popular
        # one is for when it is read, not for each further one.
        self._unsorted: set[int] = set()

    def append(self, event: RoomEvent) -> None:
        """Take in the room's next event, and what it changes."""
        events = self._events
        if events and event.seq != self.last_seq + 1:
            self.clear()
        if not events:
            self._first = event.seq
        effect = _EFFECTS.get(type(event))
        if effect is not None:
            effect(self, event)
            if _shows_later_changes(event):
                # Found in the log after an outage: events that are still to come are in it, and
                # must not count twice.
                self.clear()
                return
        events.append(_pack(event))

    def span(self, after: int, upto: int) -> list[RoomEvent] | None:
        """The events after a seq, up to and including another, as the log gives them now.

        None: not all of them are here.
        """
        if self._unsorted:
            self._sort_reactions()
        found = self._slice(after, upto)
        return None if found is None else [_unpack(event) for event in found]

    def written(self, after: int, upto: int) -> list[RoomEvent] | None:
        """The same as they were written, and sent live."""
        found = self._slice(after, upto)
        if found is None:
            return None
        written = self._written
        return [_unpack(written.get(seq, event)) for seq, event in enumerate(found, after + 1)]

    def _slice(self, after: int, upto: int) -> Iterable[bytes] | None:
        start = after + 1 - self._first
        if not self._events or start < 0 or upto > self.last_seq:
            return None
        return islice(self._events, start, max(start, upto + 1 - self._first))

    def shorten(self, count: int) -> None:
        """Forget the oldest events."""
        for seq in range(self._first, self._first + count):
            self._events.popleft()
            self._written.pop(seq, None)
            self._edits.pop(seq, None)
            self._reactions.pop(seq, None)
            self._unsorted.discard(seq)
        self._first += count

    def clear(self) -> None:
        """Forget all events."""
        self._events.clear()
        self._written.clear()
        self._edits.clear()
        self._reactions.clear()
        self._unsorted.clear()

    @property
    def last_seq(self) -> int:
        """Of the last event; 0: there is none."""
        return self._first + len(self._events) - 1 if self._events else 0

    def __len__(self) -> int:
        return len(self._events)

    # --- effects ---------------------------------------------------------------------------------

    def _message(self, seq: int) -> Message | None:
        found = self._at(seq) if self._first <= seq <= self.last_seq else None
        return found if isinstance(found, Message) else None

    def _at(self, seq: int) -> RoomEvent:
        event: RoomEvent = _unpack(self._events[seq - self._first])
        return event

    def _change(self, seq: int, **fields: Any) -> None:
        """Replace a message, if it is here: an older one shows its state when the log is read."""
        message = self._message(seq)
        if message is not None:
            self._put(replace(message, **fields))

    def _put(self, event: RoomEvent) -> None:
        index = event.seq - self._first
        self._written.setdefault(event.seq, self._events[index])
        self._events[index] = _pack(event)

    def _reply(self, reply: Message) -> None:
        root = self._message(reply.thread) if reply.thread is not None else None
        if root is not None:
            standing = root.replies.replies if root.replies is not None else 0
            self._put(replace(root, replies=Thread(standing + 1, reply.seq, reply.at)))

    def _edit(self, edit: Edited) -> None:
        self._edits[edit.seq] = edit.target
        self._change(edit.target, body=edit.body, mentions=edit.mentions, edited_at=edit.at)

    def _delete(self, deletion: Deleted) -> None:
        target = deletion.target
        message = self._message(target)
        if message is not None:
            self._reactions.pop(target, None)
            self._unsorted.discard(target)
            self._put(_tombstone(message))
            root = self._message(message.thread) if message.thread is not None else None
            if root is not None and root.replies is not None:
                thread = root.replies
                self._put(replace(root, replies=replace(thread, replies=thread.replies - 1)))
        # Also of a message that is too old to be here.
        for seq in [seq for seq, edited in self._edits.items() if edited == target]:
            self._put(replace(self._at(seq), body="", mentions=[], former_mentions=[]))

    def _react(self, event: Reacted) -> None:
        if self._message(event.target) is not None:
            accounts = self._reactions.setdefault(event.target, {}).setdefault(event.emoji, {})
            accounts.setdefault(event.sender, event.at)
            self._unsorted.add(event.target)

    def _unreact(self, event: Unreacted) -> None:
        reactions = self._reactions.get(event.target)
        if reactions is not None and event.emoji in reactions:
            reactions[event.emoji].pop(event.sender, None)
            if not reactions[event.emoji]:
                del reactions[event.emoji]
            self._unsorted.add(event.target)

    def _pin(self, event: Pinned) -> None:
        self._change(event.target, pinned=True)

    def _unpin(self, event: Unpinned) -> None:
        self._change(event.target, pinned=False)

    def _sort_reactions(self) -> None:
        for seq in self._unsorted:
            self._change(seq, reactions=_sorted(self._reactions.get(seq, {})))
        self._unsorted.clear()


class Tails:
    """The tails of all rooms, bounded together.

    Args:
        room_events: how many events of one room are kept; 0: any number.
        all_events: how many of all rooms; the room that was used least recently gives way first.
            0: any number.
    """

    def __init__(self, *, room_events: int, all_events: int) -> None:
        self._room_events = room_events
        self._all_events = all_events
        self._used: OrderedDict[Tail, None] = OrderedDict()  # least recently first
        self._events = 0

    @classmethod
    def ample(cls, *, room_events: int, all_events: int) -> "Tails":
        """Such as keep at least what is published while somebody reads the database for hello."""
        return cls(
            room_events=max(room_events, LEAST_EVENTS) if room_events else 0,
            all_events=max(all_events, 10 * LEAST_EVENTS) if all_events else 0,
        )

    def append(self, tail: Tail, event: RoomEvent) -> None:
        """Take in the next event of a tail's room."""
        before = len(tail)
        tail.append(event)
        if 0 < self._room_events < len(tail):
            tail.shorten(1)
        self._events += len(tail) - before
        self._use(tail)
        if 0 < self._all_events < self._events:
            self._give_way()

    def span(self, tail: Tail, after: int, upto: int) -> list[RoomEvent] | None:
        """As Tail.span."""
        found = tail.span(after, upto)
        if found:
            self._use(tail)
        return found

    def forget(self, tail: Tail) -> None:
        """Forget a tail's events."""
        self._events -= len(tail)
        tail.clear()
        self._used.pop(tail, None)

    def __len__(self) -> int:
        """How many events are kept."""
        return self._events

    def _use(self, tail: Tail) -> None:
        self._used[tail] = None
        self._used.move_to_end(tail)

    def _give_way(self) -> None:
        while self._events > self._all_events:
            oldest = next(iter(self._used))
            excess = min(len(oldest), self._events - self._all_events)
            oldest.shorten(excess)
            self._events -= excess
            if not len(oldest):
                del self._used[oldest]


def _shows_later_changes(event: RoomEvent) -> bool:
    """Whether a message is not as it was when it was written."""
    return isinstance(event, Message) and bool(
        event.deleted or event.edited_at or event.reactions or event.replies or event.pinned
    )


def _tombstone(message: Message) -> Message:
    return replace(
        message, body="", attachments=[], mentions=[], reactions=[], deleted=True, pinned=False
    )


def _sorted(reactions: _Reactions) -> list[Reaction]:
    """In the order in which the log shows them: see COLUMNS in persistence/event_rows.py."""
    emojis = sorted(reactions, key=lambda emoji: (min(reactions[emoji].values()), emoji))
    return [
        Reaction(emoji=emoji, accounts=sorted(reactions[emoji], key=_moment(reactions[emoji])))
        for emoji in emojis
    ]


def _moment(accounts: dict[Id, Time]) -> Callable[[Id], tuple[Time, Id]]:
    return lambda account: (accounts[account], account)


_EFFECTS: dict[type[RoomEvent], Callable[[Tail, Any], None]] = {
    Message: Tail._reply,
    Edited: Tail._edit,
    Deleted: Tail._delete,
    Reacted: Tail._react,
    Unreacted: Tail._unreact,
    Pinned: Tail._pin,
    Unpinned: Tail._unpin,
}
