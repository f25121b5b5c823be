"""Moving pictures and sound, encoded once: what light publishers send and viewers must decode."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import av
from av.audio.codeccontext import AudioCodecContext
from av.video.codeccontext import VideoCodecContext

WIDTH, HEIGHT = 320, 180
FRAME_RATE = 30
GROUP = 60  # pictures; two seconds, as streamers are told to set
GROUPS = 3
SOUND_SECONDS = 2
SOUND_RATE = 48_000
SOUND_SAMPLES = 960  # of a packet: 20 ms

_ENCODERS: dict[str, tuple[str, dict[str, str]]] = {
    "H264": ("libx264", {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline"}),
    "VP8": ("libvpx", {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}),
}
_DECODERS = {"H264": "h264", "VP8": "libvpx"}


@dataclass(frozen=True, slots=True)
class Picture:
    """One encoded picture, and what a decoder must make of it: the digest of its planes."""

    data: bytes
    digest: bytes


class Screen:
    """Decodes pictures. Both codecs are defined to the bit, so a digest says that all is right."""

    def __init__(self, codec: str) -> None:
        self._context = av.CodecContext.create(_DECODERS[codec], "r")
        assert isinstance(self._context, VideoCodecContext)
        self._context.thread_count = 1  # several would keep pictures back

    def decode(self, data: bytes) -> list[bytes]:
        """The digests of the pictures that come out."""
        return [_digest(frame) for frame in self._context.decode(av.Packet(data))]


class Speaker:
    """Decodes sound."""

    def __init__(self) -> None:
        self._context = av.CodecContext.create("libopus", "r")
        assert isinstance(self._context, AudioCodecContext)

    def decode(self, data: bytes) -> int:
        """How many samples come out."""
        return sum(frame.samples for frame in self._context.decode(av.Packet(data)))


@cache
def groups(codec: str, size: tuple[int, int] = (WIDTH, HEIGHT)) -> tuple[tuple[Picture, ...], ...]:
    """Groups of pictures, each of which can be shown after any other."""
    name, options = _ENCODERS[codec]
    encoder = av.CodecContext.create(name, "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height = size
    encoder.pix_fmt = "yuv420p"
    encoder.bit_rate = 600_000 * size[0] * size[1] // (WIDTH * HEIGHT)
    encoder.time_base, encoder.framerate = Fraction(1, FRAME_RATE), Fraction(FRAME_RATE)
    encoder.gop_size = GROUP
    encoder.thread_count = 1
    encoder.options = options
    screen = Screen(codec)
    found: list[list[Picture]] = []
    for frame in _scene(size, GROUPS * GROUP):
        for packet in encoder.encode(frame):
            data = bytes(packet)
            if packet.is_keyframe:
                found.append([])
            [digest] = screen.decode(data)
            found[-1].append(Picture(data, digest))
    assert [len(group) for group in found] == [GROUP] * GROUPS
    return tuple(tuple(group) for group in found)


@cache
def sound() -> tuple[bytes, ...]:
    """Packets of opus, 20 ms each: a tone that rises."""
    encoder = av.CodecContext.create("libopus", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = SOUND_RATE, "stereo", "s16"
    encoder.time_base = Fraction(1, SOUND_RATE)
    packets = []
    for number in range(SOUND_SECONDS * SOUND_RATE // SOUND_SAMPLES):
        frame = av.AudioFrame(format="s16", layout="stereo", samples=SOUND_SAMPLES)
        period = 40 + number
        wave = b"".join(
            (8_000 if place % period < period // 2 else -8_000).to_bytes(2, "little", signed=True)
            * 2
            for place in range(SOUND_SAMPLES)
        )
        frame.planes[0].update(wave)
        frame.sample_rate, frame.pts = SOUND_RATE, number * SOUND_SAMPLES
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(packets)


def _scene(size: tuple[int, int], count: int) -> Iterator[av.VideoFrame]:
    """A texture that moves in two directions and changes its colours."""
    for number in range(count):
        frame = av.VideoFrame(*size, "yuv420p")
        for which, plane in enumerate(frame.planes):
            width = plane.line_size
            row = bytes((x * 3 + number * 5 + which * 40) & 255 for x in range(width + 64))
            shifts = ((y + number) % 64 for y in range(plane.height))
            plane.update(b"".join(row[shift : shift + width] for shift in shifts))
        frame.pts, frame.time_base = number, Fraction(1, FRAME_RATE)
        yield frame


def _digest(frame: av.VideoFrame) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for plane in frame.planes:
        # Lines are padded to what suits the decoder.
        data, width = bytes(plane), plane.width
        for start in range(0, plane.line_size * plane.height, plane.line_size):
            digest.update(data[start : start + width])
    return digest.digest()
