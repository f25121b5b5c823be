"""Somebody at a browser: what one does with the client, by what one sees of it."""

import itertools
import re
from typing import Any, Self

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect

PASSWORD = "correct horse battery"
_numbers = itertools.count(1)

# What Chromium says by itself when a connection is refused or an answer is an error: a test that
# provokes either allows it.
NETWORK = r"Failed to load resource|WebSocket connection to .* failed|net::ERR_"

CALL_SDK = """
async ([path, args]) => {
    const { Rest, LocalTokens } = await import("/sdk/plaza.js");
    const rest = new Rest(location.origin, { tokens: new LocalTokens("plaza") });
    const [group, name] = path.split(".");
    return rest[group][name](...args);
}
"""
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", event =>
    console.error(`violation of ${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
"""


class Person:
    """One account in one browser context. Use `await Person.arrive(...)`.

    Attributes:
        problems: what the console, the scripts and the policy of the page complained about.
    """

    def __init__(self, name: str, context: BrowserContext, page: Page, url: str) -> None:
        self.name = name
        self.context = context
        self.page = page
        self.url = url
        self.problems: list[str] = []
        self._allowed: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.problems.append(f"{error}\n{error.stack}"))

    @classmethod
    async def arrive(
        cls, browser: Browser, url: str, name: str, *, numbered: bool = True, **options: Any
    ) -> Self:
        """Open the page, nobody logged in.

        Args:
            name: the username.
            numbered: with a number behind it, so that each test has people of its own.
            options: of the browser context.
        """
        context = await browser.new_context(locale="en-GB", timezone_id="Europe/Berlin", **options)
        await context.add_init_script(REPORT_VIOLATIONS)
        page = await context.new_page()
        page.set_default_timeout(15_000)
        username = f"{name}_{next(_numbers)}" if numbered else name
        person = cls(username, context, page, url)
        await page.goto(url)
        return person

    def allow(self, pattern: str) -> None:
        """Such complaints are what the test is about."""
        self._allowed.append(pattern)

    def check(self) -> None:
        """Fail if there was anything to complain about."""
        pattern = "|".join(self._allowed)
        left = [one for one in self.problems if not (pattern and re.search(pattern, one))]
        assert not left, left

    async def sign_up(self) -> None:
        await self.page.get_by_role("button", name="Create an account").click()
        await self.page.get_by_label("Username").fill(self.name)
        await self.page.get_by_label("E-mail").fill(f"{self.name}@example.org")
        await self.page.get_by_label("Password").fill(PASSWORD)
        await self.page.get_by_role("button", name="Create account").click()
        await self.is_in()

    async def is_in(self) -> None:
        await expect(self.page.get_by_role("navigation", name="Conversations")).to_be_visible()

    async def rest(self, path: str, *args: Any) -> Any:
        """Call the REST interface with the page's own tokens, as `messages.send`."""
        return await self.page.evaluate(CALL_SDK, [path, list(args)])

    async def account(self) -> str:
        """Its id."""
        return str((await self.rest("accounts.me"))["id"])

    # --- the list

    def room(self, title: str) -> Locator:
        """The conversation in the list."""
        rooms = self.page.get_by_role("navigation").get_by_role("link")
        return rooms.filter(has=self.page.locator(".room-title", has_text=title))

    async def open(self, title: str) -> None:
        await self.room(title).click()
        await expect(self.composer).to_be_visible()

    async def open_dm(self, other: "Person") -> None:
        """Begin the conversation with somebody, by hand."""
        await (
            self.page.get_by_role("navigation")
            .get_by_role("button", name="New conversation")
            .click()
        )
        await self.page.get_by_role("combobox", name="With whom?").fill(other.name)
        await self.page.get_by_role("option", name=other.name).click()
        await expect(self.composer).to_be_visible()

    async def create(self, kind: str, title: str, *members: "Person") -> None:
        """Create a group or channel, by hand."""
        page = self.page
        await page.get_by_role("navigation").get_by_role("button", name="New conversation").click()
        await page.get_by_role("tab", name=kind.title()).click()
        await page.get_by_label("Name", exact=True).fill(title)
        for member in members:
            await page.get_by_role("combobox", name="Members").fill(member.name)
            await page.get_by_role("option", name=member.name).click()
        await page.get_by_role("button", name=f"Create {kind}").click()
        await expect(page.get_by_role("heading", name=title)).to_be_visible()

    # --- the conversation

    @property
    def main(self) -> Locator:
        return self.page.get_by_role("main")

    @property
    def composer(self) -> Locator:
        return self.main.get_by_role("textbox", name=re.compile("^Message "))

    def message(self, text: str) -> Locator:
        """The messages in the conversation that contain a text."""
        said = self.page.locator(".body", has_text=text)
        return self.main.get_by_role("article").filter(has=said)

    async def say(self, text: str) -> None:
        await self.composer.fill(text)
        await self.composer.press("Enter")

    async def sees(self, text: str) -> None:
        """It is there, once."""
        await expect(self.message(text)).to_have_count(1)

    async def texts(self) -> list[str]:
        """The messages in the conversation, as they stand there."""
        return await self.main.locator("article .body").all_inner_texts()

    async def act(self, text: str, button: str) -> None:
        """Use a button of a message."""
        await self.message(text).locator(".bubble").hover()
        await self.message(text).get_by_role("button", name=button, exact=True).click()

    async def choose(self, text: str, item: str) -> None:
        """Use an item of a message's menu."""
        await self.act(text, "More about this message")
        await self.page.get_by_role("menuitem", name=item).click()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"{message.text} {message.location.get('url', '')}")
