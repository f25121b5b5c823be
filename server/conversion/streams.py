"""From one container into another: streams copied as they are, or decoded and encoded."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple, TypeAlias

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.filter import Graph
from av.packet import Packet as AnyPacket
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from server.conversion.order import Limits, Unconvertible

Packet: TypeAlias = "AnyPacket[Stream]"

LONG_SIDE, SHORT_SIDE = 1920, 1080
FRAMES_PER_SECOND = 60
DECODED_PER_SECOND = 240  # more pictures than that are no slow motion, but an attack
SAMPLES_PER_SECOND = 48_000
AUDIO_BITS = 128_000
GAP_SAMPLES = SAMPLES_PER_SECOND // 10  # less is nothing that anybody hears
THREADS = 2

_QUALITY = {"preset": "veryfast", "crf": "23", "profile": "high"}
# As MP4 and most else count, and fine enough for any rate of pictures.
_TICK = Fraction(1, 90_000)


class Target(NamedTuple):
    """What is written: FFmpeg's name of the format, and its media type."""

    format: str
    type: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Which streams are written, and how: copied, or encoded as H.264 and AAC.

    Attributes:
        picture: the first of the video, decoded. None: the video is copied.
    """

    video: VideoStream | None
    audio: AudioStream | None
    target: Target
    copy_audio: bool = False
    picture: VideoFrame | None = None


def write(source: InputContainer, path: Path, plan: Plan, limits: Limits) -> None:
    """Write the streams of the plan into a file.

    Raises:
        Unconvertible: there is more in them than the file's head has said, or nothing.
        av.FFmpegError: they are broken.
    """
    options = {"movflags": "+faststart"} if plan.target.format == "mp4" else {}
    with av.open(str(path), "w", format=plan.target.format, container_options=options) as target:
        carriers = _carriers(plan, target)
        written = 0
        for packet in source.demux([stream for stream in (plan.video, plan.audio) if stream]):
            _judge_time(packet, limits)
            for ready in carriers[packet.stream.index].carry(packet):
                target.mux(ready)
                written += 1
        for carrier in carriers.values():
            for ready in carrier.end():
                target.mux(ready)
                written += 1
        if not written:
            raise Unconvertible("There is nothing in it that can be decoded. Send another one.")


def _carriers(
    plan: Plan, target: OutputContainer
) -> "dict[int, _Copy | _VideoCoder | _AudioCoder]":
    carriers: dict[int, _Copy | _VideoCoder | _AudioCoder] = {}
    if plan.video is not None:
        if plan.picture is None:
            carriers[plan.video.index] = _Copy(plan.video, target)
        else:
            carriers[plan.video.index] = _VideoCoder(plan.video, target, plan.picture)
    if plan.audio is not None:
        audio = _Copy if plan.copy_audio else _AudioCoder
        carriers[plan.audio.index] = audio(plan.audio, target)
    return carriers


def _judge_time(packet: Packet, limits: Limits) -> None:
    """What the head says of the duration may be wrong, or nothing at all."""
    if limits.seconds and packet.pts is not None and packet.time_base is not None:
        start = packet.stream.start_time or 0
        if (packet.pts - start) * packet.time_base > limits.seconds + 1:
            raise Unconvertible(f"It is longer than {limits.seconds} seconds. Send a shorter one.")


class _Copy:
    """Packets as they are."""

    def __init__(self, stream: VideoStream | AudioStream, target: OutputContainer) -> None:
        # Opaque: with all parameters of the codec, instead of those that an encoder would need.
        self._written = target.add_stream_from_template(stream, opaque=True)
        self._written.metadata.clear()

    def carry(self, packet: Packet) -> Iterator[Packet]:
        if packet.size:  # else it is the empty one at the end
            packet.stream = self._written
            yield packet

    def end(self) -> Iterator[Packet]:
        return iter(())


class _VideoCoder:
    """Pictures to H.264: upright, with square pixels, at most 1080p at 60 a second."""

    def __init__(self, stream: VideoStream, target: OutputContainer, picture: VideoFrame) -> None:
        self._stream = stream
        stream.thread_count = THREADS
        rate = stream.average_rate or stream.guessed_rate or Fraction(30)
        self._rate = min(max(rate, Fraction(1)), Fraction(FRAMES_PER_SECOND))
        self._is_fast = rate > FRAMES_PER_SECOND
        self._coded = target.add_stream("libx264", rate=self._rate, options=_QUALITY)
        self._coded.thread_count = THREADS
        # The size has to be known before the first packet of all streams is written.
        self._size = _upright_size(picture, stream.sample_aspect_ratio)
        self._coded.width, self._coded.height = self._size
        self._coded.pix_fmt = "yuv420p"
        self._coded.codec_context.time_base = _TICK
        self._graph: Graph | None = None
        self._decoded = 0
        self._last: int | None = None

    def carry(self, packet: Packet) -> Iterator[Packet]:
        try:
            frames = self._stream.decode(packet)
        except av.InvalidDataError:  # one broken picture is no reason to lose the others
            return
        for frame in frames:
            self._count(frame)
            graph = self._graph = self._graph or self._filters(frame)
            graph.vpush(frame)
            yield from self._filtered(graph)

    def end(self) -> Iterator[Packet]:
        if self._graph is None:
            raise Unconvertible("No picture of the video can be decoded. Send another one.")
        self._graph.vpush(None)
        yield from self._filtered(self._graph)
        yield from self._coded.encode(None)

    def _count(self, frame: VideoFrame) -> None:
        if frame.pts is None:
            frame.pts = int(self._decoded / self._rate / _TICK)
            frame.time_base = _TICK
        self._decoded += 1
        elapsed = float((frame.pts - (self._stream.start_time or 0)) * (frame.time_base or 1))
        if self._decoded > (max(0.0, elapsed) + 10) * DECODED_PER_SECOND:
            raise Unconvertible("The video has too many pictures a second. Send another one.")

    def _filtered(self, graph: Graph) -> Iterator[Packet]:
        while True:
            try:
                frame = graph.vpull()
            except (av.BlockingIOError, av.EOFError):
                return
            if self._last is not None and frame.pts is not None and frame.pts <= self._last:
                continue  # time that goes back in a broken file
            self._last = frame.pts
            frame.pict_type = 0  # the encoder's to choose
            yield from self._coded.encode(frame)

    def _filters(self, frame: VideoFrame) -> Graph:
        """What a picture goes through; known only when the first one is decoded."""
        graph = Graph()
        node = graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=frame.time_base or _TICK,
        )
        steps: list[tuple[str, str | None]] = []
        if self._is_fast:
            steps.append(("fps", str(FRAMES_PER_SECOND)))
        steps += _turns(frame.rotation)
        steps += [("scale", "{}:{}".format(*self._size)), ("setsar", "1"), ("format", "yuv420p")]
        for name, arguments in [*steps, ("buffersink", None)]:
            following = graph.add(name, arguments)
            node.link_to(following)
            node = following
        graph.configure()
        return graph


class _AudioCoder:
    """Sounds to AAC.

    Their time is counted in samples, from where the first one is: the times of many containers are
    coarse, or go back. What is missing between two of them becomes silence.
    """

    def __init__(self, stream: AudioStream, target: OutputContainer) -> None:
        self._stream = stream
        layout = "mono" if stream.codec_context.channels == 1 else "stereo"
        self._layout = layout
        self._coded = target.add_stream("aac", rate=SAMPLES_PER_SECOND, layout=layout)
        self._coded.bit_rate = AUDIO_BITS
        self._samples: int | None = None
        self._resampler = av.AudioResampler("fltp", layout, SAMPLES_PER_SECOND)

    def carry(self, packet: Packet) -> Iterator[Packet]:
        try:
            frames = self._stream.decode(packet)
        except av.InvalidDataError:
            return
        for frame in frames:
            yield from self._silence_before(frame)
            frame.pts = None
            yield from self._encoded(self._resampler.resample(frame))

    def end(self) -> Iterator[Packet]:
        yield from self._encoded(self._resampler.resample(None))
        yield from self._coded.encode(None)

    def _silence_before(self, frame: AudioFrame) -> Iterator[Packet]:
        at = None if frame.time is None else max(0, round(frame.time * SAMPLES_PER_SECOND))
        if self._samples is None:
            self._samples = at or 0
        while at is not None and at - self._samples > GAP_SAMPLES:
            silence = AudioFrame(format="fltp", layout=self._layout, samples=GAP_SAMPLES)
            silence.rate = SAMPLES_PER_SECOND
            for plane in silence.planes:
                plane.update(bytes(plane.buffer_size))
            yield from self._encoded([silence])

    def _encoded(self, frames: Iterable[AudioFrame]) -> Iterator[Packet]:
        for frame in frames:
            assert self._samples is not None
            frame.pts, frame.time_base = self._samples, Fraction(1, SAMPLES_PER_SECOND)
            self._samples += frame.samples
            yield from self._coded.encode(frame)


def _turns(rotation: int) -> list[tuple[str, str | None]]:
    """The filters that make a picture upright, whose head is turned by so many degrees."""
    match round(rotation / 90) % 4:
        case 1:
            return [("transpose", "cclock")]
        case 2:
            return [("hflip", None), ("vflip", None)]
        case 3:
            return [("transpose", "clock")]
    return []


def _upright_size(frame: VideoFrame, aspect: Fraction | None) -> tuple[int, int]:
    """Even numbers, as H.264 needs them, within 1080p, never larger than the original."""
    width, height = float(frame.width), float(frame.height)
    if aspect and Fraction(1, 4) < aspect < 4:
        width *= float(aspect)
    if round(frame.rotation / 90) % 2:
        width, height = height, width
    long, short = max(width, height), min(width, height)
    scale = min(1.0, LONG_SIDE / long, SHORT_SIDE / short)
    return tuple(max(2, round(side * scale / 2) * 2) for side in (width, height))  # type: ignore[return-value]
