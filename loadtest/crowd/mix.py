"""The table of what virtual users do, and the choice among it."""

from collections.abc import Mapping
from itertools import accumulate
from random import Random
from typing import Final

from msgspec.structs import asdict

from loadtest.crowd.actions import Action, Behaviour, Listener
from loadtest.crowd.chat_actions import CHAT
from loadtest.crowd.echo_actions import ECHO
from loadtest.crowd.feed_actions import FEED
from loadtest.crowd.presence_actions import PRESENCE
from loadtest.scenario import Mix, Scenario

BEHAVIOURS: Final[tuple[Behaviour, ...]] = (CHAT, ECHO, PRESENCE, FEED)
ACTIONS: Final[Mapping[str, Action]] = {
    name: action for behaviour in BEHAVIOURS for name, action in behaviour.actions.items()
}


class Choice:
    """Chooses actions by their weights.

    Args:
        mix: of the scenario.
    """

    def __init__(self, mix: Mix) -> None:
        weights = {name: weight for name, weight in asdict(mix).items() if weight > 0}
        self._actions = [ACTIONS[name] for name in weights]
        self._weights = list(accumulate(weights.values()))

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._actions)

    def __call__(self, chance: Random) -> Action:
        """One of them."""
        if len(self._actions) == 1:
            return self._actions[0]
        return chance.choices(self._actions, cum_weights=self._weights)[0]


def listeners(scenario: Scenario) -> list[tuple[str, Listener]]:
    """The events that somebody listens to in a scenario; of one type there may be several."""
    return [
        one
        for behaviour in BEHAVIOURS
        if behaviour.concerns(scenario)
        for one in behaviour.listeners.items()
    ]
