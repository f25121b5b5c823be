"""One live stream, and many who watch: what it costs to forward it, and how much can be done.

Packets of a stream come one at a time, or in bursts, as encoders make them: at a pace at which the
server has nothing to fear, for the cost and the latency; and where `live.rises`, at rates that go
up until its core is full, or packets are lost or late, for what it can do.

A latency is from when a burst was due to the moment at which the kernel has a packet of it for a
viewer: the viewers add nothing to it. In bursts it includes what the packets in front take. What
the server pays for includes, on one machine, the kernel's delivery to the viewers' sockets, which
on a network would be other machines' work.
"""

from collections.abc import Iterator

from loadtest.findings import Finding, Findings, Run
from loadtest.interruption import Ended
from loadtest.live.limit import held, told
from loadtest.live.orders import Send, Watch
from loadtest.live.sample import Sample, shown, whole
from loadtest.live.show import Show, is_fresh, opened
from loadtest.target import Vitals

STEP = 1.4
SAMPLE = 16  # what is looked into costs us more than it costs the server to forward it
WARM_SECONDS = 0.5
_KIB = 1024


async def measure(run: Run) -> Findings:
    """Run a variant.

    Raises:
        TargetError: the server makes no stream, or does not let it be published.
        Ended: it was ended before anything was measured.
    """
    live = run.scenario.live
    pace = Send(live.burst, live.rate)
    seconds = run.scenario.load.duration
    async with opened(run) as show:
        before = await _connected(run, show)
        run.watcher.step("the server warms up")
        warm = await show.play(pace, min(WARM_SECONDS, seconds))
        show.span("warm-up", warm.begin, warm.end)
        if run.ended.is_set():
            raise Ended
        run.watcher.step(_words(pace))
        sample = await show.play(pace, seconds)
        show.span(told(_words(pace), sample), sample.begin, sample.end)
        figures = whole(sample, late_ms=run.scenario.late_ms)
        figures |= _memory(before, warm, show.viewers) | _per_core(sample)
        if not (sample.came or run.ended.is_set()):
            show.findings.violations.append("Nothing came.")
        # Packets that wait make larger bursts, which cost less: no pace to go on from.
        if live.rises and not (sample.fault or run.ended.is_set()):
            figures |= await _rise(run, show, pace, sample)
        show.findings.answer = list(_answer(figures))
        return show.found(figures, sample.timed)


async def _connected(run: Run, show: Show) -> Vitals:
    """Have everybody watch; return how the server was before."""
    viewers = run.scenario.live.viewers
    run.watcher.step("the stream begins")
    [person] = await run.preparation.people(1)
    stream = await show.publish(person)
    before = await show.vitals()
    run.watcher.step("viewers connect", 0, viewers)
    await show.join([Watch(stream.play_url, person.token)] * viewers, sample=SAMPLE)
    show.span("viewers connect", before.at, (await show.vitals()).at)
    return before


async def _rise(run: Run, show: Show, pace: Send, best: Sample) -> dict[str, Finding]:
    """At rising rates, until the server's core is full, or packets are lost or late.

    Args:
        best: what it can do for sure.
    """
    while not (best.is_full or run.ended.is_set()):
        pace = Send(pace.burst, pace.rate * STEP)
        run.watcher.step(_words(pace))
        sample = await held(run, show, pace, _words(pace))
        if sample.fault or run.ended.is_set():
            break
        best = sample
    return {f"most.{name}": finding for name, finding in shown(best).items()}


def _per_core(sample: Sample) -> dict[str, Finding]:
    """How many viewers of this pace a core would carry, from what one of them costs."""
    if not (sample.cost and sample.sent):
        return {}
    a_second = sample.sent / sample.seconds
    return {"viewers.per_core": Finding(1e6 / (sample.cost * a_second), "")}


def _memory(before: Vitals, warm: Sample, viewers: int) -> dict[str, Finding]:
    """Of a server that nobody has watched before: what others took it would not take again."""
    if before.resident is None or warm.resident is None or not viewers or not is_fresh(before):
        return {}
    grown = (warm.resident - before.resident) / viewers / _KIB
    return {"server.kib_per_viewer": Finding(grown, "KiB")}


def _answer(figures: dict[str, Finding]) -> Iterator[str]:
    if found := figures.get("viewers.per_core"):
        yield f"A core carries {found.value:,.0f} viewers of this pace."
    if found := figures.get("most.forwarded.rate"):
        yield f"{found.value:,.0f} packets a second were forwarded at most, none of them late."


def _words(pace: Send) -> str:
    how = "one at a time" if pace.burst == 1 else f"in bursts of {pace.burst}"
    return f"{pace.rate:,.0f} packets a second, {how}"
