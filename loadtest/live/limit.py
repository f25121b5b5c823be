"""Whether a pace can be held: all that was sent comes, and in time."""

from loadtest.findings import Run
from loadtest.live.orders import Send
from loadtest.live.sample import FULL_CORE, Sample
from loadtest.live.show import Show

_TRIES = 2


async def held(run: Run, show: Show, pace: Send, name: str) -> Sample:
    """Try a pace. What breaks it has to do so twice: something else on the machine may, once.

    Args:
        name: under which it is shown.

    Returns:
        The last try; its `fault` says whether it was held.
    """
    sample = Sample()
    for _ in range(_TRIES):
        sample = await show.play(pace, run.scenario.load.duration)
        show.span(told(name, sample), sample.begin, sample.end)
        if run.ended.is_set() or not sample.fault:
            break
    return sample


def told(name: str, sample: Sample) -> str:
    """The name of a sample, with what is to be said of it: what was too much, and for whom."""
    words = [name, sample.fault] if sample.fault else [name]
    if sample.clients > FULL_CORE:
        words.append("the harness has no time")
    elif sample.is_full:
        words.append("the server's core is full")
    return ", ".join(words)
