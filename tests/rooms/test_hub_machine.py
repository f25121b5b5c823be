"""Everything that can happen around a hub, in any order: devices come and go with their cursors,
commits are published late, reads of the database end late, rooms are joined and lost.

In the end every device has what a fresh load shows: the same list of rooms, with the same counts,
and the same logs, without a hole and without a double.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from tests.rooms.world import ACCOUNTS, ROOMS, Device, World

DEVICES = 5

Choose = Callable[[Sequence[Any]], Any]


class Fate:
    """Does what can be done, one thing after the other.

    Args:
        choose: one of several things.
    """

    def __init__(self, choose: Choose) -> None:
        self.choose = choose
        self.world = World()
        for account in ACCOUNTS[:2]:
            for room in ROOMS:
                self.world.admit(account, room)

    def strike(self) -> None:
        world = self.world
        behind, away = world.behind(), world.away
        settled, arriving, looked = world.settled(), world.arriving(), world.arriving(looked=True)
        room_left = len(world.devices) < DEVICES
        possible: list[tuple[int, Callable[[], object], object]] = [
            (6, self._write, True),
            (4, self._edit, True),
            (4, self._delete, True),
            (1, lambda: world.rename(self.choose(ROOMS)), True),
            (3, self._mark_read, True),
            (2, lambda: world.admit(self.choose(ACCOUNTS), self.choose(ROOMS)), True),
            (2, self._remove, True),
            (1, lambda: world.make_room(self.choose(ACCOUNTS)), len(world.database.logs) < 5),
            (12, self._publish, world.committed),
            (2, lambda: world.enter(self.choose(ACCOUNTS)), room_left),
            (8, self._come_back, away and room_left),
            (4, lambda: world.look(self.choose(arriving)), arriving),
            (12, lambda: world.settle(self.choose(looked)), looked),
            (8, lambda: world.catch_up(self.choose(behind)), behind),
            (1, lambda: world.forsake(self.choose(arriving)), arriving),
            (4, lambda: world.leave(self.choose(settled)), settled),
            (8, world.fetch, world.asked),
            (6, world.answer, world.read),
            (2, world.flush, world.awake),
            (1, world.sweep, True),
            (1, world.come_to_rest, True),
        ]
        self.choose([do for weight, do, can in possible if can for _ in range(weight)])()

    def _write(self) -> None:
        room = self.choose(ROOMS)
        if members := [a for a in ACCOUNTS if self.world.database.is_member(a, room)]:
            for _ in range(self.choose([1, 1, 2, 4])):
                self.world.write(room, self.choose(members), self.choose(ACCOUNTS))

    def _edit(self) -> None:
        if messages := self.world.database.messages(self.choose(ROOMS)):
            mentions = self.choose([[], [self.choose(ACCOUNTS)], ACCOUNTS])
            self.world.edit(self.choose(messages[-3:]), *mentions)

    def _delete(self) -> None:
        if messages := self.world.database.messages(self.choose(ROOMS)):
            self.world.delete(self.choose(messages[-3:]))

    def _mark_read(self) -> None:
        account, room = self.choose(ACCOUNTS), self.choose(ROOMS)
        if self.world.database.is_member(account, room):
            self.world.mark_read(account, room)

    def _remove(self) -> None:
        account, room = self.choose(ACCOUNTS), self.choose(ROOMS)
        if self.world.database.is_member(account, room):
            self.world.remove(account, room)

    def _publish(self) -> None:
        self.world.publish(self.choose(range(1, len(self.world.committed) + 1)))

    def _come_back(self) -> None:
        device: Device = self.choose(self.world.away)
        self.world.come_back(device)
        self.world.look(device)

    def end(self) -> None:
        self.world.come_to_rest()
        for device in list(self.world.devices):
            (self.world.leave if device.settled else self.world.forsake)(device)
        assert self.world.hub.people == 0
        self.world.sweep()
        self.world.sweep()
        assert len(self.world.hub.rooms) == 0
        assert self.world.hub.rooms.tail_events == 0


class Machine(RuleBasedStateMachine):
    """One rule: with a rule for each thing, hypothesis leaves most of them out of a run, and what
    is interesting takes many of them.
    """

    @initialize()
    def begin(self) -> None:
        self.fate = Fate(random.Random(0).choice)

    @rule(data=st.data())
    def strike(self, data: st.DataObject) -> None:
        self.fate.choose = lambda things: data.draw(st.sampled_from(things))
        self.fate.strike()

    def teardown(self) -> None:
        self.fate.end()


def test_in_any_order() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=150,
            stateful_step_count=60,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("first", range(0, 1_000, 250))
def test_at_random(first: int) -> None:
    """Less clever, and a hundred times as much in the same time."""
    for seed in range(first, first + 250):
        fate = Fate(random.Random(seed).choice)
        for _ in range(60):
            fate.strike()
        fate.end()
