"""Presence: users turn from online to away and back, and others are told.

The server collects changes for about a second, and tells the latest: what is undone meanwhile is
not told at all. So what is measured is for how long others have seen something else than what is
so: from the change (when it was due) that made the two differ to the event that makes them agree,
for each of the others in this process. `told` counts all events, also of users of other processes.
What has changed before somebody connected is no news to them, and has no latency.
"""

from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from loadtest.crowd.actions import Behaviour, PerCrowd
from loadtest.scenario import Scenario

if TYPE_CHECKING:
    from loadtest.crowd.crowd import Crowd
    from loadtest.crowd.user import User

_COMMANDS = {state: f'"t":"presence","state":"{state}"'.encode() for state in ("online", "away")}


class _Event(Struct):
    account: str
    state: str


_decode = msgspec.json.Decoder(_Event).decode


class _State:
    """What a user is, and what others have been told.

    Attributes:
        is_now: what it is.
        told: what was told last; empty: not known.
        changed: when it became what it is.
        since: since when it is another than was told; None: it was not measured.
        connected: since when the user itself hears what changes.
    """

    __slots__ = ("changed", "connected", "is_now", "since", "told")

    def __init__(self) -> None:
        self.is_now = "online"
        self.told = "online"
        self.changed = 0.0
        self.since: float | None = None
        self.connected = 0.0

    def turn(self, due: float) -> str:
        """Become the other one; returns which."""
        was_told = self.is_now == self.told
        self.is_now = "away" if self.is_now == "online" else "online"
        self.changed = due
        if was_told or not self.told:
            self.since = due
        elif self.is_now == self.told:
            self.since = None  # undone before anybody was told
        return self.is_now

    def connect(self, now: float) -> None:
        """A new connection is in use, and what was before it is over.

        What others see of that is not measured, unless they are told of the former state after it.
        """
        self.connected = self.changed = now
        self.since = None
        if self.is_now != "online" or self.told != "online":
            self.is_now, self.told = "online", ""

    def hear(self, state: str) -> float | None:
        """Somebody is told.

        Returns:
            Since when that has been so, where it is so and was not seen.
        """
        self.told = state
        if state == self.is_now:
            return self.since
        # It has changed again since that was written.
        self.since = self.changed
        return None


class _Presence:
    """The states of a process's users.

    Attributes:
        states: by account.
        known: events, which are the same for everybody -> whose, and what it says.
    """

    def __init__(self) -> None:
        self.states: dict[str, _State] = {}
        self.known: dict[bytes, tuple[_State | None, str]] = {}

    def of(self, account: str) -> _State:
        """A user's."""
        state = self.states.get(account)
        if state is None:
            state = self.states[account] = _State()
        return state

    def learn(self, crowd: "Crowd", payload: bytes) -> tuple[_State | None, str]:
        """Read an event; a user's of another process has no state here."""
        event = _decode(payload)
        state = self.of(event.account) if event.account in crowd.users else None
        # One that is offline has a time in it, and does not come again.
        if event.state in _COMMANDS:
            self.known[payload] = (state, event.state)
        return state, event.state


_of = PerCrowd(_Presence)


def _turn(user: "User", due: float) -> None:
    if user.is_ready:
        state = _of(user.crowd).of(user.account).turn(due)
        user.ask("", due, _COMMANDS[state], keeps=False)


def _connected(user: "User", _payload: bytes, now: float) -> None:
    _of(user.crowd).of(user.account).connect(now)


def _heard(user: "User", payload: bytes, now: float) -> None:
    presence = _of(user.crowd)
    found = presence.known.get(payload)
    state, told = presence.learn(user.crowd, payload) if found is None else found
    user.meter.count("told")
    if state is not None:
        since = state.hear(told)
        hearer = presence.of(user.account)
        if since is not None and hearer is not state and since > hearer.connected:
            user.meter.latency("presence", now - since)


def _concerns(scenario: Scenario) -> bool:
    return scenario.mix.presence > 0


PRESENCE = Behaviour(
    actions={"presence": _turn},
    listeners={"presence": _heard, "ready": _connected},
    concerns=_concerns,
)
