"""Text never becomes markup."""

import pytest
from playwright.async_api import expect

from tests.web.conftest import Arrive

pytestmark = pytest.mark.browser

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "<a href='javascript:alert(1)'>click</a>",
    "**<b onmouseover=alert(1)>bold</b>**",
    "`<iframe srcdoc='<script>alert(1)</script>'>`",
    'https://example.org/"onclick="alert(1)',
    "&lt;not an entity&gt; &#x3c;",
    "\u202egnirts desrever\u202c {{constructor.constructor('alert(1)')()}}",
]


async def test_attacks_are_shown_as_text(arrive: Arrive) -> None:
    ada, bob = await arrive("ada"), await arrive("bob")
    dialogs: list[str] = []
    for person in (ada, bob):
        person.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    title = "<img src=x onerror=alert(2)>"
    await ada.create("group", title, bob)
    for attack in ATTACKS:
        await ada.say(attack)
    await bob.open(title)
    bodies = bob.main.locator("article .body")
    await expect(bodies).to_have_count(len(ATTACKS))
    shown = [await bodies.nth(at).inner_text() for at in range(len(ATTACKS))]
    # Stars and backticks are the markdown that there is; all else stands as it was written.
    assert shown == [attack.replace("**", "").replace("`", "") for attack in ATTACKS]
    assert await bob.page.locator("article :is(script, img, iframe, svg[onload])").count() == 0
    links = bob.main.locator("article .body a")
    hrefs = [await links.nth(at).get_attribute("href") for at in range(await links.count())]
    assert hrefs == ["https://example.org/"]
    assert dialogs == []


async def test_links_and_markdown(arrive: Arrive) -> None:
    ada = await arrive("ada")
    await ada.create("group", "Harbour")
    await ada.say("See (https://example.org/a_(b)), **bold https://example.org/c**, *slanted*.")
    body = ada.main.locator("article .body").last
    links = body.get_by_role("link")
    await expect(links).to_have_count(2)
    await expect(links.first).to_have_attribute("href", "https://example.org/a_(b)")
    await expect(links.first).to_have_attribute("rel", "noopener noreferrer nofollow")
    await expect(links.first).to_have_attribute("target", "_blank")
    await expect(body.locator("strong")).to_have_text("bold https://example.org/c")
    await expect(body.locator("em")).to_have_text("slanted")

    await ada.composer.fill(
        "Look:\n```js\nif (a < b) **no bold**;\n```\n2 * 3 * 4, snake_case_name"
    )
    await ada.composer.press("Enter")
    body = ada.main.locator("article .body").last
    await expect(body.locator("pre")).to_have_text("if (a < b) **no bold**;")
    await expect(body.locator("strong, em")).to_have_count(0)
