"""Files in messages: chosen, sent ahead, shown."""

import re
from pathlib import Path

import pytest
from playwright.async_api import FilePayload, Locator, expect

from tests.files import image_file, video_file
from tests.web.conftest import Arrive
from tests.web.person import Person

pytestmark = pytest.mark.browser


def payload(name: str, kind: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": kind, "buffer": content}


async def pair(arrive: Arrive) -> tuple[Person, Person]:
    ada, bob = await arrive("ada"), await arrive("bob")
    await ada.open_dm(bob)
    await bob.open(ada.name)
    return ada, bob


async def attach(person: Person, *files: FilePayload) -> Locator:
    """Choose files, by hand. Returns the list of those that wait."""
    async with person.page.expect_file_chooser() as choosing:
        await person.main.get_by_role("button", name="Attach files").click()
    chooser = await choosing.value
    await chooser.set_files(list(files))
    return person.main.get_by_role("list", name="Files to be sent")


async def test_a_picture_is_sent_and_seen(arrive: Arrive) -> None:
    ada, bob = await pair(arrive)
    picture = payload("engine.jpg", "image/jpeg", image_file("JPEG", (800, 600)))
    tray = await attach(ada, picture)
    await expect(tray.get_by_text("engine.jpg")).to_be_visible()
    await expect(tray.get_by_role("progressbar")).to_have_count(0)
    await ada.say("Look at this")
    await expect(tray).to_be_hidden()
    for person in (ada, bob):
        shown = person.message("Look at this").get_by_role("img", name="engine.jpg")
        await expect(shown).to_be_visible()
        await person.page.wait_for_function(
            "image => image.complete && image.naturalWidth === 320",
            arg=await shown.element_handle(),
        )
        box = await shown.bounding_box()
        assert box is not None
        assert abs(box["width"] / box["height"] - 4 / 3) < 0.02


async def test_a_file_needs_no_words(arrive: Arrive, tmp_path: Path) -> None:
    ada, bob = await pair(arrive)
    tray = await attach(ada, payload("cards.txt", "text/plain", b"0101"))
    await expect(tray.get_by_role("progressbar")).to_have_count(0)
    await ada.main.get_by_role("button", name="Send", exact=True).click()
    link = bob.main.get_by_role("link", name="cards.txt")
    await expect(link).to_contain_text("4 bytes")
    await expect(bob.room(ada.name)).to_contain_text("Attachment")
    async with bob.page.expect_download() as downloading:
        await link.click()
    download = await downloading.value
    assert download.suggested_filename == "cards.txt"
    await download.save_as(tmp_path / "saved")
    assert (tmp_path / "saved").read_bytes() == b"0101"


async def test_a_video_plays(arrive: Arrive, tmp_path: Path) -> None:
    ada, bob = await pair(arrive)
    content = video_file(tmp_path / "a.webm", "webm", "libvpx", "libopus").read_bytes()
    tray = await attach(ada, payload("engine.webm", "video/webm", content))
    await expect(tray.get_by_role("progressbar")).to_have_count(0, timeout=30_000)
    await ada.say("It runs")
    video = bob.message("It runs").locator("video")
    await expect(video).to_have_attribute("poster", re.compile("^/media/.*/poster$"))
    await video.evaluate("video => { video.muted = true; return video.play(); }")
    await bob.page.wait_for_function(
        "video => video.currentTime > 0.1", arg=await video.element_handle()
    )


async def test_what_cannot_be_used_says_so_and_can_be_taken_out(arrive: Arrive) -> None:
    ada, bob = await pair(arrive)
    broken = payload("broken.png", "image/png", image_file("PNG")[:300])
    tray = await attach(ada, broken, payload("cards.txt", "text/plain", b"0101"))
    await expect(tray.get_by_text("cannot be read")).to_be_visible()
    await expect(ada.main.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    await tray.get_by_role("button", name="Remove broken.png").click()
    await ada.main.get_by_role("button", name="Send", exact=True).click()
    await expect(bob.main.get_by_role("link", name="cards.txt")).to_be_visible()
    await expect(bob.main.get_by_role("article")).to_have_count(1)


async def test_a_picture_is_pasted(arrive: Arrive) -> None:
    ada, bob = await pair(arrive)
    await ada.composer.evaluate(
        """text => {
            const files = new DataTransfer();
            files.items.add(new File(["0101"], "pasted.txt", { type: "text/plain" }));
            text.dispatchEvent(new ClipboardEvent("paste", {
                clipboardData: files, bubbles: true, cancelable: true,
            }));
        }"""
    )
    tray = ada.main.get_by_role("list", name="Files to be sent")
    await expect(tray.get_by_text("pasted.txt")).to_be_visible()
    await expect(tray.get_by_role("progressbar")).to_have_count(0)
    await ada.say("With words")
    await expect(bob.message("With words").get_by_role("link", name="pasted.txt")).to_be_visible()
