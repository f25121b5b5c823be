"""Stacks that a profiler has sampled: what they add up to, and the forms in which to look at them.

Folded stacks, as Brendan Gregg's tools have them, are lines such as `main;run;write 12`: the frames
from the outermost one on, and in how many samples it was like that.
"""

import re
from collections import Counter
from typing import Any, NamedTuple

Stack = tuple[str, ...]
Stacks = Counter[Stack]

# Where a thread is when it waits. A profiler takes it for busy for the moment in which it wakes, or
# in which the profiler itself has stopped it.
_WAITS = frozenset({"epoll_wait", "epoll_pwait", "poll", "select"})
_IDLE_THREAD = "_worker (concurrent/futures/thread.py"
_LINE = re.compile(r":\d+\)$")
_UNKNOWN = re.compile(r"0x[0-9a-f]+\b|$")


class Cost(NamedTuple):
    """What a function costs, in samples.

    Attributes:
        function: and its file.
        own: the function was what ran.
        total: it ran, or something that it had called.
    """

    function: str
    own: int
    total: int


def parse(folded: str) -> Stacks:
    """Read folded stacks.

    Raises:
        ValueError: a line does not end with a number.
    """
    stacks: Stacks = Counter()
    for line in folded.splitlines():
        frames, _, count = line.rpartition(" ")
        stacks[tuple(frames.split(";"))] += int(count)
    return stacks


def fold(stacks: Stacks) -> str:
    """Write folded stacks, in the order of their frames."""
    return "".join(f"{';'.join(stack)} {count}\n" for stack, count in sorted(stacks.items()))


def busy(stacks: Stacks) -> Stacks:
    """Those that do not wait for something to happen."""
    return Counter({stack: count for stack, count in stacks.items() if not _waits(stack)})


def inside(stacks: Stacks, frame: str) -> Stacks:
    """Without what is outside of a frame: the way to it is the same for all.

    Args:
        frame: how it begins. Stacks without it stay as they are.
    """
    merged: Stacks = Counter()
    for stack, count in stacks.items():
        places = (place for place, one in enumerate(stack) if one.startswith(frame))
        merged[stack[next(places, 0) :]] += count
    return merged


def by_function(stacks: Stacks) -> Stacks:
    """Without line numbers, and without frames that nobody knows the name of."""
    merged: Stacks = Counter()
    for stack, count in stacks.items():
        known = tuple(_LINE.sub(")", frame) for frame in stack if not _UNKNOWN.match(frame))
        merged[known or ("(unknown)",)] += count
    return merged


def costs(stacks: Stacks) -> list[Cost]:
    """What each function costs; the largest first by their own part, then by the whole."""
    own: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for stack, count in stacks.items():
        own[stack[-1]] += count
        for function in set(stack):  # one that calls itself counts once
            total[function] += count
    found = [Cost(function, own[function], total[function]) for function in total]
    return sorted(found, key=lambda cost: (-cost.own, -cost.total, cost.function))


def speedscope(name: str, stacks: Stacks) -> dict[str, Any]:
    """As speedscope reads it: https://www.speedscope.app/file-format-schema.json.

    Args:
        name: of the profile.
        stacks: which have no order of time: look at them "left heavy".
    """
    numbers: dict[str, int] = {}
    samples = [
        [numbers.setdefault(frame, len(numbers)) for frame in stack] for stack in sorted(stacks)
    ]
    return {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "name": name,
        "shared": {"frames": [{"name": frame} for frame in numbers]},
        "profiles": [
            {
                "type": "sampled",
                "name": name,
                "unit": "none",
                "startValue": 0,
                "endValue": stacks.total(),
                "samples": samples,
                "weights": [stacks[stack] for stack in sorted(stacks)],
            }
        ],
    }


def _waits(stack: Stack) -> bool:
    python = next((frame for frame in reversed(stack) if ".py" in frame), "")
    return stack[-1].partition(" (")[0] in _WAITS or python.startswith(_IDLE_THREAD)
