"""The page of a load test's report, opened as a file."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import Browser, BrowserContext, Page, ViewportSize, expect

from loadtest.report import page as report_page
from loadtest.report import picture
from loadtest.report.model import Report
from tests.loadtest.report import samples
from tests.loadtest.report.test_page import EVIL, evil
from tests.web.person import REPORT_VIOLATIONS

pytestmark = pytest.mark.browser

DESKTOP = ViewportSize(width=1280, height=900)
PHONE = ViewportSize(width=360, height=740)

Open = Callable[..., Awaitable[Page]]

# Distinct colours of every canvas: a plot that was not drawn has one.
COLOURS = """() => [...document.querySelectorAll("canvas")].map(canvas => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
})"""
CANVASES = "() => [...document.querySelectorAll('canvas')].map(one => one.toDataURL())"
FITS = "document.documentElement.scrollWidth <= innerWidth"


@pytest.fixture
async def show(browser: Browser, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens the page of a report: `await show(report)`.

    At the end nothing may have been asked for but the file, and nothing complained about.
    """
    contexts: list[BrowserContext] = []
    requests: list[str] = []
    problems: list[str] = []

    async def show(report: Report, **options: Any) -> Page:
        path = tmp_path / "report.html"
        report_page.write(path, report)
        context = await browser.new_context(**{"viewport": DESKTOP, **options})
        contexts.append(context)
        scripted = options.get("java_script_enabled", True)
        if scripted:
            await context.add_init_script(REPORT_VIOLATIONS)
        page = await context.new_page()
        page.set_default_timeout(10_000)
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(f"{error}\n{error.stack}"))
        await page.goto(path.as_uri())
        if scripted:
            await expect(page.locator("html")).to_have_attribute("data-drawn", "true")
        return page

    yield show
    for context in contexts:
        await context.close()
    assert set(requests) == {(tmp_path / "report.html").as_uri()}
    assert problems == []


async def point(page: Page, plot: str, share: float) -> None:
    """Move the pointer over a plot, so far from its left end."""
    area = page.locator(f"#{plot} .u-over")
    await area.scroll_into_view_if_needed()
    box = await area.bounding_box()
    assert box is not None
    await page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)


@pytest.mark.parametrize("report", [samples.slow_reader(), samples.killed()])
async def test_every_plot_is_drawn(show: Open, report: Report) -> None:
    page = await show(report)
    await expect(page.get_by_role("heading", level=1)).to_have_text(report.question)
    colours = await page.evaluate(COLOURS)
    assert len(colours) == await page.locator(".plot").count() > 0
    assert min(colours) > 3


async def test_a_report_without_plots(show: Open) -> None:
    page = await show(samples.peers())
    await expect(page.get_by_role("table").filter(has_text="socket.io").first).to_be_visible()
    assert await page.locator("canvas").count() == 0


async def test_the_pointer_shows_values_in_all_plots(show: Open) -> None:
    report = samples.killed()
    page = await show(report)
    await point(page, "latency-delivery", 0.5)
    tooltip = page.locator("#latency-delivery .tooltip")
    await expect(tooltip).to_be_visible()
    # The middle of 46 s, which begin at 0.
    moment = next(one for one in report.moments if one.at == 23)
    await expect(tooltip).to_contain_text("23 s")
    await expect(tooltip).to_contain_text(f"{moment.latencies['delivery']['p50']:.3g} ms")
    await expect(page.locator("#users output")).to_have_text("500")
    await expect(page.locator("#cpu output").first).not_to_be_empty()
    await expect(page.locator("#users .tooltip")).to_be_hidden()
    await page.mouse.move(1, 1)
    await expect(tooltip).to_be_hidden()
    await expect(page.locator("#users output")).to_be_empty()


async def test_the_keyboard_moves_the_pointer_too(show: Open) -> None:
    page = await show(samples.killed())
    await page.locator("#users .canvas").focus()
    for _ in range(3):
        await page.keyboard.press("ArrowRight")
    tooltip = page.locator("#users .tooltip")
    await expect(tooltip).to_contain_text("3 s · ramp")
    await expect(tooltip).to_contain_text("300")
    await page.keyboard.press("ArrowLeft")
    await expect(tooltip).to_contain_text("200")
    await expect(page.locator("#cpu output").first).not_to_be_empty()
    await page.keyboard.press("Tab")
    await expect(tooltip).to_be_hidden()


async def test_all_plots_zoom_together(show: Open) -> None:
    page = await show(samples.slow_reader())
    shown = page.locator("#zoom output")
    await expect(shown).to_be_empty()
    await page.get_by_role("button", name="one does not read 2", exact=True).click()
    await expect(shown).to_have_text("99 s to 2:09")
    await point(page, "cpu", 0.5)
    await expect(page.locator("#cpu .tooltip")).to_contain_text("114 s · one does not read 2")
    await point(page, "latency-ack", 0.5)
    await expect(page.locator("#latency-ack .tooltip")).to_contain_text("114 s")

    await point(page, "users", 0.2)
    await page.mouse.down()
    await point(page, "users", 0.4)
    await page.mouse.up()
    await expect(shown).to_have_text("105 s to 111 s")
    await point(page, "messages", 0.5)
    await expect(page.locator("#messages .tooltip")).to_contain_text("108 s")
    await page.locator("#messages .u-over").dblclick()
    await expect(shown).to_be_empty()


