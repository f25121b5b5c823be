"""Which checks are valid, where media goes, and what is forgotten when."""

from typing import Any, cast

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from media.description import IceCredentials
from media.ice import PATHS, SILENCE, IceLite
from media.peer import Peer
from tests.media.transport import CHECKS, LOCAL, WirePath, check

NEXT = IceCredentials("next", "the next one's password")
SOMEBODY = cast(Peer, object())


class Agent:
    """The lite agent under test, and the paths by which it hears."""

    def __init__(self) -> None:
        self.ice = IceLite(LOCAL, 0.0)
        self.paths: list[WirePath] = []

    def path(self) -> WirePath:
        path = WirePath(port=5000 + len(self.paths))
        self.paths.append(path)
        return path

    def check(self, path: WirePath, now: float = 1.0, **options: Any) -> bool:
        valid = self.ice.receive(check(**options), path, now)
        if valid:
            path.peer = SOMEBODY
        return valid


def answer_of(path: WirePath) -> stun.Message:
    (data,) = path.take()
    return stun.parse_message(data)


@pytest.mark.parametrize("name", CHECKS)
def test_checks_of_real_agents_are_answered_and_nominate(name: str) -> None:
    agent = Agent()
    path = agent.path()
    for data in CHECKS[name]:
        assert agent.ice.receive(data, path, 1.0)
        path.peer = SOMEBODY
        answer = answer_of(path)
        assert answer.attributes["XOR-MAPPED-ADDRESS"] == path.address
        assert answer.check_message_integrity(LOCAL.pwd.encode())
    assert agent.ice.path is path
    assert agent.ice.valid == len(CHECKS[name])
    assert agent.ice.checked == 1.0


def test_a_check_without_a_nomination_does_not_move_media() -> None:
    agent = Agent()
    path = agent.path()
    assert agent.check(path, nominate=False)
    assert agent.ice.path is None
    assert agent.ice.way is path
    assert agent.ice.paths == (path,)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (check(IceCredentials(LOCAL.ufrag, "a wrong password")), 401),
        (check(IceCredentials("nobody", LOCAL.pwd)), 401),
        (check(USERNAME=None), 400),
        (check(ICE_CONTROLLING=None, ICE_CONTROLLED=7), 487),
    ],
)
def test_what_is_not_in_order_is_refused_with_a_code(data: bytes, code: int) -> None:
    agent = Agent()
    path = agent.path()
    assert not agent.ice.receive(data, path, 1.0)
    answer = answer_of(path)
    assert answer.error_code == code
    # Who is in the wrong role has shown the password, and is told so that it can believe it.
    assert answer.check_message_integrity(LOCAL.pwd.encode()) is (code == 487)
    assert (agent.ice.paths, agent.ice.path) == ((), None)
    assert (agent.ice.valid, agent.ice.refused, agent.ice.checked) == (0, 1, 0.0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 20,
        check()[:-1] + bytes([check()[-1] ^ 1]),
        b"\x00\x11" + check()[2:],  # an indication
        b"\x01\x01" + check()[2:],  # an answer, though nothing was asked
    ],
)
def test_what_is_no_check_gets_no_answer(data: bytes) -> None:
    agent = Agent()
    path = agent.path()
    assert not agent.ice.receive(data, path, 1.0)
    assert path.sent == []


def test_media_follows_a_nomination_to_another_network_at_once() -> None:
    agent = Agent()
    wifi, cellular = agent.path(), agent.path()
    agent.check(wifi, priority=2000)
    agent.check(cellular, priority=1000)
    assert agent.ice.path is cellular
    # And back.
    agent.check(wifi, priority=2000)
    assert agent.ice.path is wifi


def test_media_follows_a_second_nomination_back_to_a_network_of_lower_priority() -> None:
    agent = Agent()
    wifi, cellular = agent.path(), agent.path()
    for path, priority in ((cellular, 1000), (wifi, 2000), (cellular, 1000)):
        agent.check(path, priority=priority)
    assert agent.ice.path is wifi
    agent.check(cellular, priority=1000)
    assert agent.ice.path is cellular


def test_media_stays_where_the_priority_is_highest_if_all_paths_are_nominated() -> None:
    agent = Agent()
    udp, tcp, ipv6 = agent.path(), agent.path(), agent.path()
    seen = []
    for now in range(10):
        for path, priority in ((udp, 2000), (tcp, 1000), (ipv6, 3000)):
            agent.check(path, float(now), priority=priority)
        seen.append(agent.ice.path)
    assert seen == [ipv6] * 10


def test_after_silence_any_valid_check_says_where_the_peer_is() -> None:
    agent = Agent()
    before, after = agent.path(), agent.path()
    agent.check(before, 1.0)
    agent.check(after, 1.0 + SILENCE, nominate=False)
    assert agent.ice.path is before
    agent.check(after, 1.1 + SILENCE, nominate=False)
    assert agent.ice.path is after


