"""A call made of streams: how many people can talk to each other through one core.

Plaza has no calls of its own: none that people ring each other up with. What carries one it has: in
a call of n people each publishes a stream and watches everybody else's, so that n (n - 1) streams
go through the forwarder. The size goes up until packets are lost or late, or the server's core is
full. What a call would need besides (who is in it, who may speak) costs nothing for each packet.
"""

from itertools import count, takewhile
from typing import NamedTuple

from msgspec import Struct

from loadtest.crowd.orders import Person
from loadtest.findings import Finding, Findings, Run
from loadtest.interruption import Ended
from loadtest.live.limit import held
from loadtest.live.orders import Send, Watch
from loadtest.live.sample import Sample, shown, whole
from loadtest.live.show import Show, opened
from loadtest.live.streams import Stream
from loadtest.scenario import Live

LEAST = 2
SAMPLE = 4  # few people have few packets


class Try(NamedTuple):
    """A size that was tried.

    Attributes:
        fault: why it was too much; empty: it was not.
    """

    size: int
    name: str
    sample: Sample
    fault: str


class Members(Struct):
    """Who takes part, each with what they publish."""

    people: list[Person] = []
    streams: list[Stream] = []


async def measure(run: Run) -> Findings:
    """Run a variant.

    Raises:
        TargetError: the server makes no streams, or does not let them be published.
        Ended: it was ended before anything was measured.
    """
    async with opened(run) as show:
        tried = await _tried(run, show)
        if not tried:
            raise Ended
        # The smallest one is shown even if it was too much.
        best = next((one for one in reversed(tried) if not one.fault), tried[0])
        largest = 0 if best.fault else best.size
        figures: dict[str, Finding] = {}
        if len(tried) > 1:
            for one in tried:
                for what, found in shown(one.sample).items():
                    figures[f"{one.name}: {what}"] = found
        figures |= whole(best.sample, late_ms=run.scenario.late_ms)
        figures["call.size"] = Finding(largest, "")
        figures["call.streams"] = Finding(largest * (largest - 1), "")
        if not run.ended.is_set():
            show.findings.answer = [_answer(largest, tried[-1])]
        return show.found(figures, best.sample.timed)


def sizes(live: Live) -> list[int]:
    """The sizes of calls, rising: 2, 3, 4, 6, 8, 12, 16 and so on; the last one is the most."""
    most = max(live.viewers, LEAST)
    if not live.rises:
        return [most]
    powers = (size for n in count(1) for size in (2**n, 3 * 2 ** (n - 1)))
    return [*takewhile(lambda size: size < most, powers), most]


async def _tried(run: Run, show: Show) -> list[Try]:
    """Have the call grow until it is too much, or the run is ended."""
    live = run.scenario.live
    tried: list[Try] = []
    members = Members(people=[], streams=[])
    for size in sizes(live):
        await _grow(run, show, members, size)
        if run.ended.is_set():
            break
        name = f"{size} people"
        run.watcher.step(name)
        sample = await held(run, show, Send(live.burst, live.rate), name)
        if run.ended.is_set() and tried:  # it may have been too short to show anything
            break
        tried.append(Try(size, name, sample, sample.fault or show.absence))
        if tried[-1].fault or sample.is_full:
            break
    return tried


async def _grow(run: Run, show: Show, members: Members, size: int) -> None:
    """Have more people take part: they publish, they watch, and are watched."""
    people = await run.preparation.people(size)
    while len(members.streams) < size and not run.ended.is_set():
        present = len(members.streams)
        person = people[present]
        run.watcher.step("people join the call", present, size)
        stream = await show.publish(person)
        watching = [Watch(other.play_url, person.token) for other in members.streams]
        watched = [Watch(stream.play_url, other.token) for other in members.people]
        await show.join([*watching, *watched], sample=SAMPLE)
        members.people.append(person)
        members.streams.append(stream)


def _answer(largest: int, last: Try) -> str:
    if last.fault:
        words = f"{largest} people" if largest else "Nobody"
        return f"{words} can call each other; {last.size} are too many: {last.fault}."
    if last.sample.is_full:
        return f"{largest} people can call each other; then the server's core is full."
    return f"{largest} people can call each other, and more were not tried."