async def test_lines_are_hidden_and_values_listed(show: Open) -> None:
    page = await show(samples.slow_reader())
    plot = page.locator("#latency-delivery")
    button = plot.get_by_role("button", name="max")
    await expect(button).to_have_attribute("aria-pressed", "true")
    before = await page.evaluate(CANVASES)
    await button.click()
    await expect(button).to_have_attribute("aria-pressed", "false")
    await page.wait_for_function(f"before => ({CANVASES})()[0] !== before[0]", arg=before)
    await plot.get_by_text("As a table").click()
    rows = plot.get_by_role("row")
    await expect(rows).to_have_count(1 + len(samples.slow_reader().moments))
    await expect(rows.first).to_have_text("timep50 (ms)p90 (ms)p99 (ms)max (ms)")

    distribution = page.locator("#distribution-delivery")
    await point(page, "distribution-delivery", 0.5)
    await expect(distribution.locator(".tooltip")).to_contain_text("one does not read")
    await distribution.get_by_role("button", name="linear scale").click()
    await expect(distribution.get_by_role("button", name="log scale")).to_be_visible()


async def test_the_dark_theme_is_followed_at_once(show: Open) -> None:
    page = await show(samples.killed(), color_scheme="light")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    assert await page.evaluate(ground) == "rgb(243, 239, 233)"
    light = await page.evaluate(CANVASES)
    await page.emulate_media(color_scheme="dark")
    assert await page.evaluate(ground) == "rgb(22, 21, 19)"
    await page.wait_for_function(
        f"light => ({CANVASES})().every((one, place) => one !== light[place])", arg=light
    )
    # On paper it is light again.
    await page.emulate_media(color_scheme="dark", media="print")
    assert await page.evaluate(ground) == "rgb(255, 255, 255)"
    await expect(page.get_by_role("navigation")).to_be_hidden()


async def test_it_can_be_printed(show: Open) -> None:
    page = await show(samples.killed(), color_scheme="dark")
    dark = await page.evaluate(CANVASES)
    # Behind the page's own listener, and what that has put off.
    await page.evaluate(
        f"() => addEventListener('beforeprint', () => {{ window.printed = ({CANVASES})(); }})"
    )
    assert (await page.pdf(format="A4")).startswith(b"%PDF")
    printed = await page.wait_for_function("() => window.printed")
    assert all(one != other for one, other in zip(await printed.json_value(), dark, strict=True))
    # And afterwards it is as it was.
    await page.wait_for_function(f"dark => ({CANVASES})()[0] === dark[0]", arg=dark)


async def test_what_is_in_a_report_does_nothing(show: Open) -> None:
    page = await show(evil())
    await expect(page.get_by_role("heading", level=1)).to_have_text(EVIL)
    plot = page.locator(".plot").first
    await plot.get_by_text("As a table").click()
    await expect(plot.get_by_role("row")).to_have_count(3)
    await plot.locator(".u-over").hover()
    await expect(plot.locator(".tooltip")).to_contain_text(EVIL)
    assert await page.evaluate("typeof hacked") == "undefined"
    assert await page.locator("img").count() == 0
    assert await page.title() == f"{EVIL} - Plaza load test"


@pytest.mark.parametrize(
    "report", [samples.slow_reader(), samples.killed(), samples.peers(), evil()]
)
async def test_a_narrow_phone_does_not_scroll_sideways(show: Open, report: Report) -> None:
    page = await show(report, viewport=PHONE, has_touch=True)
    assert await page.evaluate(FITS)
    for canvas in await page.locator(".canvas").all():
        assert await canvas.evaluate("one => one.scrollWidth <= one.clientWidth")


async def test_words_and_tables_need_no_scripts(show: Open) -> None:
    page = await show(samples.slow_reader(), java_script_enabled=False)
    await expect(page.get_by_text("It holds")).to_be_visible()
    await expect(page.get_by_role("cell", name="delivery.p99").first).to_be_visible()
    await expect(page.get_by_text("The plots need JavaScript").first).to_be_visible()


async def test_a_plot_becomes_a_small_picture() -> None:
    # Playwright's synchronous interface wants a thread without a loop.
    png = await asyncio.to_thread(
        picture.take, samples.killed(), "latency-delivery", width=500, is_dark=True
    )
    assert len(png) < 60_000
    with Image.open(io.BytesIO(png)) as image:
        assert image.size[0] == 1000
        assert len(image.convert("RGB").getcolors(1 << 20) or []) > 10


async def test_a_picture_of_no_plot_says_which_there_are() -> None:
    with pytest.raises(picture.PictureError, match=r'no plot "x"; there are: bars-delivered-rate,'):
        await asyncio.to_thread(picture.take, samples.peers(), "x")
