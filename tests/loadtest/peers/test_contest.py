"""The contest goes on without whoever does what must not be, and says who it was."""

import asyncio
import math

import pytest

from loadtest.peers import clients
from loadtest.peers.command import BadScale, compared, scaled
from loadtest.peers.contest import Contest, Key
from loadtest.peers.contestant import ECHO, FAN_OUT, FLAT_OUT
from loadtest.peers.outcome import figures
from loadtest.peers.roster import UnknownPeer, chosen, everybody
from loadtest.peers.scale import FULL, SMALL
from tests.loadtest.peers import fakes
from tests.loadtest.peers.fakes import FakePeer

RATES = {"plaza": 600.0, "nats": 200.0}
SCALE = SMALL._replace(members=12, echoing=3, echoes=16, rounds=2)


async def contest(*peers: FakePeer, ended: asyncio.Event | None = None) -> Contest:
    held = Contest(peers, SCALE, lambda _: None)
    await held.run(ended or asyncio.Event())
    return held


async def test_a_round_has_every_sample_of_everybody() -> None:
    held = await contest(FakePeer("plaza"), FakePeer("other"))
    assert held.violations == []
    assert len(held.rounds) == SCALE.rounds
    for samples in held.rounds:
        works = {(key.work, key.measure) for key in samples if key.peer == "other"}
        assert works == {(key.work, key.measure) for key in samples if key.peer == "plaza"}
        assert {work for work, _ in works} == {"", FLAT_OUT, *FAN_OUT, *ECHO}
        assert all(math.isfinite(value) for value in samples.values())


async def test_who_loses_something_is_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "PATIENCE", 0.5)
    # The first sample ends with message 128: it is there, the second one is not.
    held = await contest(FakePeer("plaza"), FakePeer("bad", fakes.loses, at=130))
    assert [text.partition(": ")[0] for text in held.violations] == ["bad"]
    of_bad = [key.work for samples in held.rounds for key in samples if key.peer == "bad"]
    assert of_bad == ["", "1 at once"]
    assert all(Key("plaza", FLAT_OUT, "delivered.rate") in samples for samples in held.rounds)


async def test_who_doubles_the_last_of_all_is_seen_at_the_end() -> None:
    last = 64 + len(FAN_OUT) * SCALE.messages + SCALE.flat_out - 1
    held = await contest(FakePeer("bad", fakes.doubles, at=last))
    (words,) = held.violations
    assert f"Delivery {last} came again" in words


async def test_who_does_not_start_is_out() -> None:
    class Broken(FakePeer):
        def launched(self, _: int, /) -> None:
            raise OSError("No such program.")

    held = await contest(FakePeer("plaza"), Broken("broken"))
    assert held.violations == ["broken: No such program."]


async def test_what_was_found_until_it_is_ended() -> None:
    ended = asyncio.Event()

    def progress(text: str) -> None:
        if "flat out" in text:
            ended.set()

    held = Contest([FakePeer("plaza")], SCALE, progress)
    await held.run(ended)
    assert held.interrupted
    assert {key.work for key in held.rounds[0]} >= {"", *FAN_OUT}
    assert len(held.rounds) == 1


async def test_the_report_names_who_is_not_installed() -> None:
    told: list[str] = []
    absent = FakePeer("absent", installed=False)
    report = await compared(
        [FakePeer("plaza"), absent],
        SCALE._replace(rounds=1),
        ended=asyncio.Event(),
        progress=lambda _: None,
        tell=told.append,
    )
    assert told == ["absent is not installed. It is here."]
    assert report.server == {"plaza": "1.0", "absent": "not installed. It is here."}
    assert report.holds
    assert report.figures
    assert not any("absent" in figure.name for figure in report.figures)


def test_ratios_are_those_of_each_round() -> None:
    cost = "server.us_per_delivery"
    rounds = [
        {Key("plaza", "4 at once", cost): 1.0, Key("nats", "4 at once", cost): 2.0},
        {Key("plaza", "4 at once", cost): 3.0, Key("nats", "4 at once", cost): 2.0},
        {Key("plaza", "4 at once", cost): 5.0},
    ]
    found = {figure.name: figure for figure in figures(rounds)}
    assert found["plaza, 4 at once: server.us_per_delivery"].samples == [1.0, 3.0, 5.0]
    ratio = found["plaza / nats, 4 at once: server.us_per_delivery"]
    assert (ratio.samples, ratio.unit) == ([0.5, 1.5], "x")


def test_the_ratio_of_rates_has_a_name_of_its_own() -> None:
    rates = {Key(peer, FLAT_OUT, "delivered.rate"): value for peer, value in RATES.items()}
    (_, _, ratio) = figures([rates])
    assert ratio.name == "plaza / nats, flat out: delivered.times"
    assert (ratio.samples, ratio.unit) == ([3.0], "x")


def test_memory_that_did_not_grow_is_no_divisor() -> None:
    rounds = [{Key("plaza", "", "server.growth"): 7.0, Key("nats", "", "server.growth"): 0.0}]
    assert {figure.name for figure in figures(rounds)} == {
        "plaza: server.growth",
        "nats: server.growth",
    }


def test_plaza_takes_part_in_any_case() -> None:
    assert [peer.name for peer in chosen(["NATS"])] == ["plaza", "nats"]
    assert [peer.name for peer in chosen()] == [peer.name for peer in everybody()]


def test_a_peer_that_there_is_not() -> None:
    with pytest.raises(UnknownPeer, match=r"no peer 'nginx'\. There are: plaza, uWebSockets"):
        chosen(["nginx"])


def test_nothing_can_be_measured() -> None:
    with pytest.raises(BadScale, match="at least 1 is needed"):
        scaled(FULL, rounds=0, members=None)
    with pytest.raises(BadScale, match="at least 11 are needed"):
        scaled(FULL, rounds=None, members=10)
    assert scaled(FULL, rounds=2, members=50) == FULL._replace(rounds=2, members=50)
