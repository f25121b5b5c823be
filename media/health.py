"""How a publisher's layers are, in figures and in what the streamer can put right."""

from collections.abc import Iterable

from media.layer import Layer
from media.layer_report import recently
from media.track import Track
from protocol.streams import HealthWarning, TrackHealth

HIGH_LOSS = 0.02
HIGH_JITTER_SECONDS = 0.05
RARE_KEYFRAMES_SECONDS = 4.0
# An encoder that has not answered so many requests does not answer them.
UNANSWERED = 4
LOW_BITRATE = 150_000
# A track that was agreed upon, and of which nothing has come for so long.
SILENT_SECONDS = 5.0
# B-frames go back once in a group of two or three; this many are no accident of one frame.
BACKWARD = 3
# Not in every browser: AV1 is missing where the machine has no decoder for it (Safari).
UNCOMMON = frozenset({"AV1", "H265"})


def of_layer(layer: Layer, now: float) -> TrackHealth:
    """How one layer is, over the last seconds."""
    then, present = recently(layer, now)
    elapsed = present.at - then.at
    video = layer.kind == "video"
    round_trip = layer.missing.round_trip
    return TrackHealth(
        kind=layer.kind,
        codec=layer.codec.name,
        rid=layer.rid,
        bitrate=layer.bitrate(now),
        packets=layer.packets,
        loss=loss(layer, now),
        jitter=layer.timeline.jitter / layer.clock_rate * 1000,
        frame_rate=(present.frames - then.frames) / elapsed if video and elapsed else None,
        width=layer.width,
        height=layer.height,
        keyframe_interval=keyframe_interval(layer, now) if video else None,
        round_trip=None if round_trip is None else round_trip * 1000,
    )


def loss(layer: Layer, now: float) -> float:
    """The fraction that is lost in spite of retransmission, over the last seconds."""
    then, present = recently(layer, now)
    expected = present.expected - then.expected
    lost = expected - (present.kept - then.kept)
    return lost / expected if 0 < lost <= expected else 0.0


def keyframe_interval(layer: Layer, now: float) -> float | None:
    """Seconds between keyframes: of the last two, or since the last, if that is longer."""
    pictures = layer.pictures
    if pictures.keyframe_at is None:
        return None
    since = now - pictures.keyframe_at
    if pictures.interval is None:
        return since if since > RARE_KEYFRAMES_SECONDS else None
    return max(since, pictures.interval)


def warnings(tracks: Iterable[Track], now: float, *, since: float) -> list[HealthWarning]:
    """What is wrong with what comes, each thing once.

    Args:
        since: when the publisher was connected.
    """
    found = set()
    for track in tracks:
        active = [layer for layer in track.layers if layer.active(now)]
        if active:
            for layer in active:
                found |= _of_active(layer, now)
            if track.kind == "video" and _low(active, now, since):
                found.add(HealthWarning.LOW_BITRATE)
        elif now - since >= SILENT_SECONDS and not any(layer.dropping for layer in track.layers):
            video = track.kind == "video"
            found.add(HealthWarning.NO_VIDEO if video else HealthWarning.NO_AUDIO)
    return [warning for warning in HealthWarning if warning in found]


def _low(active: list[Layer], now: float, since: float) -> bool:
    return (
        now - since >= SILENT_SECONDS and max(layer.bitrate(now) for layer in active) < LOW_BITRATE
    )


def _of_active(layer: Layer, now: float) -> set[HealthWarning]:
    found = set()
    if loss(layer, now) >= HIGH_LOSS:
        found.add(HealthWarning.HIGH_LOSS)
    if layer.timeline.jitter / layer.clock_rate > HIGH_JITTER_SECONDS:
        found.add(HealthWarning.HIGH_JITTER)
    if layer.codec.name in UNCOMMON:
        found.add(HealthWarning.UNSUPPORTED_BY_SOME)
    if layer.kind == "video":
        found |= _of_pictures(layer, now)
    if HealthWarning.B_FRAMES in found:
        # Their timestamps go back and forth, which counts as jitter and is none.
        found.discard(HealthWarning.HIGH_JITTER)
    return found


def _of_pictures(layer: Layer, now: float) -> set[HealthWarning]:
    found = set()
    interval = keyframe_interval(layer, now)
    if interval is not None and interval > RARE_KEYFRAMES_SECONDS:
        found.add(HealthWarning.RARE_KEYFRAMES)
    if layer.keyframes.wanted and layer.keyframes.tries >= UNANSWERED:
        found.add(HealthWarning.NO_KEYFRAMES)
    then, present = recently(layer, now)
    if present.backward - then.backward >= BACKWARD:
        found.add(HealthWarning.B_FRAMES)
    return found
