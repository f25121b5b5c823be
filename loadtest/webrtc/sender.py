"""One source of a publisher: its packets, what is kept of them, its reports."""

from collections.abc import Callable, Mapping
from random import Random
from typing import NamedTuple

from loadtest.webrtc import rtcp, rtp
from loadtest.webrtc.description import Codec

KEPT = 1024  # packets; browsers keep about a second


class Names(NamedTuple):
    """How the packets of a source say whose they are, by the ids of the session; 0: not at all."""

    mid: tuple[int, bytes]
    rid: tuple[int, bytes]
    repaired_rid: tuple[int, bytes]


class Source:
    """Sends the packets of one encoding.

    Args:
        ssrc, rtx_ssrc: its own and that of its retransmissions; the latter may be 0.
        names: extensions on every packet.
        protect: makes a packet fit for the wire, and sends it.
        stamps: extensions that say when a packet goes: called for each, with the time.

    Attributes:
        packets, octets: sent, of media.
        nacked: numbers that were asked for.
        repeated: packets that were sent again.
    """

    def __init__(
        self,
        codec: Codec,
        *,
        ssrc: int,
        rtx_ssrc: int,
        names: Names,
        protect: Callable[[bytes], bytes],
        resend: Callable[[bytes], None],
        stamps: Callable[[float], Mapping[int, bytes]],
        chance: Random,
    ) -> None:
        self.codec = codec
        self.ssrc = ssrc
        self.rtx_ssrc = rtx_ssrc if codec.rtx is not None else 0
        self._protect = protect
        self._resend = resend
        self._stamps = stamps
        self._named = dict(one for one in (names.mid, names.rid) if one[0])
        self._repaired = dict(one for one in (names.mid, names.repaired_rid) if one[0])
        self._sequence = chance.getrandbits(15)
        self._rtx_sequence = chance.getrandbits(15)
        self._timestamp_offset = chance.getrandbits(32)
        self._kept: dict[int, tuple[rtp.Packet, bytes]] = {}
        self._reference = (0.0, 0)
        self.packets = 0
        self.octets = 0
        self.nacked = 0
        self.repeated = 0

    def send(self, payload: bytes, *, timestamp: int, marker: bool, now: float) -> None:
        """Send one packet.

        Args:
            timestamp: in units of the codec's clock, from any zero.
        """
        shifted = (timestamp + self._timestamp_offset) & 0xFFFFFFFF
        extensions = {**self._named, **self._stamps(now)}
        packet = rtp.Packet(
            self.codec.payload_type,
            marker,
            self._sequence,
            shifted,
            self.ssrc,
            extensions,
            payload,
        )
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._keep(packet, self._protect(rtp.build(packet)))
        self.packets += 1
        self.octets += len(payload)

    def skip(self) -> None:
        """Leave out a number, as if a packet had been lost at once."""
        self._sequence = (self._sequence + 1) & 0xFFFF

    def captured(self, timestamp: int, at: float) -> None:
        """When the frame with this timestamp was taken: what reports are reckoned from."""
        self._reference = (at, timestamp + self._timestamp_offset)

    def again(self, sequences: list[int], now: float) -> None:
        """Send again what is asked for and kept (RFC 4588, or the very same packet)."""
        for number in sequences:
            self.nacked += 1
            kept = self._kept.get(number & 0xFFFF)
            if kept is None:
                continue
            packet, protected = kept
            self.repeated += 1
            if not self.rtx_ssrc:
                # The bytes as they were: protected anew they would use a nonce twice.
                self._resend(protected)
                continue
            assert self.codec.rtx is not None
            repeated = packet._replace(
                payload_type=self.codec.rtx,
                sequence=self._rtx_sequence,
                ssrc=self.rtx_ssrc,
                extensions={**self._repaired, **self._stamps(now)},
                payload=packet.sequence.to_bytes(2, "big") + packet.payload,
            )
            self._rtx_sequence = (self._rtx_sequence + 1) & 0xFFFF
            self._protect(rtp.build(repeated))

    def report(self, now: float, ntp: int) -> bytes:
        """A sender report; empty: nothing was sent yet.

        Args:
            ntp: the time as NTP has it, of the clock that all sources of the publisher share.
        """
        if not self.packets:
            return b""
        at, timestamp = self._reference
        here = int(timestamp + (now - at) * self.codec.clock_rate) & 0xFFFFFFFF
        return rtcp.sender_report(self.ssrc, ntp, here, self.packets, self.octets)

    def _keep(self, packet: rtp.Packet, protected: bytes) -> None:
        # Numbers that come round again replace what they had, and stand at the end again.
        self._kept.pop(packet.sequence, None)
        self._kept[packet.sequence] = (packet, protected)
        if len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
