"""Time-ordered 64-bit identifiers (the scheme known as "snowflake").

    bit 63      0, so that the number is positive in SQL's signed bigint
    bits 62-22  milliseconds since EPOCH_MS: good until 2095
    bits 21-12  node, 0-1023
    bits 11-0   counter within the millisecond

On the wire an id is a decimal string, because JavaScript's numbers are exact only up to 2**53.
In the process it is an `Id`, an int: cheap to compare and hash, and what the database stores.
"""

EPOCH_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
MAX_ID = 2**63 - 1
MAX_NODE = 1023

_COUNTER_BITS = 12
_NODE_BITS = 10


class Id(int):
    """An identifier. A subclass of int, so that the codec knows to write it as a string.

    0 is NOBODY: it stands in the logs of rooms for accounts that have been deleted. Nothing can be
    asked of it, so that `parse_id` does not know it.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return int.__repr__(self)


NOBODY = Id(0)


def parse_id(text: str) -> Id:
    """Read an id from its wire form.

    Raises:
        ValueError: `text` is not the decimal form of a positive 64-bit integer.
    """
    # isdigit() alone accepts superscripts and other scripts' digits, which int() maps to the same
    # number: one id must have one spelling.
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and text[0] != "0"):
        raise ValueError("an id is a decimal string of 1 to 19 digits")
    value = int(text)
    if value > MAX_ID:
        raise ValueError("an id is at most 9223372036854775807")
    return Id(value)


class IdMint:
    """Makes ids that grow, and that differ between nodes.

    Args:
        node: 0 to 1023, unique among the processes that share a database.
    """

    __slots__ = ("_last", "_node")

    def __init__(self, node: int) -> None:
        if not 0 <= node <= MAX_NODE:
            raise ValueError(f"node must be 0 to {MAX_NODE}, not {node}")
        self._node = node << _COUNTER_BITS
        self._last = 0  # milliseconds << counter bits | counter

    def mint(self, now_ms: int) -> Id:
        """Return the next id.

        A clock that stands still or steps back is ridden out: the counter runs into the
        millisecond field, so ids keep growing and stay unique.

        Args:
            now_ms: milliseconds since the Unix epoch.
        """
        self._last = max(self._last + 1, (now_ms - EPOCH_MS) << _COUNTER_BITS)
        milliseconds, counter = divmod(self._last, 1 << _COUNTER_BITS)
        return Id(milliseconds << (_COUNTER_BITS + _NODE_BITS) | self._node | counter)


def minted_at_ms(identifier: int) -> int:
    """Milliseconds since the Unix epoch at which an id was minted."""
    return (identifier >> (_COUNTER_BITS + _NODE_BITS)) + EPOCH_MS


def first_id_at(milliseconds: int) -> Id:
    """The least id that can be minted at a Unix time in milliseconds."""
    return Id(max(0, milliseconds - EPOCH_MS) << (_COUNTER_BITS + _NODE_BITS))
