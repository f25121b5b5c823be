"""FFmpeg publishes over WHIP, and aiortc watches: H.264 and Opus, encoded and decoded for real."""

import asyncio
import itertools
import time
from array import array
from collections.abc import AsyncIterator

import av
import pytest

from tests.e2e.ffmpeg import FFmpeg
from tests.e2e.ffmpeg_publisher import HEIGHT, SAMPLE_RATE, WIDTH, tone
from tests.e2e.site import Site
from tests.e2e.test_live_aiortc import Show, show_on

TONE = 440


@pytest.fixture
async def show(site: Site) -> AsyncIterator[Show]:
    async with show_on(site) as show:
        yield show


@pytest.fixture
async def ffmpeg(show: Show) -> AsyncIterator[FFmpeg]:
    publisher = await FFmpeg.start(show.publish_url, show.key)
    try:
        await publisher.connected()
        yield publisher
    finally:
        await publisher.end()


def bar_of(frame: av.VideoFrame) -> int | None:
    """Where the bright bar begins; None: there is none."""
    plane = frame.planes[0]
    start = HEIGHT // 2 * plane.line_size
    row = bytes(plane)[start : start + WIDTH]
    return next((index for index, value in enumerate(row) if value > 140), None)


def pitch_of(frame: av.AudioFrame) -> float:
    """In Hz, by the zero crossings of the left channel."""
    left = array("h", bytes(frame.planes[0]))[: frame.samples * 2 : 2]
    crossings = sum(1 for one, two in itertools.pairwise(left) if one < 0 <= two)
    return crossings * frame.sample_rate / frame.samples


async def test_pictures_and_sound_arrive(show: Show, ffmpeg: FFmpeg) -> None:
    player = await show.watch()
    frames = await player.frames(40)
    assert {(frame.width, frame.height) for frame in frames} == {(WIDTH, HEIGHT)}
    places = [bar_of(frame) for frame in frames]
    assert None not in places
    assert len(set(places)) > 20  # it moves
    pitches = [pitch_of(await player.frame("audio")) for _ in range(30)]
    assert sorted(pitches)[15] == pytest.approx(TONE, abs=60)
    health = await show.until(lambda shown: shown["state"] == "live")
    assert health["viewers"] == 1


async def test_who_comes_late_sees_a_picture_at_once(show: Show, ffmpeg: FFmpeg) -> None:
    """FFmpeg answers no request for a keyframe; the next one is up to two seconds away."""
    waits = []
    for _ in range(3):
        player = await show.watch()
        await player.frame()
        waits.append(time.monotonic() - player.connected_at)
        await asyncio.sleep(0.4)  # to another place between two keyframes
    print("first frame after DTLS:", ", ".join(f"{wait * 1e3:.0f} ms" for wait in waits))
    assert max(waits) < 1.0


async def test_viewers_recover_when_a_killed_publisher_is_back(show: Show, ffmpeg: FFmpeg) -> None:
    player = await show.watch()
    await player.frames(10)
    await ffmpeg.kill()
    again = await FFmpeg.start(show.publish_url, show.key)
    try:
        await again.connected()
        places = set()
        async with asyncio.timeout(20):
            while len(places) < 10:
                places.add(bar_of(await player.frame()))
        assert player.connection.connectionState == "connected"
        assert (await show.shown())["state"] == "live"
    finally:
        await again.end()


async def test_the_end_of_ffmpeg_is_the_end_of_the_stream(show: Show) -> None:
    publisher = await FFmpeg.start(show.publish_url, show.key)
    await publisher.connected()
    await show.until(lambda shown: shown["state"] == "live")
    assert await publisher.end() == ""
    await show.until(lambda shown: shown["state"] == "ended")


async def test_a_certificate_that_cannot_be_used_ends_the_session_and_nothing_else(
    show: Show,
) -> None:
    """With GnuTLS, FFmpeg's own certificate has a curve that OpenSSL 4 refuses."""
    publisher = await FFmpeg.start(show.publish_url, show.key, "own-certificate")
    _, complaints = await asyncio.wait_for(publisher.process.communicate(), 30)
    if publisher.process.returncode == 0:
        pytest.skip("this FFmpeg makes one that can be used")
    assert b"Error" in complaints
    assert (await show.shown())["state"] in ("idle", "ended")


def test_the_tone_is_what_the_publisher_makes() -> None:
    assert pitch_of(tone(3)) == pytest.approx(TONE, abs=60)
    assert tone(3).sample_rate == SAMPLE_RATE
