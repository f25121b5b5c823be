"""Latencies of a run: microseconds -> how often, as percentiles and as HdrHistograms."""

from collections import Counter
from collections.abc import Iterable, Mapping

from hdrh.histogram import HdrHistogram

from loadtest.findings import Finding

# A minute: what takes longer counts as that.
_LONGEST = 60_000_000
_DIGITS = 3

# What a report says of a kind.
_PERCENTILES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p999": 99.9}
# What it says of a second.
_SHOWN = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}


def of_a_second(counts: Mapping[int, int]) -> dict[str, float]:
    """Percentiles in milliseconds, of few enough latencies to go through them."""
    total, ordered = sum(counts.values()), sorted(counts.items())
    found: dict[str, float] = {}
    for name, share in _SHOWN.items():
        passed = 0
        for microseconds, times in ordered:
            passed += times
            if passed >= share * total:
                found[name] = microseconds / 1000
                break
    return found


def histogram(counts: Mapping[int, int]) -> HdrHistogram:
    """All of a kind.

    Args:
        counts: microseconds -> how often.
    """
    made = HdrHistogram(1, _LONGEST, _DIGITS)
    for microseconds, times in counts.items():
        made.record_value(min(max(microseconds, 1), _LONGEST), times)
    return made


def encoded(made: HdrHistogram) -> str:
    """As it stands in a report."""
    return bytes(made.encode()).decode("ascii")


def merged(histograms: Iterable[str]) -> str:
    """Several as one, of repetitions."""
    whole = HdrHistogram(1, _LONGEST, _DIGITS)
    for one in histograms:
        whole.decode_and_add(one)
    return encoded(whole)


def figures(kind: str, counts: Mapping[int, int]) -> dict[str, Finding]:
    """Percentiles in milliseconds, and how many there are.

    Args:
        kind: of the latencies; the names begin with it.
        counts: microseconds -> how often; not empty.
    """
    made, longest = histogram(counts), max(counts)
    # A histogram rounds up: to the end of the range that it counted a latency in.
    found = {
        f"{kind}.{name}": Finding(min(made.get_value_at_percentile(share), longest) / 1000, "ms")
        for name, share in _PERCENTILES.items()
    }
    found[f"{kind}.max"] = Finding(longest / 1000, "ms")
    found[f"{kind}.count"] = Finding(sum(counts.values()), "")
    return found


def added(all_counts: Iterable[Mapping[str, Mapping[int, int]]]) -> dict[str, Counter[int]]:
    """By kind, what several have."""
    found: dict[str, Counter[int]] = {}
    for kinds in all_counts:
        for kind, counts in kinds.items():
            found.setdefault(kind, Counter()).update(counts)
    return dict(sorted(found.items()))
