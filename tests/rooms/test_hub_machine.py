"""Who listens to what: everything that can happen around a hub, in any order."""

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from protocol.ids import Id
from tests.rooms.world import ACCOUNTS, ROOMS, World


class Machine(RuleBasedStateMachine):
    """Everything that can happen, in any order."""

    @initialize()
    def begin(self) -> None:
        self.world = World()

    @rule(room=st.sampled_from(ROOMS))
    def write(self, room: Id) -> None:
        self.world.write(room)

    @rule(account=st.sampled_from(ACCOUNTS), room=st.sampled_from(ROOMS))
    def admit_or_promote(self, account: Id, room: Id) -> None:
        self.world.admit(account, room)

    @rule(account=st.sampled_from(ACCOUNTS), room=st.sampled_from(ROOMS))
    def remove(self, account: Id, room: Id) -> None:
        if self.world.database.is_member(account, room):
            self.world.remove(account, room)

    @rule(account=st.sampled_from(ACCOUNTS))
    def make_room(self, account: Id) -> None:
        self.world.make_room(account)

    @precondition(lambda self: self.world.committed)
    @rule()
    def publish(self) -> None:
        self.world.publish(1)

    @precondition(lambda self: len(self.world.devices) < 6)
    @rule(account=st.sampled_from(ACCOUNTS))
    def enter(self, account: Id) -> None:
        self.world.enter(account)

    @precondition(lambda self: self.world.arriving())
    @rule(choose=st.data())
    def look(self, choose: st.DataObject) -> None:
        self.world.look(choose.draw(st.sampled_from(self.world.arriving())))

    @precondition(lambda self: self.world.arriving(looked=True))
    @rule(choose=st.data())
    def settle(self, choose: st.DataObject) -> None:
        self.world.settle(choose.draw(st.sampled_from(self.world.arriving(looked=True))))

    @precondition(lambda self: self.world.arriving())
    @rule(choose=st.data())
    def forsake(self, choose: st.DataObject) -> None:
        self.world.forsake(choose.draw(st.sampled_from(self.world.arriving())))

    @precondition(lambda self: self.world.settled())
    @rule(choose=st.data())
    def leave(self, choose: st.DataObject) -> None:
        self.world.leave(choose.draw(st.sampled_from(self.world.settled())))

    @precondition(lambda self: self.world.asked)
    @rule()
    def fetch(self) -> None:
        self.world.fetch()

    @precondition(lambda self: self.world.read)
    @rule()
    def answer(self) -> None:
        self.world.answer()

    @rule()
    def flush(self) -> None:
        self.world.flush()

    @rule()
    def sweep(self) -> None:
        self.world.hub.sweep()

    @invariant()
    def each_event_is_encoded_once_for_each_format(self) -> None:
        for wire in self.world.formats:
            assert all(count == 1 for count in wire.encoded.values())

    def teardown(self) -> None:
        self.world.come_to_rest()
        for device in list(self.world.devices):
            (self.world.forsake if device.seqs is None else self.world.leave)(device)
        assert self.world.hub.people == 0
        self.world.hub.sweep()
        assert self.world.hub.rooms == 0


def test_in_any_order() -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=250,
            stateful_step_count=50,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
