"""Chromium takes what media/sdp_answer.py answers it."""

import shutil
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from media.description import Answer
from media.sdp import Offer, parse_offer
from media.sdp_answer import play_answer, publish_answer
from tests.media.offering import LOCAL, OUTGOING

pytestmark = pytest.mark.browser

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]
RECEIVE = """
    pc.addTransceiver('audio', {direction: 'recvonly'});
    pc.addTransceiver('video', {direction: 'recvonly'});
"""
CAMERA = """
    const camera = await navigator.mediaDevices.getUserMedia({audio: true, video: true});
    const [sound] = camera.getAudioTracks(), [picture] = camera.getVideoTracks();
"""
SEND = CAMERA + "for (const track of camera.getTracks()) pc.addTrack(track, camera);"
LAYERS = (
    CAMERA
    + """
    pc.addTransceiver(sound, {direction: 'sendonly'});
    const sendEncodings = [{rid: 'q', scaleResolutionDownBy: 4}, {rid: 'f'}];
    pc.addTransceiver(picture, {direction: 'sendonly', sendEncodings});
"""
)
DATA = "pc.createDataChannel('chat');"
ANSWERED = """async (sdp) => {
    await pc.setRemoteDescription({type: 'answer', sdp});
    return {
        directions: pc.getTransceivers().map(one => [one.mid, one.currentDirection]),
        sent: pc.getSenders().map(one => one.getParameters()).map(one => [
            one.codecs.map(codec => codec.mimeType)[0], one.encodings.map(layer => layer.rid)]),
    };
}"""


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    assert shutil.which(CHROMIUM), "Install Debian's package chromium."
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = await browser.new_page()

        async def empty(route: Any) -> None:
            await route.fulfill(body="<!doctype html><title>Live</title>", content_type="text/html")

        # A camera needs a secure context, which localhost is; nothing is asked of the network.
        await page.route("**/*", empty)
        await page.goto("http://localhost/")
        yield page
        await browser.close()


async def answered(page: Page, policy: str, setup: str, answer: Callable[[Offer], Answer]) -> Any:
    """What Chromium makes of the answer to an offer made like this."""
    offered = await page.evaluate(f"""async () => {{
        const pc = window.pc = new RTCPeerConnection({{bundlePolicy: '{policy}'}});
        {setup}
        await pc.setLocalDescription(await pc.createOffer());
        return pc.localDescription.sdp;
    }}""")
    return await page.evaluate(ANSWERED, answer(parse_offer(offered)).sdp)


def publish(offered: Offer) -> Answer:
    return publish_answer(offered, LOCAL, bitrate=2_500_000)


def play(*kinds: str) -> Callable[[Offer], Answer]:
    tracks = [track for track in OUTGOING if track.kind in kinds]
    return lambda offered: play_answer(offered, LOCAL, tracks=tracks, cname="c", stream="live")


@pytest.mark.parametrize("policy", ["balanced", "max-bundle"])
async def test_it_watches(page: Page, policy: str) -> None:
    found = await answered(page, policy, RECEIVE, play("audio", "video"))
    assert found["directions"] == [["0", "recvonly"], ["1", "recvonly"]]
    found = await answered(page, policy, DATA + RECEIVE, play("audio", "video"))
    assert found["directions"] == [["0", "recvonly"], ["1", "recvonly"]]
    # The audio section, which there is none for, is the one with the transport.
    found = await answered(page, policy, RECEIVE, play("video"))
    assert found["directions"] == [["0", "inactive"], ["1", "recvonly"]]
    found = await answered(page, policy, RECEIVE, play("audio"))
    assert found["directions"] == [["0", "recvonly"], ["1", "inactive"]]


@pytest.mark.parametrize("policy", ["balanced", "max-bundle"])
async def test_it_publishes(page: Page, policy: str) -> None:
    found = await answered(page, policy, SEND, publish)
    assert found["directions"] == [["0", "sendonly"], ["1", "sendonly"]]
    assert [codec for codec, _ in found["sent"]] == ["audio/opus", "video/VP8"]
    found = await answered(page, policy, DATA + SEND + RECEIVE, publish)
    assert found["directions"][:2] == [["0", "sendonly"], ["1", "sendonly"]]
    # What it would send comes behind what it would receive.
    receive_first = RECEIVE + CAMERA + "pc.addTransceiver(picture, {direction: 'sendonly'});"
    found = await answered(page, policy, receive_first, publish)
    assert found["directions"] == [["0", "inactive"], ["2", "sendonly"]]


@pytest.mark.parametrize("policy", ["balanced", "max-bundle"])
async def test_it_publishes_in_layers(page: Page, policy: str) -> None:
    found = await answered(page, policy, LAYERS, publish)
    assert found["directions"] == [["0", "sendonly"], ["1", "sendonly"]]
    assert found["sent"][1] == ["video/VP8", ["q", "f"]]
