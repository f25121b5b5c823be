"""What every observer has been told is what is true, whatever happens in whatever order."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from protocol.ids import Id
from tests.presence.devices import AWAY, ONLINE
from tests.presence.world import ACCOUNTS, GRACE, ROOMS, World

accounts = st.sampled_from(ACCOUNTS)
rooms = st.sampled_from(ROOMS)


class Machine(RuleBasedStateMachine):
    @initialize(
        members=st.sets(st.tuples(accounts, rooms), min_size=3),
        blocks=st.sets(st.tuples(accounts, accounts), max_size=2),
        here=st.lists(accounts, max_size=5),
    )
    def begin(
        self, members: set[tuple[Id, Id]], blocks: set[tuple[Id, Id]], here: list[Id]
    ) -> None:
        self.world = World()
        for account, room in sorted(members):
            self.world.join(account, room)
        for account, other in blocks:
            self.world.people[account].blocked |= {other} - {account}
        for account in here:
            self.world.greet(self.world.arrive(account, 0))
        self.world.flush()

    @precondition(lambda self: len(self.world.devices) < 6)
    @rule(account=accounts, format=st.integers(0, 1), at_once=st.sampled_from([True, True, False]))
    def arrive(self, account: Id, format: int, at_once: bool) -> None:
        device = self.world.arrive(account, format)
        if at_once:
            self.world.greet(device)

    @precondition(lambda self: any(not device.ready for device in self.world.devices))
    @rule(choose=st.data())
    def greet(self, choose: st.DataObject) -> None:
        waiting = [device for device in self.world.devices if not device.ready]
        self.world.greet(choose.draw(st.sampled_from(waiting)))

    @precondition(lambda self: self.world.devices)
    @rule(choose=st.data())
    def leave(self, choose: st.DataObject) -> None:
        self.world.leave(choose.draw(st.sampled_from(self.world.devices)))

    @precondition(lambda self: self.world.devices)
    @rule(choose=st.data(), state=st.sampled_from([ONLINE, AWAY]))
    def use(self, choose: st.DataObject, state: object) -> None:
        self.world.use(choose.draw(st.sampled_from(self.world.devices)), state)

    @precondition(lambda self: self.world.devices)
    @rule(choose=st.data(), slow=st.booleans())
    def slow_down_or_catch_up(self, choose: st.DataObject, slow: bool) -> None:
        device = choose.draw(st.sampled_from(self.world.devices))
        device.slow = slow
        self.world.told_twice_allowed.add(device)

    @rule(account=accounts, room=rooms)
    def join_or_part(self, account: Id, room: Id) -> None:
        if room in self.world.people[account].rooms:
            self.world.part(account, room)
        else:
            self.world.join(account, room)

    @precondition(lambda self: self.world.devices)
    @rule(choose=st.data(), watched=st.sets(accounts, min_size=1, max_size=3))
    def watch(self, choose: st.DataObject, watched: set[Id]) -> None:
        self.world.watch(choose.draw(st.sampled_from(self.world.devices)), watched)

    @precondition(lambda self: any(self.world.watched.values()))
    @rule(choose=st.data())
    def unwatch(self, choose: st.DataObject) -> None:
        self.world.flush()  # what a client does with what it has not read yet is its own business
        watching = [device for device, watched in self.world.watched.items() if watched]
        device = choose.draw(st.sampled_from(watching))
        account = choose.draw(st.sampled_from(sorted(self.world.watched[device])))
        self.world.told_twice_allowed.add(device)
        self.world.unwatch(device, account)

    @rule(account=accounts, busy=st.booleans(), hidden=st.booleans())
    def set(self, account: Id, busy: bool, hidden: bool) -> None:
        self.world.set(account, busy=busy, hidden=hidden)

    @rule(account=accounts, other=accounts)
    def block_or_unblock(self, account: Id, other: Id) -> None:
        if other in self.world.people[account].blocked:
            self.world.unblock(account, other)
        elif account != other:
            self.world.block(account, other)

    @rule(milliseconds=st.sampled_from([1_000, GRACE]))
    def flush(self, milliseconds: int) -> None:
        self.world.flush(milliseconds)
        self.world.check()

    @rule()
    def flush_again(self) -> None:
        self.flush(1_000)

    def teardown(self) -> None:
        world = self.world
        for device in world.devices:
            device.slow = False
        world.flush()
        world.check()
        for device in tuple(world.devices):
            world.leave(device)
        world.flush(GRACE)
        assert not world.table.states()
        assert not world.table.waiting


def test_in_any_order() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=300,
            stateful_step_count=50,
            deadline=None,
            derandomize=True,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
