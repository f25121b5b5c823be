from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.times import from_ms, from_us, rfc3339, to_us


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 22, 18, 51, 7, 125_000, UTC), "2026-11-22T18:51:07.125Z"),
        (datetime(2026, 11, 22, 18, 51, 7, 125_999, UTC), "2026-11-22T18:51:07.125Z"),
        (datetime(2026, 11, 22, 18, 51, 7, 0, UTC), "2026-11-22T18:51:07.000Z"),
        (
            datetime(2026, 11, 22, 0, 30, tzinfo=timezone(timedelta(hours=5, minutes=45))),
            "2026-11-21T18:45:00.000Z",
        ),
    ],
)
def test_format(moment: datetime, text: str) -> None:
    assert rfc3339(moment) == text


@given(st.integers(0, 4_000_000_000_000))
def test_milliseconds_survive_being_written_and_read(milliseconds: int) -> None:
    text = rfc3339(from_ms(milliseconds))
    assert len(text) == 24
    read = datetime.fromisoformat(text)
    assert read - datetime(1970, 1, 1, tzinfo=UTC) == timedelta(milliseconds=milliseconds)


@given(st.integers(0, 4_000_000_000_000), st.integers(0, 4_000_000_000_000))
def test_texts_sort_as_moments_do(a: int, b: int) -> None:
    assert (a < b) == (rfc3339(from_ms(a)) < rfc3339(from_ms(b)))


@given(st.datetimes(timezones=st.just(UTC)))
def test_microseconds_name_one_moment(moment: datetime) -> None:
    assert from_us(to_us(moment)) == moment
