"""Live streams in Chromium: the pages, from the camera of one to the screen of another."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.e2e.ffmpeg import FFmpeg
from tests.e2e.process import ServerProcess
from tests.web.conftest import ARGUMENTS, CHROMIUM
from tests.web.person import Person

pytestmark = pytest.mark.browser

# A camera that shows a moving pattern, a microphone that beeps; and sound without a gesture.
DEVICES = [
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
]
KEEP_PEERS = """
window.peers = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...settings) { super(...settings); window.peers.push(this); }
};
"""
# What the newest connection has received so far, by kind.
RECEIVED = """
async () => {
    const peer = window.peers.at(-1);
    const found = {};
    for (const stat of (await peer.getStats()).values()) {
        if (stat.type === "inbound-rtp") found[stat.kind] = stat;
    }
    return found;
}
"""
PLAYS = """
async ([frames, energy]) => {
    for (;;) {
        let decoded = 0, heard = 0;
        for (const stat of (await window.peers.at(-1)?.getStats() ?? new Map()).values()) {
            if (stat.type !== "inbound-rtp") continue;
            if (stat.kind === "video") decoded = stat.framesDecoded ?? 0;
            else heard = stat.totalAudioEnergy ?? 0;
        }
        if (decoded >= frames && heard > energy) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}
"""
PICTURE_MOVES = """
async () => {
    const video = document.querySelector("video");
    const canvas = document.createElement("canvas");
    canvas.width = 64; canvas.height = 36;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const look = () => {
        context.drawImage(video, 0, 0, 64, 36);
        return context.getImageData(0, 0, 64, 36).data.join();
    };
    const first = look();
    return new Promise((resolve) => {
        const next = () =>
            look() === first ? video.requestVideoFrameCallback(next) : resolve(true);
        video.requestVideoFrameCallback(next);
    });
}
"""


@pytest.fixture(scope="module")
async def cameras() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*ARGUMENTS, *DEVICES]
        )
        yield browser
        await browser.close()


# A viewer asks again for a stream that is over.
OFFLINE = r"409 \(Conflict\)"


@pytest.fixture
async def people(cameras: Browser, served: ServerProcess) -> AsyncIterator[list[Person]]:
    """Those who take part; at the end nobody's console may have complained."""
    people: list[Person] = []
    yield people
    for person in people:
        await person.context.close()
    for person in people:
        person.allow(OFFLINE)
        person.check()


async def somebody(
    cameras: Browser, served: ServerProcess, people: list[Person], name: str, *, known: bool = True
) -> Person:
    person = await Person.arrive(cameras, served.url, name)
    await person.context.add_init_script(KEEP_PEERS)
    people.append(person)
    if known:
        await person.sign_up()
    return person


async def go_live(person: Person, url: str, title: str, **choices: str) -> str:
    """Stream from the camera, by hand; the address at which others watch."""
    page = person.page
    await page.goto(f"{url}/live/new")
    await page.get_by_label("Title").fill(title)
    await page.get_by_role("button", name="Continue").click()
    for label, option in choices.items():
        await page.get_by_label(label).select_option(label=option)
    await page.get_by_role("button", name="Go live").click()
    await expect(page.get_by_text("You are live.")).to_be_visible()
    address = await page.locator(".live-link a").get_attribute("href")
    assert address is not None
    return address


async def plays(page: Page, *, frames: int = 30, energy: float = 0.0) -> None:
    """Wait until pictures are decoded, and sound is heard."""
    async with asyncio.timeout(30):
        await page.evaluate(PLAYS, [frames, energy])


@pytest.mark.parametrize("codec", ["H.264", "VP8"])
async def test_chromium_publishes_and_chromium_plays(
    cameras: Browser, served: ServerProcess, people: list[Person], codec: str
) -> None:
    ada = await somebody(cameras, served, people, "ada")
    address = await go_live(ada, served.url, "Weaving by hand", Codec=codec)
    bob = await somebody(cameras, served, people, "bob")
    await bob.page.goto(address)
    await expect(bob.page.get_by_role("heading", name="Weaving by hand")).to_be_visible()
    await plays(bob.page)
    assert await bob.page.evaluate(PICTURE_MOVES)
    received = await bob.page.evaluate(RECEIVED)
    assert received["video"]["frameWidth"] >= 320
    await expect(bob.page.get_by_text("1 viewer")).to_be_visible()
    await expect(ada.page.get_by_text("1 viewer")).to_be_visible()
    await expect(ada.page.get_by_role("group", name="Health")).to_contain_text(
        codec.replace(".", "")
    )


async def test_chromium_plays_what_ffmpeg_publishes(
    cameras: Browser, served: ServerProcess, people: list[Person]
) -> None:
    ada = await somebody(cameras, served, people, "ada")
    stream = await ada.rest("streams.create", "From an encoder")
    publisher = await FFmpeg.start(f"{served.url}{stream['publish_url']}", stream["stream_key"])
    try:
        await publisher.connected()
        guest = await somebody(cameras, served, people, "guest", known=False)
        await guest.page.goto(f"{served.url}/live/{stream['id']}")
        await plays(guest.page)
        assert await guest.page.evaluate(PICTURE_MOVES)
        received = await guest.page.evaluate(RECEIVED)
        assert (received["video"]["frameWidth"], received["video"]["frameHeight"]) == (320, 180)
        for kind in ("video", "audio"):  # the browser's own part of what is seen late
            stat = received[kind]
            waited = stat["jitterBufferDelay"] / stat["jitterBufferEmittedCount"]
            print(f"{kind} waits {waited * 1e3:.0f} ms to be played")
            assert waited < 0.5
        lost = received["video"]["framesReceived"] - received["video"]["framesDecoded"]
        assert lost <= 2  # being decoded
    finally:
        await publisher.end()


async def test_who_has_no_account_watches_and_is_asked_to_log_in_for_the_chat(
    cameras: Browser, served: ServerProcess, people: list[Person]
) -> None:
    ada = await somebody(cameras, served, people, "ada")
    address = await go_live(ada, served.url, "Open doors")
    guest = await somebody(cameras, served, people, "guest", known=False)
    await guest.page.goto(f"{served.url}/live")
    await guest.page.get_by_role("link", name=re.compile("Open doors")).click()
    await expect(guest.page).to_have_url(address)
    await plays(guest.page)
    await expect(guest.page.get_by_text("Log in to read along")).to_be_visible()


async def test_the_chat_beside_the_stream(
    cameras: Browser, served: ServerProcess, people: list[Person]
) -> None:
    ada = await somebody(cameras, served, people, "ada")
    address = await go_live(ada, served.url, "Talk")
    bob = await somebody(cameras, served, people, "bob")
    await bob.page.goto(address)
    chat = bob.page.get_by_role("region", name="Chat")
    await chat.get_by_role("textbox", name="Message").fill("Hello from the audience")
    await chat.get_by_role("textbox", name="Message").press("Enter")
    log = ada.page.get_by_role("log")
    await expect(log.get_by_text("Hello from the audience")).to_be_visible()
    await expect(log.get_by_text(bob.name)).to_be_visible()
    await ada.page.get_by_role("textbox", name="Message").fill("Welcome")
    await ada.page.get_by_role("textbox", name="Message").press("Enter")
    await expect(bob.page.get_by_role("log").get_by_text("Welcome")).to_be_visible()


async def test_viewers_recover_when_the_publisher_is_back(
    cameras: Browser, served: ServerProcess, people: list[Person]
) -> None:
    ada = await somebody(cameras, served, people, "ada")
    address = await go_live(ada, served.url, "On and off")
    bob = await somebody(cameras, served, people, "bob")
    await bob.page.goto(address)
    await plays(bob.page)
    before = (await bob.page.evaluate(RECEIVED))["video"]["framesDecoded"]
    # As if the network had gone: without a word to the server.
    await ada.page.evaluate("window.peers.at(-1).close()")
    await ada.page.reload()
    await ada.page.get_by_role("button", name="Go live").click()
    await expect(ada.page.get_by_text("You are live.")).to_be_visible()
    await plays(bob.page, frames=before + 30)
    assert await bob.page.evaluate("window.peers.length") == 1, "on the same connection"


async def test_the_end_of_the_stream_is_told_and_a_new_beginning_plays_by_itself(
    cameras: Browser, served: ServerProcess, people: list[Person]
) -> None:
    ada = await somebody(cameras, served, people, "ada")
    address = await go_live(ada, served.url, "Twice")
    bob = await somebody(cameras, served, people, "bob")
    await bob.page.goto(address)
    await plays(bob.page)
    await ada.page.get_by_role("button", name="End the stream").click()
    await expect(bob.page.locator(".live-badge")).to_have_text("Offline")
    await ada.page.get_by_role("button", name="Go live").click()
    await expect(bob.page.locator(".live-badge")).to_have_text("Live")
    await plays(bob.page)


async def test_followers_are_told_wherever_they_are(
    cameras: Browser, served: ServerProcess, people: list[Person]
) -> None:
    ada = await somebody(cameras, served, people, "ada")
    bob = await somebody(cameras, served, people, "bob")
    await bob.rest("graph.follow", await ada.account())
    address = await go_live(ada, served.url, "Good morning")
    note = bob.page.get_by_role("link", name=f"{ada.name} is live: Good morning")
    await expect(note).to_be_visible()
    await note.click()
    await expect(bob.page).to_have_url(address)
    await plays(bob.page)


async def test_simulcast_arrives_in_layers(
    cameras: Browser, served: ServerProcess, people: list[Person]
) -> None:
    ada = await somebody(cameras, served, people, "ada")
    address = await go_live(
        ada, served.url, "Three sizes", Codec="VP8", Sizes="Three: each viewer gets what fits"
    )
    bob = await somebody(cameras, served, people, "bob")
    await bob.page.goto(address)
    await plays(bob.page, frames=60)
    quality = bob.page.get_by_role("button", name="Quality")
    await quality.click()
    menu = bob.page.get_by_role("menu", name="Quality")
    await expect(menu).to_be_visible()
    sizes = menu.get_by_role("menuitemradio")
    texts = await sizes.all_inner_texts()
    assert texts[0].strip() == "Automatic"
    assert len(texts) >= 3, texts
    await sizes.last.click()
    smallest = int(texts[-1].strip().removesuffix("p"))
    async with asyncio.timeout(20):
        while (await bob.page.evaluate(RECEIVED))["video"]["frameHeight"] != smallest:
            await asyncio.sleep(0.1)


async def test_what_is_not_for_everybody_shows_nothing(
    cameras: Browser, served: ServerProcess, people: list[Person]
) -> None:
    guest = await somebody(cameras, served, people, "guest", known=False)
    guest.allow("404")
    await guest.page.goto(f"{served.url}/live/1")
    await expect(guest.page.get_by_text("Nothing to see here")).to_be_visible()
    await expect(guest.page.get_by_role("dialog", name="Log in")).to_be_visible()


async def test_the_pages_look_as_they_should(
    cameras: Browser, served: ServerProcess, people: list[Person], tmp_path: Path
) -> None:
    """Nothing sticks out of the window, on a desk and on a phone."""
    ada = await somebody(cameras, served, people, "ada")
    address = await go_live(ada, served.url, "A " + "very " * 12 + "long title")
    for width, height in ((1280, 800), (390, 844)):
        for url in (address, f"{served.url}/live", f"{served.url}/live/new"):
            bob = await Person.arrive(
                cameras, url, "eve", viewport={"width": width, "height": height}
            )
            people.append(bob)
            await expect(bob.page.get_by_role("main")).to_be_visible()
            wide = await bob.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width
            await bob.page.screenshot(path=tmp_path / f"{width}-{url.rsplit('/', 1)[1]}.png")
