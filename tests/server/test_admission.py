"""server/admission.py: who may connect, without a socket."""

import pytest

from protocol import close, errors
from protocol.ids import Id
from server.admission import Admission, NotAdmitted
from server.allowance import Allowance
from server.config import Config
from server.costs import REQUEST
from server.handshake import TurnedAway
from server.sections import Limits, Server

ADA, BOB = Id(1), Id(2)
HOME, WORK = "192.0.2.1", "192.0.2.2"


class Door:
    """An admission whose surroundings are set by hand. Chance is always a half."""

    def __init__(self, **limits: int) -> None:
        self.now = 100.0
        self.queued = 0
        self.admission = Admission(
            Config(limits=Limits(**limits), server=Server(trusted_proxies=["10.0.0.5"])),
            queued=lambda: self.queued,
            clock=lambda: self.now,
            chance=lambda: 0.5,
        )

    def enter(self, address: str = HOME) -> Allowance:
        answer = self.admission.admit(address, ())
        assert isinstance(answer, Allowance)
        return answer

    def turned_away(self, address: str = HOME) -> TurnedAway:
        answer = self.admission.admit(address, ())
        assert isinstance(answer, TurnedAway)
        return answer

    def hello(self, account: Id = ADA) -> Allowance:
        allowance = self.enter()
        self.admission.join(allowance, account)
        return allowance


class TestNetworks:
    def test_so_many_connections(self) -> None:
        door = Door(connections_per_ip=2)
        first, _ = door.enter(), door.enter()
        turned_away = door.turned_away()
        assert (turned_away.status, turned_away.retry_after) == (429, 3)
        door.enter(WORK)
        door.admission.leave(first)
        door.enter()
        door.turned_away()

    def test_so_many_connects_a_minute(self) -> None:
        door = Door(connects_per_ip_minute=6)
        for _ in range(6):
            door.admission.leave(door.enter())
        turned_away = door.turned_away()
        assert (turned_away.status, turned_away.retry_after) == (
            429,
            13,
        )  # 10 s, and some to spread
        door.enter(WORK)
        door.now += 10.0
        door.admission.leave(door.enter())
        door.turned_away()

    def test_one_that_is_turned_away_counts_for_nothing(self) -> None:
        door = Door(connections_per_ip=1, connects_per_ip_minute=60)
        first = door.enter()
        for _ in range(100):
            assert "connections" in door.turned_away().reason
        door.admission.leave(first)
        door.enter()

    def test_the_client_s_address_is_meant_and_not_the_proxy_s(self) -> None:
        admission = Door(connections_per_ip=1).admission
        answers = [
            admission.admit("10.0.0.5", [forwarded])
            for forwarded in (HOME, WORK, f"1.1.1.1, {HOME}")
        ]
        assert [isinstance(answer, Allowance) for answer in answers] == [True, True, False]

    def test_a_client_cannot_choose_its_address(self) -> None:
        admission = Door(connections_per_ip=1).admission
        answers = [admission.admit(HOME, [forged]) for forged in ("1.1.1.1", "2.2.2.2")]
        assert [isinstance(answer, Allowance) for answer in answers] == [True, False]

    def test_commands_of_one_address_share_a_bucket(self) -> None:
        door = Door(commands_per_ip_second=10)
        first, second = door.enter(), door.enter()
        assert [first.take(5.0) for _ in range(4)] == [0] * 4
        assert second.take(5.0) == pytest.approx(0.5)


class TestAccounts:
    def test_so_many_connections(self) -> None:
        door = Door(connections_per_account=2)
        first, _ = door.hello(), door.hello()
        with pytest.raises(NotAdmitted) as refusal:
            door.hello()
        assert refusal.value.spec is errors.TOO_MANY_CONNECTIONS
        assert refusal.value.retry_after == 3.0
        assert refusal.value.code.code == close.TOO_MANY_CONNECTIONS.code
        assert close.delay_of(refusal.value.code.reason) == 3.0
        door.hello(BOB)
        door.admission.leave(first)
        door.hello()

    def test_so_many_hellos_a_minute(self) -> None:
        door = Door(connects_per_account_minute=6)
        for _ in range(6):
            door.admission.leave(door.hello())
        with pytest.raises(NotAdmitted) as refusal:
            door.hello()
        assert refusal.value.spec is errors.RATE_LIMITED
        assert refusal.value.retry_after == 13.0
        assert refusal.value.code.code == close.RATE_LIMITED.code
        door.now += 10.0
        door.hello()

    def test_a_connection_that_was_refused_leaves_no_trace(self) -> None:
        door = Door(connections_per_account=1, connections_per_ip=2)
        first, second = door.hello(), door.enter()
        with pytest.raises(NotAdmitted):
            door.admission.join(second, ADA)
        door.admission.leave(second)
        door.admission.leave(first)
        door.hello()
        door.enter()
        assert door.admission.arriving == 1

    def test_rest_requests_draw_on_the_same_bucket(self) -> None:
        door = Door(commands_per_account_second=10)
        connection = door.hello()
        assert connection.take(20 - REQUEST) == 0
        door.admission.charge_account(ADA)
        with pytest.raises(errors.PlazaError) as refusal:
            door.admission.charge_account(ADA)
        assert refusal.value.spec is errors.RATE_LIMITED
        assert refusal.value.retry_after == pytest.approx(REQUEST / 10)
        assert connection.take(1.0) > 0
        door.admission.charge_account(BOB)

    def test_rest_requests_without_a_connection(self) -> None:
        door = Door(commands_per_account_second=0, commands_per_ip_second=10)
        for _ in range(4):
            door.admission.charge_network(HOME)
            door.admission.charge_account(ADA)
        with pytest.raises(errors.PlazaError):
            door.admission.charge_network(HOME)
        door.admission.charge_network(WORK)


class TestPressure:
    def test_newcomers_are_turned_away_while_the_log_is_behind(self) -> None:
        door = Door(log_queue=100)
        door.queued = 51
        turned_away = door.turned_away()
        assert (turned_away.reason, turned_away.status) == ("queue", 503)
        assert turned_away.retry_after == 3
        door.queued = 25
        door.enter()

    def test_while_too_many_arrive(self) -> None:
        door = Door(arriving=1)
        first, second = door.hello(), door.hello()
        assert door.turned_away().reason == "arriving"
        door.admission.arrived(first)
        door.admission.arrived(first)
        assert door.admission.arriving == 1
        door.admission.leave(second)  # which never was answered
        assert door.admission.arriving == 0
        door.enter()

    def test_while_the_loop_is_late(self) -> None:
        door = Door(loop_lag_ms=500)
        for _ in range(2):
            door.admission.pressure.lagged(0.6)
        assert door.turned_away().reason == "lag"


def test_who_is_turned_away_comes_back_spread() -> None:
    config = Config(limits=Limits(log_queue=2))
    delays = set()
    for chance in (0.0, 0.3, 0.6, 0.999):
        admission = Admission(config, queued=lambda: 2, chance=lambda chance=chance: chance)  # type: ignore[misc]
        answer = admission.admit(HOME, ())
        assert isinstance(answer, TurnedAway)
        delays.add(answer.retry_after)
    assert delays == {1, 3, 4, 5}


def test_without_limits_everybody_may_come() -> None:
    door = Door(
        connections_per_account=0,
        connects_per_account_minute=0,
        commands_per_account_second=0,
        arriving=0,
    )
    for _ in range(1_000):
        door.hello()
    door.admission.charge_account(ADA)
    door.admission.charge_network(HOME)
