"""Whether a scenario makes sense: what its types allow and no run could carry out."""

from collections.abc import Iterator
from itertools import pairwise
from math import inf

from msgspec import structs

from loadtest import figure_names, threshold
from loadtest.crowd.body import SMALLEST
from loadtest.scenario import Mix, Scenario

_IN_ROOMS = ("message", "typing", "read", "react", "edit", "delete", "history")
_DM = 2
_CROWDS = ("crowd", "rise")


def problems(scenario: Scenario) -> Iterator[str]:
    """What cannot be, in sentences that name the key.

    Args:
        scenario: a variant, with everything in force.
    """
    yield from _numbers(scenario)
    if scenario.program in _CROWDS:
        yield from _load(scenario)
        yield from _mix(scenario)
        yield from _rooms(scenario)
        yield from _times(scenario)


def problems_of_all(scenario: Scenario) -> Iterator[str]:
    """Likewise, of a scenario with its variants."""
    if not scenario.question.strip():
        yield "question is empty: it has to say what the scenario is to find out."
    if scenario.repeat < 1:
        yield f"repeat = {scenario.repeat}: it has to be 1 at least."
    if scenario.program == "rise":
        yield from _rise(scenario)
    for name in scenario.variants:
        if not name.strip() or ":" in name:
            yield f'variants."{name}": a name has no colon, which stands between it and a figure.'
    for name in scenario.server:
        if not name.startswith("PLAZA_"):
            yield (
                f"server.{name} is no setting: they are written as variables, such as "
                "PLAZA_LIMITS__MESSAGE_BYTES."
            )
    for key, rules in (
        ("thresholds", scenario.thresholds),
        ("budgets", scenario.budgets),
        ("rise.most", scenario.rise.most),
    ):
        for rule in rules:
            yield from problems_of_rule(scenario, key, rule)


def problems_of_rule(scenario: Scenario, key: str, text: str) -> Iterator[str]:
    """What is wrong with a threshold or budget that stands at `key`."""
    try:
        rule = threshold.parse(text)
    except threshold.RuleError as error:
        yield f"{key}: {error}"
        return
    for figure in rule.figures:
        variant, name = threshold.split(figure)
        if variant and variant not in scenario.variants:
            names = ", ".join(f'"{one}"' for one in scenario.variants) or "none"
            yield f'{key}: "{text}" names the variant "{variant}"; there are: {names}.'
        if scenario.program in _CROWDS and not figure_names.is_known(name):
            near = figure_names.nearest(name)
            hint = f"Did you mean {near}?" if near else "docs/loadtest.md lists them."
            yield f'{key}: "{text}": {name} is no figure of a run. {hint}'


def _numbers(scenario: Scenario) -> Iterator[str]:
    """No number of a scenario is below zero, and some are above it."""
    for name in scenario.__struct_fields__:
        value = getattr(scenario, name)
        tables = value if isinstance(value, list) else [value]
        for table in tables:
            if hasattr(table, "__struct_fields__"):
                for key, number in structs.asdict(table).items():
                    yield from _number(f"{name}.{key}", number)
        yield from _number(name, value)


_POSITIVE = {
    "load.users": "there has to be somebody",
    "stages.seconds": "a stage takes time",
    "rise.steps": "there has to be one",
    "live.rate": "a stream has packets",
    "live.payload": "a packet has bytes",
    "live.burst": "a burst has packets",
    "live.viewers": "there has to be one",
    "happenings.share": "it would concern nobody",
    "returning.base": "all would come back in one moment",
}


def _number(key: str, value: object) -> Iterator[str]:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return
    if not 0 <= value < inf:
        yield f"{key} = {value:g}: it cannot be below 0, or without an end."
    elif not value and key in _POSITIVE:
        yield f"{key} = 0: {_POSITIVE[key]}."


