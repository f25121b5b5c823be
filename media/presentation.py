"""When a frame is to be seen, across layers and publishers; and the line audio and video share.

Each layer has a random offset of its own in its timestamps. The publisher's sender reports say
which of its wall clock's moments goes with which timestamp (RFC 3550, 6.4.1), so they tell how far
two frames are apart, of whatever layers; where there are none, the times of arrival do.
"""

from typing import TYPE_CHECKING

from media.packet import Packet

if TYPE_CHECKING:
    from media.layer import Layer

# What a frame is later than the one before it at least, where the clocks do not say so.
LEAST_STEP = 0.001
# Reports that would have packets come this much earlier or later than they did are not believed.
PLAUSIBLE = 2.0
# Of each new report's difference, what the line moves by: the reports' own way here jitters, the
# clocks' drift is slow.
SMOOTHING = 0.05

_NTP_FRACTION = 1 << 32
_TIMESTAMPS = 1 << 32


def captured(layer: "Layer", timestamp: int) -> float | None:
    """Seconds of the publisher's wall clock at which a frame was taken; None: it has not said."""
    report = layer.sender_report
    if report is None:
        return None
    ntp, rtp, _ = report
    return ntp / _NTP_FRACTION + _signed(timestamp - rtp) / layer.clock_rate


def step(last: Packet, following: Packet) -> float:
    """Seconds from one frame to another that is shown after it, perhaps of another layer."""
    arrived = following.arrival - last.arrival
    if last.layer.track is following.layer.track:
        one = captured(last.layer, last.timestamp)
        other = captured(following.layer, following.timestamp)
        if one is not None and other is not None and abs(other - one - arrived) < PLAUSIBLE:
            return max(other - one, LEAST_STEP)
    return max(arrived, LEAST_STEP)


class Line:
    """One publisher's wall clock, on ours: one for all of its tracks.

    Any error in it is the same for audio and video, so it moves both and not one against the other.
    """

    __slots__ = ("_offset", "_reports")

    def __init__(self) -> None:
        self._offset = 0.0
        self._reports: dict[Layer, float] = {}  # when the last one that was looked at came

    def timestamp(self, layer: "Layer", newest: Packet, now: float) -> int:
        """The layer's timestamp at this moment, 32 bits: what a sender report is to say.

        Args:
            newest: a packet of the layer, by which to go where the publisher sends no reports.
        """
        report = layer.sender_report
        if report is None:
            since = now - newest.arrival
            return (newest.timestamp + round(since * layer.clock_rate)) % _TIMESTAMPS
        if layer not in self._reports:
            self.follow(layer)
        ntp, rtp, _ = report
        since = now - self._offset - ntp / _NTP_FRACTION
        return (rtp + round(since * layer.clock_rate)) % _TIMESTAMPS

    def follow(self, layer: "Layer") -> None:
        """Take a layer's last report into account.

        To be called of all layers before `timestamp` of any: between two of one moment the line
        must not move.
        """
        report = layer.sender_report
        if report is None or self._reports.get(layer) == report[2]:
            return
        ntp, _, arrival = report
        offset = arrival - ntp / _NTP_FRACTION
        if not self._reports or abs(offset - self._offset) > PLAUSIBLE:
            self._offset = offset
        else:
            self._offset += (offset - self._offset) * SMOOTHING
        self._reports[layer] = arrival


def ntp_time(now: float) -> int:
    """A moment as 32.32 bits of seconds. Of our monotonic clock: nobody compares it with another.

    RFC 3550 (6.4.1) allows it: what counts is that all that we send is on one line.
    """
    return int(now * _NTP_FRACTION) & 0xFFFFFFFFFFFFFFFF


def _signed(difference: int) -> int:
    return (difference + (1 << 31)) % _TIMESTAMPS - (1 << 31)
