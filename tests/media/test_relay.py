"""Which peer a check is for, and what is flushed."""

import pytest

from media.ports import Path
from media.relay import GUESS_SECONDS, GUESSES, PATHS_OF_A_PEER, Relay
from media.timers import Timers
from tests.media.checks import EchoPeer, check


class Lane:
    """A path that leads nowhere."""

    def __init__(self, number: int) -> None:
        self.peer: object = None
        self.address = ("192.0.2.1", number)
        self.remote = f"udp 192.0.2.1:{number}"
        self.closed = False

    def close(self) -> None:
        self.peer = None
        self.closed = True


@pytest.fixture
def faults() -> list[Exception]:
    return []


@pytest.fixture
def relay(faults: list[Exception]) -> Relay:
    return Relay(Timers(), fault=faults.append)


def lane(peer: EchoPeer, number: int, relay: Relay) -> Lane:
    made = Lane(number)
    made.peer = peer
    relay.adopt(peer.as_peer, made)  # type: ignore[arg-type]
    return made


class TestPeers:
    def test_a_check_finds_the_peer_that_it_names(self, relay: Relay) -> None:
        one, other = EchoPeer("one1"), EchoPeer("othr")
        relay.add(one.as_peer)
        relay.add(other.as_peer)
        assert relay.peer_of_check(one.check()) is one
        assert relay.peer_of_check(other.check()) is other
        assert relay.peer_of_check(check("none", "p" * 22)) is None
        assert len(relay) == 2

    @pytest.mark.parametrize(
        "garbage", [b"", b"\x00", b"\x00\x01" + bytes(18), bytes(20), bytes(2_000), b"\x80" * 40]
    )
    def test_what_is_no_check_finds_nobody(self, relay: Relay, garbage: bytes) -> None:
        relay.add(EchoPeer().as_peer)
        assert relay.peer_of_check(garbage) is None

    def test_during_a_restart_both_fragments_are_the_peers(self, relay: Relay) -> None:
        peer = EchoPeer("old1")
        relay.add(peer.as_peer)
        peer.local_ufrags = ("new1", "old1")
        relay.restarted(peer.as_peer)
        assert relay.peer_of_check(check("new1", peer.pwd)) is peer
        assert relay.peer_of_check(check("old1", peer.pwd)) is peer
        peer.local_ufrags = ("new1",)
        relay.restarted(peer.as_peer)
        assert relay.peer_of_check(check("old1", peer.pwd)) is None

    def test_one_that_is_gone_is_found_no_more_and_its_paths_are_closed(self, relay: Relay) -> None:
        peer = EchoPeer()
        relay.add(peer.as_peer)
        paths = [lane(peer, number, relay) for number in range(3)]
        relay.remove(peer.as_peer)
        relay.remove(peer.as_peer)
        relay.restarted(peer.as_peer)
        assert relay.peer_of_check(peer.check()) is None
        assert all(path.closed for path in paths)
        assert (len(relay), relay.paths) == (0, 0)

    def test_a_path_that_is_another_peers_by_now_stays(self, relay: Relay) -> None:
        peer, heir = EchoPeer("old1"), EchoPeer("heir")
        relay.add(peer.as_peer)
        path = lane(peer, 1, relay)
        path.peer = heir
        relay.remove(peer.as_peer)
        assert not path.closed

    def test_a_path_of_one_that_is_gone_is_closed(self, relay: Relay) -> None:
        assert lane(EchoPeer(), 1, relay).closed
        assert relay.paths == 0


class TestGuesses:
    def test_after_so_many_that_were_wrong_no_more_are_looked_at_for_a_while(
        self, relay: Relay
    ) -> None:
        peer, other = EchoPeer(), EchoPeer("othr")
        relay.add(peer.as_peer)
        relay.add(other.as_peer)
        for number in range(GUESSES):
            assert not relay.is_guessed(peer.as_peer, 10.0)
            relay.guessed(peer.as_peer, 10.0 + number / 1_000)
        assert relay.is_guessed(peer.as_peer, 10.1)
        assert not relay.is_guessed(other.as_peer, 10.1)
        assert not relay.is_guessed(peer.as_peer, 10.0 + GUESS_SECONDS)
        relay.guessed(peer.as_peer, 10.0 + GUESS_SECONDS)
        assert not relay.is_guessed(peer.as_peer, 10.0 + GUESS_SECONDS)

    def test_a_few_now_and_then_do_no_harm(self, relay: Relay) -> None:
        peer = EchoPeer()
        relay.add(peer.as_peer)
        for number in range(10 * GUESSES):
            relay.guessed(peer.as_peer, number * 2.0 * GUESS_SECONDS / GUESSES)
        assert not relay.is_guessed(peer.as_peer, 20.0)

    def test_one_that_is_not_here(self, relay: Relay) -> None:
        gone = EchoPeer().as_peer
        relay.guessed(gone, 1.0)
        assert not relay.is_guessed(gone, 1.0)


class TestPaths:
    def test_a_peer_that_roams_keeps_the_last_addresses_and_the_one_in_use(
        self, relay: Relay
    ) -> None:
        peer = EchoPeer()
        relay.add(peer.as_peer)
        first = lane(peer, 0, relay)
        peer.path = _as_path(first)
        others = [lane(peer, number, relay) for number in range(1, 100)]
        assert relay.paths == PATHS_OF_A_PEER
        assert not first.closed
        assert [path.closed for path in others].count(False) == PATHS_OF_A_PEER - 1
        assert not others[-1].closed

    def test_those_that_were_closed_make_room(self, relay: Relay) -> None:
        peer = EchoPeer()
        relay.add(peer.as_peer)
        paths = [lane(peer, number, relay) for number in range(PATHS_OF_A_PEER)]
        paths[3].close()
        lane(peer, 99, relay)
        assert relay.paths == PATHS_OF_A_PEER
        assert [path for path in paths if path.closed] == [paths[3]]


class TestFlushes:
    def test_each_is_called_once_also_those_that_come_meanwhile(self, relay: Relay) -> None:
        called: list[tuple[str, float]] = []

        def first(now: float) -> None:
            called.append(("first", now))
            relay.flushes.append(second)

        def second(now: float) -> None:
            called.append(("second", now))

        relay.flushes.append(first)
        relay.flush(5.0)
        relay.flush(6.0)
        assert called == [("first", 5.0), ("second", 5.0)]

    def test_a_bug_in_one_is_told_and_not_the_end_of_the_others(
        self, relay: Relay, faults: list[Exception]
    ) -> None:
        called: list[float] = []

        def broken(now: float) -> None:
            raise ZeroDivisionError

        relay.flushes += [broken, called.append]
        relay.flush(1.0)
        assert called == [1.0]
        assert [type(fault) for fault in faults] == [ZeroDivisionError]


def _as_path(lane: Lane) -> Path:
    return lane  # type: ignore[return-value]