def _load(scenario: Scenario) -> Iterator[str]:
    load = scenario.load
    if load.senders > load.users:
        yield (
            f"load.senders = {load.senders}: there are {load.users} users; lower it, or raise "
            "load.users."
        )
    if scenario.slow.users + load.senders > load.users or scenario.slow.users == load.users:
        yield (
            f"slow.users = {scenario.slow.users}: those who stop reading are none of the "
            f"{load.senders or 'others'} who act, and there are {load.users} users."
        )
    if not scenario.stages and not load.duration:
        yield "load.duration = 0: nothing would be measured."
    if load.in_flight and any(stage.rate is not None for stage in scenario.stages):
        yield (
            f"load.in_flight = {load.in_flight}: where it says how much is under way, stages "
            "cannot have a rate."
        )


def _mix(scenario: Scenario) -> Iterator[str]:
    load = scenario.load
    acts = structs.asdict(scenario.mix)
    done = [name for name, weight in acts.items() if weight > 0]
    is_busy = load.in_flight or load.rate or any(stage.rate for stage in scenario.stages)
    if is_busy and not done:
        yield (
            f"mix is empty: name something to do ({', '.join(Mix.__struct_fields__)}), or set "
            "load.rate = 0 for connections that are idle."
        )
    if done and not is_busy:
        yield "load.rate = 0: nothing of mix would be done; raise it, or set load.in_flight."
    if "echo" in done and len(done) > 1:
        others = ", ".join(f"mix.{name}" for name in done if name != "echo")
        yield f"mix.echo stands alone: such a connection has no session for {others}."
    if scenario.message_bytes < SMALLEST:
        yield (
            f"message_bytes = {scenario.message_bytes}: it has to be {SMALLEST} at least, which "
            "the time and the sum of a message take."
        )
    if scenario.follows >= load.users:
        yield f"follows = {scenario.follows}: there are only {load.users - 1} others to follow."


def _rooms(scenario: Scenario) -> Iterator[str]:
    rooms, load, mix = scenario.rooms, scenario.load, scenario.mix
    if not rooms.each:
        for name in _IN_ROOMS:
            if getattr(mix, name) > 0:
                yield f"rooms.each = 0: mix.{name} needs a room; set rooms.each = 1."
        return
    if mix.echo:
        return
    if rooms.kind == "dm" and rooms.members != _DM:
        yield f'rooms.members = {rooms.members}: with rooms.kind = "dm" it has to be {_DM}.'
    elif rooms.members < 1:
        yield "rooms.members = 0: a room has a member."
    elif rooms.members > load.users:
        yield (
            f"rooms.members = {rooms.members}: there are {load.users} users; lower it, or raise "
            "load.users."
        )


def _times(scenario: Scenario) -> Iterator[str]:
    ends = sum(stage.seconds for stage in scenario.stages) or scenario.load.duration
    for earlier, later in pairwise(scenario.happenings):
        if later.at < earlier.at:
            yield f"happenings: {later.at:g} s comes after {earlier.at:g} s; put them in order."
    for happening in scenario.happenings:
        if happening.at >= ends:
            yield f"happenings: {happening.at:g} s is past the end, which is at {ends:g} s."
        if happening.share > 1:
            yield f"happenings: share = {happening.share:g}; all of them are 1."
    for stage in scenario.stages:
        if stage.users is not None and stage.users > scenario.load.users:
            yield (
                f"stages.users = {stage.users}: load.users, which is how many there are, is "
                f"{scenario.load.users}."
            )
    if scenario.churn.rate and not scenario.churn.away:
        yield "churn.away = 0: whoever goes is away for a moment at least, such as 1.0."
    if scenario.returning.cap < scenario.returning.base:
        yield "returning.cap is below returning.base: it is the bound of all delays."


def _rise(scenario: Scenario) -> Iterator[str]:
    if scenario.rise.factor <= 1:
        yield f"rise.factor = {scenario.rise.factor:g}: load has to go up, such as by 1.5."
    if not scenario.thresholds and not scenario.rise.most:
        yield "rise.most is empty: name the thresholds of which one is to break."
    if scenario.variants:
        yield "variants: a rise has none; its steps are what differs."
