"""Times on the wire: RFC 3339, UTC, milliseconds, for example `2026-11-22T18:51:07.125Z`."""

from datetime import UTC, datetime, timedelta

FOREVER = "9999-12-31T23:59:59.999Z"
"""Of something that does not end."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(moment: datetime) -> str:
    """Format an aware datetime; digits below the millisecond are cut off."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def from_ms(milliseconds: int) -> datetime:
    """The aware UTC datetime of a Unix time in milliseconds."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def to_ms(moment: datetime) -> int:
    """The reverse: the Unix time in milliseconds of an aware datetime."""
    return round(moment.timestamp() * 1000)


def from_us(microseconds: int) -> datetime:
    """The aware UTC datetime of a Unix time in microseconds, to the microsecond.

    Raises:
        OverflowError: it is out of the range of datetimes.
    """
    return _EPOCH + timedelta(microseconds=microseconds)


def to_us(moment: datetime) -> int:
    """The reverse: the Unix time in microseconds of an aware datetime."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_rfc3339(text: str) -> datetime:
    """The aware datetime of a time as it is on the wire."""
    return datetime.fromisoformat(text)
