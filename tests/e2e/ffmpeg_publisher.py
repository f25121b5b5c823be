"""FFmpeg publishes a stream over WHIP, as a process of its own: `python -m ... URL KEY`.

PyAV has FFmpeg's own muxer `whip`, which connects, shakes hands and sends by itself. The picture is
a bright bar that moves over a dark ground, the sound a tone of 440 Hz. One line is printed when the
server has answered; the end is SIGTERM.
"""

import math
import signal
import sys
import tempfile
import time
from array import array
from pathlib import Path
from typing import Any

import av
from aiortc.rtcdtlstransport import RTCCertificate
from cryptography.hazmat.primitives import serialization

WIDTH, HEIGHT, RATE = 320, 180, 30
SAMPLE_RATE, SAMPLES = 48_000, 960
BAR = 20
GROUP = 60  # frames from one keyframe to the next


def write_certificate(folder: Path) -> dict[str, str]:
    """A certificate of P-256: with GnuTLS, FFmpeg would make one of secp224r1, which OpenSSL 4
    refuses.
    """
    made = RTCCertificate.generateCertificate()
    pem = serialization.Encoding.PEM
    (folder / "cert.pem").write_bytes(made._cert.public_bytes(pem))
    key = made._key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(key)
    return {"cert_file": str(folder / "cert.pem"), "key_file": str(folder / "key.pem")}


def picture(number: int) -> av.VideoFrame:
    """The frame of this number: the bar stands at four pixels a frame."""
    frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    left = number * 4 % (WIDTH - BAR)
    for plane, value in zip(frame.planes, (40, 128, 128), strict=True):
        row = bytearray([value]) * plane.line_size
        if value == 40:
            row[left : left + BAR] = b"\xe6" * BAR
        plane.update(bytes(row) * plane.height)
    frame.pts = number
    return frame


def tone(number: int) -> av.AudioFrame:
    """20 ms of the tone."""
    samples = array("h")
    for index in range(number * SAMPLES, (number + 1) * SAMPLES):
        sample = int(12_000 * math.sin(2 * math.pi * 440 * index / SAMPLE_RATE))
        samples.extend((sample, sample))
    frame = av.AudioFrame(format="s16", layout="stereo", samples=SAMPLES)
    frame.planes[0].update(samples.tobytes())
    frame.sample_rate = SAMPLE_RATE
    frame.pts = number * SAMPLES
    return frame


def publish(url: str, key: str, *, own_certificate: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        options = {"authorization": key}
        if not own_certificate:
            options |= write_certificate(Path(folder))
        with av.open(url, "w", format="whip", options=options) as container:
            send(container)


def send(container: Any) -> None:
    """Encode and send in real time, until the process is told to end."""
    video = container.add_stream("libx264", rate=RATE)
    video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    video.options = {"profile": "baseline", "tune": "zerolatency", "preset": "ultrafast", "bf": "0"}
    video.codec_context.gop_size = GROUP
    audio = container.add_stream("libopus", rate=SAMPLE_RATE, layout="stereo")
    container.start_encoding()
    print("connected", flush=True)
    begin, pictures, tones = time.monotonic(), 0, 0
    while not ended:
        now = time.monotonic() - begin
        while pictures / RATE <= now:
            container.mux(video.encode(picture(pictures)))
            pictures += 1
        while tones * SAMPLES / SAMPLE_RATE <= now:
            container.mux(audio.encode(tone(tones)))
            tones += 1
        time.sleep(0.005)


ended = False


def end(*_: object) -> None:
    global ended  # noqa: PLW0603 - a signal's handler has nothing else
    ended = True


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, end)
    publish(*sys.argv[1:3], own_certificate="own-certificate" in sys.argv)
