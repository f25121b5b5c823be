"""The costs of a path as a table of text."""

from typing import NamedTuple

from loadtest.profiling.stacks import Cost, Stacks, costs

_ROWS = 40


class Effort(NamedTuple):
    """What the server did while it was looked at.

    Attributes:
        seconds: of it.
        cpu: seconds of CPU time that it used.
        rate: how often it did what the path is about, a second.
        unit: that.
    """

    seconds: float
    cpu: float
    rate: float
    unit: str

    @property
    def cost(self) -> float:
        """CPU time in microseconds for each."""
        return self.cpu / self.seconds / self.rate * 1e6 if self.rate else 0.0


def table(title: str, stacks: Stacks, effort: Effort) -> str:
    """The largest costs, once by what functions do themselves and once with what they call.

    Args:
        title: of the profile.
        stacks: by function, without those that wait.
        effort: in the same time.
    """
    samples = stacks.total()
    found = costs(stacks)
    lines = [
        f"{title}: {samples} samples on CPU in {effort.seconds:.0f} s, "
        f"{effort.cpu / effort.seconds:.0%} of a core",
        f"{effort.rate:,.0f} {effort.unit} a second, {effort.cost:.2f} us of CPU time for each",
        "",
        *_part("itself", found[:_ROWS], samples, effort),
        "",
        *_part("with what it calls", _by_total(found)[:_ROWS], samples, effort),
        "",
    ]
    return "\n".join(lines)


def _by_total(found: list[Cost]) -> list[Cost]:
    return sorted(found, key=lambda cost: (-cost.total, -cost.own, cost.function))


def _part(title: str, found: list[Cost], samples: int, effort: Effort) -> list[str]:
    lines = [f"{'own':>7}{'us':>8}   {'total':>7}{'us':>8}   function, by its cost {title}"]
    for cost in found:
        own, total = cost.own / max(samples, 1), cost.total / max(samples, 1)
        lines.append(
            f"{own:7.1%}{own * effort.cost:8.3f}   {total:7.1%}{total * effort.cost:8.3f}   "
            f"{cost.function}"
        )
    return lines
