"""The benchmark of live streams: all of it runs, what is lost is seen, and the most is found."""

import math
from types import SimpleNamespace
from typing import cast

import pytest

from loadtest import live
from loadtest.deployment import Deployment
from loadtest.live import SMALL, Pace, Sample, Show
from loadtest.live_publisher import Publish, Sent
from loadtest.live_viewers import Look, Seen
from loadtest.swarm import Violation
from loadtest.worker import started


async def test_a_stream_is_forwarded(deployment: Deployment) -> None:
    figures = await live.measure(deployment, SMALL)
    assert len({(figure.name, figure.unit) for figure in figures}) == len(figures)
    for figure in figures:
        assert figure.samples, figure
        assert all(math.isfinite(sample) for sample in figure.samples), figure
    by_unit = {
        (figure.name, figure.unit): figure for figure in figures
    }  # fmt: skip
    lost = [figure for (_, unit), figure in by_unit.items() if unit == "% lost"]
    assert len(lost) == len(SMALL.paces)
    assert all(sample == 0 for figure in lost for sample in figure.samples)
    costs = [figure for (_, unit), figure in by_unit.items() if unit == "us CPU a packet"]
    assert all(sample > 0 for figure in costs for sample in figure.samples)


def sample(rate: float, *, server: float = 0.5, loss: float = 0.0, late: float = 0.001) -> Sample:
    return Sample(int(rate), loss, 5.0, server, 0.5, rate, [late] * 200)


class Rising:
    """A show whose samples are known."""

    def __init__(self, *samples: Sample) -> None:
        self._samples = list(samples)
        self.rates: list[float] = []

    async def sample(self, burst: int, rate: float) -> Sample:
        self.rates.append(rate)
        return self._samples.pop(0)


@pytest.mark.parametrize(
    ("samples", "most"),
    [
        ([sample(2), sample(3, loss=0.01)], 2),
        ([sample(2), sample(3, late=0.2)], 2),
        ([sample(2), sample(3), sample(4, server=0.97)], 4),
        ([sample(2, loss=0.5)], 1),
    ],
    ids=["lost", "late", "a full core", "lost at once"],
)
async def test_the_most_is_found(samples: list[Sample], most: float) -> None:
    show = Rising(*samples)
    figures = await live._rise(cast(Show, show), Pace(1, 100, 10), sample(1))
    assert next(figure for figure in figures if figure.unit == "packets/s").samples == [most]
    assert show.rates == pytest.approx([100 * live.STEP ** (n + 1) for n in range(len(samples))])


class Told:
    """A worker whose outcomes are known."""

    def __init__(self, *outcomes: Sent | Seen) -> None:
        self._outcomes = list(outcomes)
        self.pid = 1

    async def ask(self, command: object, outcome: type) -> Sent | Seen:
        return self._outcomes.pop(0)


def seen(packets: int, *, lost: int = 0, connected: int = 2, forged: int = 0) -> Seen:
    return Seen(packets, lost, [0.001] * 10, forged, 1.0, connected)


@pytest.fixture
def no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SETTLE_SECONDS", 0)
    monkeypatch.setattr(live, "cpu_seconds", lambda pid: 1.0)


def show(after: Seen) -> Show:
    scale = SMALL._replace(viewers=2)
    publisher = Told(Sent(packets=100, seconds=1.0))
    viewers = Told(seen(0), after)
    return Show(
        cast(Deployment, SimpleNamespace(pid=1)), publisher, viewers, scale  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.usefixtures("no_time")
@pytest.mark.parametrize(
    ("after", "loss"),
    [(seen(200), 0.0), (seen(190), 0.05), (seen(200, lost=50), 0.2)],
    ids=["none", "the last ones", "in between"],
)
async def test_loss_is_seen(after: Seen, loss: float) -> None:
    assert (await show(after).sample(1, 100)).loss == pytest.approx(loss)


@pytest.mark.usefixtures("no_time")
@pytest.mark.parametrize(
    "after", [seen(200, connected=1), seen(200, forged=1)], ids=["one has gone", "one is forged"]
)
async def test_what_must_not_be_ends_it(after: Seen) -> None:
    with pytest.raises(Violation):
        await show(after).sample(1, 100)


async def test_a_worker_that_fails_is_a_violation() -> None:
    async with started("loadtest.live_publisher") as worker:
        with pytest.raises(Violation, match="has ended"):
            await worker.ask(Publish("http://127.0.0.1:1/none", "key"), Sent)


async def test_a_worker_answers() -> None:
    async with started("loadtest.live_viewers") as worker:
        outcome = await worker.ask(Look(), Seen)
    assert (outcome.packets, outcome.connected) == (0, 0)
