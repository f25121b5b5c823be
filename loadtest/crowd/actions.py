"""What a virtual user may do, as the mix of a scenario names it.

An action is called when it falls due, and starts itself. What a user sends over its connection goes
by `User.ask`, which keeps the account of it; an action that does something else (a request over
REST) says `User.begin`, and then once `User.finish` or `User.fail`.

A behaviour brings actions, and the events that its users listen to. crowd/mix.py has the table.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

from loadtest.scenario import Scenario

if TYPE_CHECKING:
    from loadtest.crowd.crowd import Crowd
    from loadtest.crowd.user import User

T = TypeVar("T")

Action = Callable[["User", float], None]
"""Does it: who, and when it was due (time.monotonic())."""

Listener = Callable[["User", bytes, float], None]
"""Hears an event: who, its JSON, and when it came (time.monotonic())."""


class Behaviour(NamedTuple):
    """Actions that belong together.

    Attributes:
        actions: by their names in the mix.
        listeners: by the type of event (its `t`), such as "presence". Those of answers and of
            entries of a room's log are heard already; "ready" may have one beside, which is called
            each time when a user is connected. An event without a listener costs nothing.
        concerns: whether a scenario needs the listeners: nobody listens otherwise.
    """

    actions: Mapping[str, Action]
    listeners: Mapping[str, Listener]
    concerns: Callable[[Scenario], bool]


class PerCrowd(Generic[T]):
    """What a behaviour keeps for all users of a crowd: made when it is first asked for.

    Args:
        make: makes it.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: WeakKeyDictionary[Crowd, T] = WeakKeyDictionary()

    def __call__(self, crowd: "Crowd") -> T:
        """That of a crowd."""
        made = self._made.get(crowd)
        if made is None:
            made = self._made[crowd] = self._make()
        return made
