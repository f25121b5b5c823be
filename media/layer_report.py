"""What a layer's counters say: to its publisher, in a report, and over the last seconds."""

from media.layer import Layer
from media.rates import SECONDS, Counters
from media.reception import CYCLE
from media.rtcp_reports import ReportBlock


def block(layer: Layer, now: float) -> ReportBlock:
    """How a layer's source, which there must be, is received (RFC 3550, 6.4.1)."""
    reception = layer.reception
    report = layer.sender_report
    return ReportBlock(
        ssrc=layer.ssrc or 0,
        fraction_lost=reception.fraction_lost(),
        lost=reception.lost,
        highest=reception.highest - CYCLE,
        jitter=int(layer.timeline.jitter),
        last_report=0 if report is None else layer.last_report,
        delay=0 if report is None else int((now - report[2]) * 65536),
    )


def counters(layer: Layer, now: float) -> Counters:
    """What was counted so far. What is still asked for is neither here nor lost."""
    timeline = layer.timeline
    sent = layer.last_sequence - layer.first_sequence + 1
    return Counters(
        at=now,
        bytes=layer.bytes,
        frames=timeline.frames,
        backward=timeline.backward,
        expected=sent - len(layer.missing),
        kept=layer.packets,
    )


def sample(layer: Layer, now: float) -> None:
    """Look at the counters; to be called about once a second."""
    layer.rates.sample(counters(layer, now))


def recently(layer: Layer, now: float) -> tuple[Counters, Counters]:
    """The counters of some seconds ago, and those of now."""
    return layer.rates.since(SECONDS, now), counters(layer, now)