def test_a_path_that_has_ended_is_not_used_any_more() -> None:
    agent = Agent()
    tcp, udp = agent.path(), agent.path()
    agent.check(udp, 1.0)
    agent.check(tcp, 2.0)
    assert agent.ice.path is tcp
    tcp.close()  # by the other end
    agent.check(udp, 3.0, nominate=False)
    assert agent.ice.path is udp
    assert agent.ice.paths == (udp,)
    agent.ice.lose(udp)
    assert agent.ice.path is None


def test_paths_are_bounded_and_the_nominated_one_stays() -> None:
    agent = Agent()
    nominated = agent.path()
    agent.check(nominated, 0.0)
    for number in range(50):
        agent.check(agent.path(), 1.0 + number * 0.1, nominate=False)
    assert len(agent.ice.paths) == PATHS
    assert agent.ice.path is nominated
    assert agent.ice.paths == (nominated, *agent.paths[-PATHS + 1 :])
    assert [path.closes for path in agent.paths] == [0] + [1] * (51 - PATHS) + [0] * (PATHS - 1)


def test_paths_that_were_silent_for_long_are_left() -> None:
    agent = Agent()
    nominated, old, young = agent.path(), agent.path(), agent.path()
    agent.check(nominated, 1.0)
    agent.check(old, 2.0, nominate=False)
    agent.check(young, 3.0, nominate=False)
    agent.ice.expire(2.5)
    assert agent.ice.paths == (nominated, young)
    assert (nominated.closes, old.closes, young.closes) == (0, 1, 0)


def test_a_restart_takes_both_credentials_until_the_new_ones_are_used() -> None:
    agent = Agent()
    before, after = agent.path(), agent.path()
    agent.check(before, priority=2000)
    agent.ice.restart(NEXT, 2.0)
    assert set(agent.ice.local_ufrags) == {LOCAL.ufrag, NEXT.ufrag}
    assert agent.ice.checked == 2.0

    assert agent.check(before, 3.0, nominate=False)
    assert len(agent.ice.local_ufrags) == 2

    assert agent.check(after, 4.0, local=NEXT, nominate=False)
    assert agent.ice.local_ufrags == (NEXT.ufrag,)
    assert agent.ice.path is before, "media goes on until something is nominated"
    assert answer_of(after).check_message_integrity(NEXT.pwd.encode())

    before.take()
    assert not agent.check(before, 5.0)
    assert answer_of(before).error_code == 401

    assert agent.check(after, 6.0, local=NEXT, priority=1000)
    assert agent.ice.path is after, "whatever the former priorities were"


def test_a_forged_check_does_not_end_a_restart() -> None:
    agent = Agent()
    agent.ice.restart(NEXT, 2.0)
    assert not agent.check(agent.path(), local=IceCredentials(NEXT.ufrag, "a guess"))
    assert len(agent.ice.local_ufrags) == 2


def test_of_two_restarts_the_second_one_counts() -> None:
    agent = Agent()
    agent.ice.restart(IceCredentials("lost", "never arrived"), 2.0)
    agent.ice.restart(NEXT, 3.0)
    assert set(agent.ice.local_ufrags) == {LOCAL.ufrag, NEXT.ufrag}
    assert not agent.check(agent.path(), local=IceCredentials("lost", "never arrived"))
    assert agent.check(agent.path(), local=LOCAL)
    assert agent.check(agent.path(), local=NEXT)
    assert agent.ice.local_ufrags == (NEXT.ufrag,)


def test_the_end_leaves_all_paths() -> None:
    agent = Agent()
    for _ in range(3):
        agent.check(agent.path())
    agent.ice.close()
    assert (agent.ice.path, agent.ice.paths) == (None, ())
    assert [path.closes for path in agent.paths] == [1, 1, 1]


STEPS = st.tuples(
    st.integers(0, 11),  # which path
    st.booleans(),  # nominates
    st.integers(0, 3),  # priority
    st.floats(0, 20),  # later
    st.sampled_from(["check", "check", "check", "lose", "ended", "restart", "expire"]),
)


@given(st.lists(STEPS, max_size=60))
def test_whatever_happens_the_paths_are_bounded_and_media_goes_to_one_of_them(
    steps: list[tuple[int, bool, int, float, str]],
) -> None:
    agent = Agent()
    paths = [agent.path() for _ in range(12)]
    credentials = LOCAL
    now = restarts = 0.0
    for index, nominates, priority, later, what in steps:
        now += later
        path = paths[index]
        if what == "check":
            known = path in agent.ice.paths
            assert agent.check(path, now, local=credentials, nominate=nominates, priority=priority)
            assert path in agent.ice.paths
            if nominates and not known:
                assert agent.ice.path is path
        elif what == "lose":
            agent.ice.lose(path)
        elif what == "ended":
            path.close()
        elif what == "restart":
            restarts += 1
            credentials = IceCredentials(f"restart{restarts}", "a password of some length")
            agent.ice.restart(credentials, now)
        else:
            agent.ice.expire(now - 30)
        assert len(agent.ice.paths) <= PATHS
        assert agent.ice.path is None or agent.ice.path in agent.ice.paths
        assert len(agent.ice.local_ufrags) <= 2
