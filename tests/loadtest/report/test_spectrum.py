import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given
from hypothesis import strategies as st

from loadtest.report import spectrum
from tests.loadtest.report.samples import histogram

# Microseconds that the histograms keep exactly.
EXACT = st.integers(1, 2000)


def test_an_encoded_histogram_is_read() -> None:
    assert spectrum.decode(histogram([0.1, 0.1, 1.5])) == [(100, 2), (1500, 1)]


@pytest.mark.parametrize("text", ["", "nonsense", "AAAA"])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an encoded HdrHistogram"):
        spectrum.decode(text)


def test_an_empty_histogram_has_no_values() -> None:
    assert spectrum.decode(histogram([])) == []
    assert spectrum.read([], spectrum.levels(10)) == [None] * len(spectrum.levels(10))


@given(st.lists(EXACT, min_size=1, max_size=300))
def test_it_ascends_from_the_smallest_to_the_largest_and_ends_there(values: list[int]) -> None:
    counts = [(value, values.count(value)) for value in sorted(set(values))]
    found = spectrum.read(counts, spectrum.levels(len(values)))
    known = [value for value in found if value is not None]
    assert known == sorted(known)
    assert known[0] == min(values)
    assert known[-1] == max(values)
    assert found[len(known) :] == [None] * (len(found) - len(known))


@given(st.lists(EXACT, min_size=1, max_size=200), st.integers(1, 99))
def test_it_agrees_with_hdrhistogram(values: list[int], percentile: int) -> None:
    counted = HdrHistogram(1, 60_000_000, 3)
    for value in values:
        counted.record_value(value)
    counts = [(value, values.count(value)) for value in sorted(set(values))]
    level = 100 / (100 - percentile)
    ordered = sorted(values)
    (found,) = spectrum.read(counts, [level])
    assert found is not None
    assert sum(value <= found for value in ordered) >= percentile / 100 * len(ordered) - 1e-6
    # HdrHistogram rounds the rank to the nearest one, so it may be a neighbour.
    theirs = counted.get_value_at_percentile(percentile)
    last = len(ordered) - 1
    assert ordered[max(ordered.index(theirs) - 1, 0)] <= found
    assert found <= ordered[min(last - ordered[::-1].index(theirs) + 1, last)]


def test_a_shorter_distribution_ends_where_its_samples_end() -> None:
    levels = spectrum.levels(100_000)
    found = spectrum.read([(5, 99), (70, 1)], levels)
    last = max(place for place, value in enumerate(found) if value is not None)
    assert found[last] == 70
    assert levels[last - 1] <= 100 < levels[last]
