"""Load that goes up until a threshold breaks: the program `rise`.

Each step is a run of its own, with the same people where they are enough. The figures are those of
the last step in which everything held; which threshold broke after it, and at what load, is said in
words. Faults count whatever the step: a server may be slow when it has too much to do, but must
not lose anything.
"""

from collections.abc import Awaitable, Callable, Iterator
from typing import NamedTuple

from msgspec.structs import replace

from loadtest import threshold
from loadtest.conductor import program as crowd_program
from loadtest.conductor.processes import CrowdFailed
from loadtest.figures import short
from loadtest.findings import Finding, Findings, Run, Watcher
from loadtest.interruption import Ended
from loadtest.report.model import Judgement, Moment, Span
from loadtest.scenario import Scenario
from loadtest.target import TargetError

_FAULTS = ("lost", "doubled", "disordered", "forged")
# A process of virtual users that has used so much of a core has had no time to spare.
BUSY_CLIENTS = 0.9


class Step(NamedTuple):
    """A load, and what came of it.

    Attributes:
        load: in words, such as "450/s" or "300 users".
        amount: the same as a number.
        broken: in words, what did not hold.
        is_cut: whether it was ended in the middle, and so says nothing.
    """

    load: str
    amount: float
    findings: Findings
    broken: list[str]
    is_cut: bool = False

    @property
    def holds(self) -> bool:
        """Whether nothing broke, to its end."""
        return not (self.broken or self.is_cut)


class StepWatcher:
    """Tells of a step as of a part of the whole.

    Args:
        watcher: is told.
        name: of the step.
        begin: seconds that those before took.
    """

    def __init__(self, watcher: Watcher, name: str, begin: float) -> None:
        self._watcher = watcher
        self._name = name
        self._begin = begin

    def step(self, text: str, done: int = 0, of: int = 0) -> None:
        """See Watcher."""
        self._watcher.step(f"{self._name}: {text}", done, of)

    def moment(self, moment: Moment, server: dict[str, float]) -> None:
        """See Watcher."""
        self._watcher.moment(replace(moment, at=self._begin + moment.at), server)


async def measure(
    run: Run, *, perform: Callable[[Run], Awaitable[Findings]] = crowd_program.measure
) -> Findings:
    """Raise the load until a threshold breaks.

    Args:
        run: what it needs.
        perform: runs a step.

    Raises:
        CrowdFailed: a step cannot be done.
    """
    steps: list[Step] = []
    for number in range(run.scenario.rise.steps):
        scenario, load, amount = _raised(run.scenario, run.scenario.rise.factor**number)
        name = f"Step {number + 1} of {run.scenario.rise.steps}, {load}"
        watcher = StepWatcher(run.watcher, name, number * seconds_of_a_step(run.scenario))
        try:
            findings = await perform(replace(run, scenario=scenario, watcher=watcher))
        except Ended:
            if not steps:
                raise
            break
        except (CrowdFailed, TargetError) as failure:
            if not steps:
                raise
            steps.append(Step(load, amount, Findings(), [str(failure)]))
        else:
            broken = _broken(run.scenario, findings)
            steps.append(Step(load, amount, findings, broken, run.ended.is_set()))
        if run.ended.is_set() or not steps[-1].holds:
            break
    return _put_together(steps, is_rate=_is_rate(run.scenario), is_ended=run.ended.is_set())


def seconds_of_a_step(scenario: Scenario) -> float:
    """How long one takes, without what comes before and after."""
    return scenario.load.ramp + scenario.load.duration


def _is_rate(scenario: Scenario) -> bool:
    return bool(scenario.load.rate) and not scenario.load.in_flight


def _raised(scenario: Scenario, factor: float) -> tuple[Scenario, str, float]:
    load = scenario.load
    if _is_rate(scenario):
        rate = load.rate * factor
        return replace(scenario, load=replace(load, rate=rate)), f"{short(rate)}/s", rate
    users = round(load.users * factor)
    senders = round(load.senders * factor)
    load = replace(load, users=users, senders=senders)
    return replace(scenario, load=load), f"{users} users", users


def _broken(scenario: Scenario, findings: Findings) -> list[str]:
    figures = {name: found.value for name, found in findings.figures.items()}
    rules = [*scenario.thresholds, *scenario.rise.most]
    return [_words(one) for one in threshold.judge(rules, figures) if not one.holds]


def _put_together(steps: list[Step], *, is_rate: bool, is_ended: bool) -> Findings:
    last = steps[-1]
    held = [step for step in steps if step.holds]
    good = held[-1] if held else last
    figures = {**good.findings.figures, **_faults(steps)}
    kind, unit = ("rate", "/s") if is_rate else ("users", "")
    if held:
        figures[f"holds.{kind}"] = Finding(good.amount, unit)
    if not (last.holds or is_ended):
        figures[f"breaks.{kind}"] = Finding(last.amount, unit)
    moments: list[Moment] = []
    spans: list[Span] = []
    begin = 0.0
    for step in steps:
        moments += [replace(one, at=begin + one.at) for one in step.findings.moments]
        end = begin + _length(step.findings)
        spans.append(Span(name=step.load, begin=begin, end=end))
        begin = end
    return Findings(
        figures=figures,
        histograms=good.findings.histograms,
        moments=moments,
        spans=spans,
        violations=[words for step in steps for words in step.findings.violations],
        answer=list(_answer(steps, held, is_ended=is_ended)),
    )


def _faults(steps: list[Step]) -> dict[str, Finding]:
    return {
        name: Finding(
            sum(
                step.findings.figures[name].value for step in steps if name in step.findings.figures
            ),
            "",
        )
        for name in _FAULTS
    }


def _length(findings: Findings) -> float:
    moments = max((one.at for one in findings.moments), default=0.0)
    return max((span.end for span in findings.spans), default=moments)


def _answer(steps: list[Step], held: list[Step], *, is_ended: bool) -> Iterator[str]:
    last = steps[-1]
    if is_ended:
        yield f"It was ended at {last.load}, before a threshold broke."
    elif last.holds:
        yield f"Nothing broke up to {last.load}: raise rise.steps ({len(steps)})."
    else:
        first, *others = last.broken
        yield f"At {last.load} it broke: {first}"
        if others:
            yield f"With it: {'; '.join(others)}"
    if held:
        yield f"At {held[-1].load} everything held{_at_last(held[-1].findings)}."
    elif not is_ended:
        yield "That was the first step: begin with less."
    if not (is_ended or last.holds):
        yield from _clients(last.findings)


def _words(broken: Judgement) -> str:
    found = "there is no such figure" if broken.found is None else f"it was {short(broken.found)}"
    return f"{broken.rule} ({found})"


def _at_last(findings: Findings) -> str:
    shown = (
        f"{name} {_amount(findings.figures[name])}"
        for name in ("delivery.p99", "ack.p99", "connect.p99", "server.cpu", "clients.cpu")
        if name in findings.figures
    )
    words = ", ".join(shown)
    return f": {words}" if words else ""


def _amount(found: Finding) -> str:
    if found.unit == "cores":
        return f"{found.value:.0%} of a core"
    return f"{short(found.value)} {found.unit}".strip()


def _clients(findings: Findings) -> Iterator[str]:
    clients = findings.figures.get("clients.cpu")
    if clients is None:
        return
    if clients.value >= BUSY_CLIENTS:
        yield (
            f"The virtual users' busiest process used {clients.value:.0%} of a core: they, and not "
            "the server, may have been the limit. Take more --processes, or another machine."
        )
    else:
        yield f"The virtual users were not the limit: {clients.value:.0%} of a core at most."
