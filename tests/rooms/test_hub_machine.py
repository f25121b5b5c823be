"""Everything that can happen around a hub, in any order: devices come and go with their cursors,
commits are published late, reads of the database end late, rooms are joined and lost.

In the end every device has what a fresh load shows: the same list of rooms, with the same counts,
and the same logs, without a hole and without a double.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from protocol.ids import Id
from tests.rooms.world import ACCOUNTS, ROOMS, Device, World

T = TypeVar("T")

DEVICES = 5


class Machine(RuleBasedStateMachine):
    """One rule, which does one of the things that can be done: with a rule for each, hypothesis
    leaves most of them out of a run, and what is interesting takes many of them.
    """

    @initialize()
    def begin(self) -> None:
        self.world = World()
        for account in ACCOUNTS[:2]:
            for room in ROOMS:
                self.world.admit(account, room)

    @rule(data=st.data())
    def step(self, data: st.DataObject) -> None:
        self._data = data
        world = self.world
        settled, arriving, looked = world.settled(), world.arriving(), world.arriving(looked=True)
        room_left = len(world.devices) < DEVICES
        possible: list[tuple[int, Callable[[], None], object]] = [
            (6, self.write, True),
            (4, self.edit, True),
            (4, self.delete, True),
            (1, self.rename, True),
            (3, self.mark_read, True),
            (2, self.admit, True),
            (2, self.remove, True),
            (1, self.make_room, len(world.database.logs) < 5),
            (12, self.publish, world.committed),
            (2, self.enter, room_left),
            (8, self.come_back, world.away and room_left),
            (4, lambda: world.look(self.one_of(arriving)), arriving),
            (12, lambda: world.settle(self.one_of(looked)) and None, looked),
            (8, lambda: world.catch_up(self.one_of(world.behind())), world.behind()),
            (1, lambda: world.forsake(self.one_of(arriving)), arriving),
            (4, lambda: world.leave(self.one_of(settled)), settled),
            (8, world.fetch, world.asked),
            (6, world.answer, world.read),
            (2, world.flush, world.awake),
            (1, world.sweep, True),
        ]
        self.one_of([do for weight, do, can in possible if can for _ in range(weight)])()

    def one_of(self, things: Sequence[T]) -> T:
        return self._data.draw(st.sampled_from(things))

    def some_accounts(self) -> list[Id]:
        return self._data.draw(st.lists(st.sampled_from(ACCOUNTS), unique=True, max_size=2))

    def write(self) -> None:
        room = self.one_of(ROOMS)
        if members := [a for a in ACCOUNTS if self.world.database.is_member(a, room)]:
            for _ in range(self.one_of([1, 1, 2, 4])):
                self.world.write(room, self.one_of(members), *self.some_accounts())

    def edit(self) -> None:
        if messages := self.world.database.messages(self.one_of(ROOMS)):
            self.world.edit(self.one_of(messages[-3:]), *self.some_accounts())

    def delete(self) -> None:
        if messages := self.world.database.messages(self.one_of(ROOMS)):
            self.world.delete(self.one_of(messages[-3:]))

    def rename(self) -> None:
        self.world.rename(self.one_of(ROOMS))

    def mark_read(self) -> None:
        account, room = self.one_of(ACCOUNTS), self.one_of(ROOMS)
        if self.world.database.is_member(account, room):
            self.world.mark_read(account, room)

    def admit(self) -> None:
        self.world.admit(self.one_of(ACCOUNTS), self.one_of(ROOMS))

    def remove(self) -> None:
        account, room = self.one_of(ACCOUNTS), self.one_of(ROOMS)
        if self.world.database.is_member(account, room):
            self.world.remove(account, room)

    def make_room(self) -> None:
        self.world.make_room(self.one_of(ACCOUNTS))

    def publish(self) -> None:
        self.world.publish(self.one_of(range(1, len(self.world.committed) + 1)))

    def enter(self) -> None:
        self.world.enter(self.one_of(ACCOUNTS))

    def come_back(self) -> None:
        device: Device = self.one_of(self.world.away)
        self.world.come_back(device)
        self.world.look(device)

    def teardown(self) -> None:
        self.world.come_to_rest()
        for device in list(self.world.devices):
            (self.world.leave if device.settled else self.world.forsake)(device)
        assert self.world.hub.people == 0
        self.world.sweep()
        self.world.sweep()
        assert len(self.world.hub.rooms) == 0
        assert self.world.hub.rooms.tail_events == 0


def test_in_any_order() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=300,
            stateful_step_count=80,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
