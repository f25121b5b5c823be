"""H.264 in RTP (RFC 6184, packetization mode 1): single NAL units, STAP-A, FU-A."""

from collections.abc import Iterator

PAYLOAD_MOST = 1180
_START_CODE = b"\x00\x00\x00\x01"
_IDR, _SPS, _STAP_A, _FU_A = 5, 7, 24, 28


def units(stream: bytes) -> Iterator[bytes]:
    """The NAL units of a byte stream (ITU-T H.264, annex B)."""
    start = stream.find(b"\x00\x00\x01")
    while start >= 0:
        start += 3
        end = stream.find(b"\x00\x00\x01", start)
        # What precedes a start code of four bytes is a zero, with which no unit ends.
        yield stream[start : end if end >= 0 else len(stream)].rstrip(b"\x00")
        start = end


def packetize(frame: bytes) -> list[bytes]:
    """The payloads of an access unit. Small units that follow each other go into one STAP-A."""
    payloads: list[bytes] = []
    small: list[bytes] = []
    for unit in units(frame):
        if len(unit) <= PAYLOAD_MOST:
            if small and 1 + sum(2 + len(one) for one in (*small, unit)) > PAYLOAD_MOST:
                payloads.append(_aggregated(small))
                small = []
            small.append(unit)
            continue
        if small:
            payloads.append(_aggregated(small))
            small = []
        payloads += _fragments(unit)
    if small:
        payloads.append(_aggregated(small))
    return payloads


def depacketize(payload: bytes) -> bytes:
    """What a payload carries of its access unit, as a byte stream.

    Raises:
        ValueError: it is none.
    """
    kind = payload[0] & 31 if payload else 0
    if 0 < kind < _STAP_A:
        return _START_CODE + payload
    if kind == _STAP_A:
        return b"".join(_START_CODE + unit for unit in _aggregates(payload))
    if kind == _FU_A and len(payload) > 2:
        if payload[1] & 0x80:
            header = payload[0] & 0xE0 | payload[1] & 31
            return _START_CODE + bytes((header,)) + payload[2:]
        return payload[2:]
    raise ValueError(f"There is no payload of type {kind} in mode 1.")


def starts_keyframe(payload: bytes) -> bool:
    """Whether a picture that needs no other begins with it, its parameter sets included."""
    kind = payload[0] & 31 if payload else 0
    try:
        inside = _aggregates(payload) if kind == _STAP_A else [payload]
    except ValueError:
        return False
    return any(unit[0] & 31 == _SPS for unit in inside if unit)


def _aggregated(units: list[bytes]) -> bytes:
    if len(units) == 1:
        return units[0]
    # RFC 6184, 5.7.1: F and NRI are the largest of those inside.
    header = max(unit[0] & 0xE0 for unit in units) | _STAP_A
    return bytes((header,)) + b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)


def _aggregates(payload: bytes) -> list[bytes]:
    found = []
    position = 1
    while position < len(payload):
        size = int.from_bytes(payload[position : position + 2], "big")
        unit = payload[position + 2 : position + 2 + size]
        if not size or len(unit) != size:
            raise ValueError("A unit of a STAP-A is cut off.")
        found.append(unit)
        position += 2 + size
    return found


def _fragments(unit: bytes) -> list[bytes]:
    indicator, kind = unit[0] & 0xE0 | _FU_A, unit[0] & 31
    size = PAYLOAD_MOST - 2
    parts = [unit[start : start + size] for start in range(1, len(unit), size)]
    last = len(parts) - 1
    return [
        bytes((indicator, kind | (number == 0) << 7 | (number == last) << 6)) + part
        for number, part in enumerate(parts)
    ]
