"""Reports as runs make them, but made up: the same ones every time."""

import math
import random
from collections.abc import Iterable
from functools import cache

import msgspec
from hdrh.histogram import HdrHistogram

from loadtest.figures import Budget, Environment, Figure
from loadtest.report.model import Judgement, Moment, Report, Span
from loadtest.scenario import Happening, Load, Mix, Rooms, Scenario, Slow

ENVIRONMENT = Environment(
    processor="Example Processor 3000 @ 2.4 GHz",
    cores=2,
    system="Linux 6.12.0",
    python="3.11.7",
    libraries={"plaza": "0.1.0", "uvloop": "0.23.0", "websockets": "17.4", "msgspec": "0.22.0"},
)


def latencies(seed: int, count: int, middle: float, tail: float) -> list[float]:
    """Milliseconds, as from a server: most near the middle, some far beyond."""
    chance = random.Random(seed)
    found = [middle * math.exp(chance.gauss(0, 0.35)) for _ in range(count)]
    late = [middle + tail * chance.expovariate(1) for _ in range(count // 60)]
    return found + late


def histogram(milliseconds: Iterable[float]) -> str:
    """As a report has it."""
    counted = HdrHistogram(1, 60_000_000, 3)
    for one in milliseconds:
        counted.record_value(int(one * 1000))
    return str(counted.encode().decode())


def percentiles(milliseconds: list[float]) -> dict[str, float]:
    ordered = sorted(milliseconds)
    places = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
    found = {name: ordered[int(share * (len(ordered) - 1))] for name, share in places.items()}
    return {**found, "max": ordered[-1]}


def moments(
    run: str, begin: float, seconds: int, *, rate: float, middle: float, killed: int = -9
) -> list[Moment]:
    """A ramp of five seconds, then work; perhaps a second in which the server is killed."""
    found = []
    for second in range(seconds):
        chance = random.Random(f"{run} {second}")
        load = min(1.0, (second + 1) / 5)
        slow = 12.0 if killed < second <= killed + 2 else 1.0
        gone = second == killed
        sent = rate * load * chance.uniform(0.96, 1.04)
        heard = 0.0 if gone else sent * 49
        took = latencies(second, 300, middle * slow * (0.8 + 0.4 * load), 8 * middle * slow)
        answered = latencies(second + 1000, 200, middle * slow * 0.7, 4 * middle * slow)
        found.append(
            Moment(
                at=begin + second + 1,
                run=run,
                users=0 if gone else round(500 * load),
                rates={
                    "due": rate * load,
                    "sent": sent,
                    "acknowledged": 0.0 if gone else sent,
                    "delivered": heard,
                    "connects": 100.0 if second < 5 else 0.0,
                    "reconnects": 500.0 if second == killed + 1 else 0.0,
                    "dropped": 500.0 if gone else 0.0,
                    "bytes": heard * 210,
                },
                errors={"unavailable": 38.0} if gone else {"rate_limited": float(second % 7 == 3)},
                latencies={}
                if gone
                else {"delivery": percentiles(took), "ack": percentiles(answered)},
                server_cpu=None if gone else min(0.99, 0.12 + sent * 49 / 62_000),
                postgres_cpu=None if gone else 0.05 + sent / 9_000,
                server_rss=None if gone else int((92 + 4.5 * load + second * 0.05) * 2**20),
                clients_cpu=0.1 + heard / 90_000,
            )
        )
    return found


def faults(prefix: str = "", **found: int) -> list[Figure]:
    names = ("lost", "doubled", "disordered", "late", "forged", "errors", "unanswered", "dropped")
    return [
        Figure(name=f"{prefix}{name}", unit="", samples=[float(found.get(name, 0))] * 3)
        for name in names
    ]


def figures(variant: str, middle: float, rate: float) -> list[Figure]:
    """Three repetitions of a variant."""
    prefix = f"{variant}: " if variant else ""
    chance = random.Random(variant)

    def figure(name: str, unit: str, value: float, budget: Budget | None = None) -> Figure:
        samples = [value * chance.uniform(0.93, 1.07) for _ in range(3)]
        return Figure(name=prefix + name, unit=unit, samples=samples, budget=budget)

    return [
        figure("delivery.p50", "ms", middle),
        figure("delivery.p90", "ms", middle * 1.6),
        figure("delivery.p99", "ms", middle * 4),
        figure("delivery.p999", "ms", middle * 11),
        figure("delivery.max", "ms", middle * 21),
        figure("delivery.count", "", rate * 49 * 30),
        figure("ack.p50", "ms", middle * 0.7),
        figure("ack.p99", "ms", middle * 2.4, Budget("at most", 25)),
        figure("ack.count", "", rate * 30),
        figure("sent", "", rate * 30),
        figure("sent.rate", "/s", rate),
        figure("acknowledged.rate", "/s", rate),
        figure("delivered.rate", "/s", rate * 49),
        *faults(prefix),
        Figure(name=f"{prefix}users.max", unit="", samples=[500.0] * 3),
        figure("server.cpu", "cores", 0.42),
        figure("server.rss", "MiB", 97),
        figure("server.us_per_delivery", "us", 3.1, Budget("at most", 2.9)),
        figure("postgres.cpu", "cores", 0.11),
        figure("clients.cpu", "cores", 0.37),
    ]


@cache
def slow_reader() -> Report:
    """Two variants, three times each, in turns; all holds but a budget."""
    scenario = Scenario(
        question="Does a member who stops reading slow the others down?",
        about="500 people in rooms of 50 talk at a fixed rate. In the second variant, five of them "
        "stop reading: what they do not take in has to wait for them alone.",
        load=Load(users=500, rate=200, duration=25),
        rooms=Rooms(members=50),
        mix=Mix(message=1),
        slow=Slow(users=5),
        repeat=3,
        thresholds=["lost <= 0", "doubled <= 0", "disordered <= 0"],
    )
    found: list[Moment] = []
    spans: list[Span] = []
    for turn in range(3):
        for place, variant in enumerate(("all read", "one does not read")):
            run = f"{variant} {turn + 1}"
            begin = (2 * turn + place) * 33.0
            found += moments(run, begin, 30, rate=200, middle=1.9 + 0.15 * place)
            spans.append(Span(name=run, begin=begin, end=begin + 30))
            spans.append(Span(name="ramp", begin=begin, end=begin + 5))
    return Report(
        question=scenario.question,
        name="does-a-slow-reader-hurt-others",
        command="plaza loadtest run does-a-slow-reader-hurt-others --users 500 --rate 200",
        began="2026-05-04T10:12:31Z",
        seconds=198.4,
        environment=ENVIRONMENT,
        server={"url": "http://127.0.0.1:41523", "version": "0.1.0", "started": "by the harness"},
        scenario=msgspec.to_builtins(scenario),
        figures=[
            *figures("all read", 1.9, 200),
            *figures("one does not read", 2.05, 200),
        ],
        histograms={
            f"{variant}: {kind}": histogram(latencies(seed, 8_000, middle, 9 * middle))
            for seed, (variant, kind, middle) in enumerate(
                (variant, kind, middle * factor)
                for variant, middle in (("all read", 1.9), ("one does not read", 2.05))
                for kind, factor in (("delivery", 1.0), ("ack", 0.7))
            )
        },
        moments=found,
        spans=spans,
        judgements=[
            Judgement(rule="lost <= 0", found=0, holds=True),
            Judgement(rule="doubled <= 0", found=0, holds=True),
            Judgement(
                rule="one does not read: delivery.p99 <= 1.5 x all read: delivery.p99",
                found=8.2,
                holds=True,
            ),
            Judgement(
                rule="all read: server.us_per_delivery <= 2.9",
                found=3.11,
                holds=False,
                kind="budget",
            ),
        ],
    )


@cache
def killed() -> Report:
    """One variant, once: the server is killed, something is lost, and it was interrupted."""
    scenario = Scenario(
        question="Does kill -9 lose anything that was acknowledged?",
        about="500 people talk; in the middle of it the server gets SIGKILL and is started again.",
        load=Load(users=500, rate=300, duration=40),
        mix=Mix(message=1),
        happenings=[Happening(at=13, do="kill")],
        thresholds=["lost <= 0", "delivery.p99 <= 250"],
    )
    delivery = latencies(1, 12_000, 2.1, 90)
    return Report(
        question=scenario.question,
        name="does-kill-9-lose-anything",
        command="plaza loadtest run does-kill-9-lose-anything",
        began="2026-05-04T11:00:02Z",
        seconds=47.1,
        environment=ENVIRONMENT,
        server={"url": "http://127.0.0.1:41523", "version": "0.1.0"},
        scenario=msgspec.to_builtins(scenario),
        figures=[
            *(
                msgspec.structs.replace(figure, samples=figure.samples[:1])
                for figure in figures("", 2.1, 300)
                if figure.name not in {"lost", "late", "errors"}
            ),
            Figure(name="lost", unit="", samples=[2]),
            Figure(name="late", unit="", samples=[1204]),
            Figure(name="errors", unit="", samples=[44]),
        ],
        histograms={
            "delivery": histogram(delivery),
            "ack": histogram(latencies(2, 3_000, 1.5, 40)),
            "back": histogram(latencies(3, 500, 900, 2000)),
        },
        moments=moments("", 0, 46, rate=300, middle=2.1, killed=18),
        spans=[
            Span(name="ramp", begin=0, end=5),
            Span(name="kill", begin=18, end=20.9),
        ],
        judgements=[
            Judgement(rule="lost <= 0", found=2, holds=False),
            Judgement(rule="doubled <= 0", found=0, holds=True),
            Judgement(rule="delivery.p99 <= 250", found=None, holds=False),
        ],
        violations=[
            "room 7134: user 210 has 40, then 43: 2 events are missing that were acknowledged",
        ],
        interrupted=True,
    )


@cache
def peers() -> Report:
    """No moments and no histograms: other servers beside Plaza."""
    found = [
        ("plaza", 6.9, 92_000, 9.4),
        ("uWebSockets", 6.3, 99_000, 4.1),
        ("nchan", 8.8, 71_000, 12.9),
        ("NATS", 10.2, 64_000, 41.0),
        ("websockets", 21.5, 31_000, 27.4),
        ("socket.io", 34.1, 19_000, 33.8),
    ]
    return Report(
        question="What does a delivery cost here, and what elsewhere?",
        name="peers",
        command="plaza loadtest peers",
        began="2026-05-04T12:00:00Z",
        seconds=312.0,
        environment=ENVIRONMENT,
        figures=[
            Figure(name=f"{peer}: {name}", unit=unit, samples=[value, value * 1.04, value * 0.95])
            for peer, cost, rate, memory in found
            for name, unit, value in (
                ("server.us_per_delivery", "us", cost),
                ("delivered.rate", "/s", rate),
                ("server.growth", "KiB", memory),
            )
        ],
    )
