"""The entries of the table: somebody who is here, or was a moment ago; and where they are."""

from presence.ports import Observer
from presence.sight import AccountSight
from protocol.ids import Id
from protocol.records import PresenceState

OFFLINE = PresenceState.OFFLINE


class Account:
    """An account with devices, or in the grace after the last one left.

    Attributes:
        devices: its connections. A tuple as well: most have one.
        away: those of them that are not in use.
        busy, hidden: as the user has set them, for all devices.
        blocked: whom the user has blocked: to them the account is offline.
        rooms: that it is a member of. A tuple, because it is small, walked often, changed seldom.
        here: the best state of its devices; in the grace, what it was before; OFFLINE after it.
        left_at: when the last device left; meaningful without devices.
        told: what others were told last; None: that it is offline, or nothing ever.
        own: the same of its own devices.
    """

    __slots__ = (
        "away", "blocked", "busy", "devices", "here", "hidden", "id", "left_at", "own", "rooms",
        "told",
    )  # fmt: skip

    def __init__(self, account: Id, *, busy: bool, hidden: bool, blocked: frozenset[Id]) -> None:
        self.id = account
        self.busy = busy
        self.hidden = hidden
        self.blocked = blocked
        self.devices: tuple[Observer, ...] = ()
        self.away: frozenset[Observer] = frozenset()
        self.rooms: tuple[Room, ...] = ()
        self.here = OFFLINE
        self.left_at = 0
        self.told: AccountSight | None = None
        self.own: AccountSight | None = None

    def settle(self) -> None:
        """Devices have changed, and there are some: find the best state."""
        in_use = len(self.away) < len(self.devices)
        self.here = PresenceState.ONLINE if in_use else PresenceState.AWAY

    @property
    def state(self) -> PresenceState:
        """What the account is, to its own devices."""
        return PresenceState.BUSY if self.busy and self.here is not OFFLINE else self.here

    @property
    def shown(self) -> PresenceState:
        """What the account is to others, those that it has blocked apart."""
        return OFFLINE if self.hidden else self.state


class Room:
    """A room with somebody in it who is in the table.

    Attributes:
        members: how many it has, here or not.
        large: its members are counted for each other, and not named. It follows `members`, down
            not before the next flush.
        present: those members who are in the table.
        online: those of them of whom others were told that they are here.
        counted: the last `online` that was told; None: none yet.
        due: when the next count may be told, in milliseconds.
    """

    __slots__ = ("counted", "due", "id", "large", "members", "online", "present")

    def __init__(self, room: Id, members: int, *, large: bool) -> None:
        self.id = room
        self.members = members
        self.large = large
        self.present: set[Account] = set()
        self.online = 0
        self.counted: int | None = None
        self.due = 0
