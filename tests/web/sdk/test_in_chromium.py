"""The SDK in a browser, against a server: what fakes cannot show."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Request

from tests.e2e.process import ServerProcess
from tests.web.line import Line

pytestmark = pytest.mark.browser

_numbers = itertools.count(1)

# `plaza` is what a test's expressions find: the SDK, and a client that notes what it hears.
PREPARE = """
async (name) => {
    const sdk = await import("/sdk/plaza.js");
    const rest = new sdk.Rest(location.origin, { tokens: new sdk.LocalTokens("sdk-test") });
    if (!rest.session.active) {
        await rest.session.signUp(name, `${name}@example.org`, "correct horse battery");
    }
    const client = new sdk.Client(rest, { backoffCap: 1 });
    const heard = [];
    client.on("message", ({ room, seq, body }) => heard.push({ room, seq, body }));
    const until = (condition) => new Promise((resolve) => {
        const check = () => condition() && (off(), resolve());
        const types = ["event", "room", "status", "pending", "presence", "typing", "read",
            "delivered", "relation"];
        const offs = types.map((type) => client.on(type, check));
        const off = () => offs.forEach((stop) => stop());
        check();
    });
    globalThis.violations = [];
    document.addEventListener("securitypolicyviolation",
        ({ violatedDirective, blockedURI }) => violations.push([violatedDirective, blockedURI]));
    globalThis.plaza = { sdk, rest, client, heard, until };
    await client.connect();
    return client.user.id;
}
"""


class Visitor:
    """A page with a client of the SDK in it."""

    def __init__(self, page: Page, account: str) -> None:
        self.page = page
        self.account = account

    async def do(self, expression: str, given: Any = None) -> Any:
        """Evaluate an asynchronous expression in which `client`, `rest` and so on are known."""
        names = "{ sdk, rest, client, heard, until }"
        return await self.page.evaluate(
            f"async (given) => {{ const {names} = plaza; return {expression}; }}", given
        )


Visit = Callable[..., Awaitable[Visitor]]


@pytest.fixture
async def visit(browser: Browser, served: ServerProcess) -> AsyncIterator[Visit]:
    """Opens a page for a new account; `beside`: another tab of the same browser."""
    contexts = []
    visitors: list[Visitor] = []

    async def visit(url: str = "", *, beside: Visitor | None = None) -> Visitor:
        if beside is None:
            contexts.append(await browser.new_context())
        context = contexts[-1] if beside is None else beside.page.context
        page = await context.new_page()
        await page.goto(url or served.url)
        visitor = Visitor(page, await page.evaluate(PREPARE, f"ada_sdk_{next(_numbers)}"))
        visitors.append(visitor)
        return visitor

    yield visit
    for visitor in visitors:
        assert await visitor.page.evaluate("violations") == []
    for context in contexts:
        await context.close()


async def room_of(*members: Visitor) -> str:
    first, *others = members
    room: str = await first.do(
        "(await client.createRoom('group', { title: 'Harbour', members: given })).id",
        [other.account for other in others],
    )
    for member in members:
        await member.do("until(() => client.rooms.has(given))", room)
    return room


async def test_two_talk_under_the_policy_of_the_page(visit: Visit) -> None:
    ada, bob = await visit(), await visit()
    room = await room_of(ada, bob)
    sent = await ada.do("await client.send(given, 'ahoy').promise", room)
    await bob.do("until(() => heard.length === 1)")
    assert await bob.do("heard") == [{"room": room, "seq": sent["seq"], "body": "ahoy"}]
    unread = await bob.do("client.rooms.get(given).unread", room)
    assert unread == 1
    await bob.do("client.read(given, client.rooms.get(given).last_seq)", room)
    assert await bob.do("client.rooms.get(given).unread", room) == 0
    await ada.do("until(() => client.pending.of(given).length === 0)", room)


async def test_what_is_written_while_the_line_is_cut_is_there_once(
    visit: Visit, line: Line
) -> None:
    ada, bob = await visit(), await visit(line.url)
    room = await room_of(ada, bob)
    await ada.do("await client.send(given, '0').promise", room)
    for number in range(1, 4):
        line.cut()
        await bob.do("until(() => client.status.state === 'waiting')")
        await bob.do("void client.send(given[0], given[1])", [room, f"bob {number}"])
        await ada.do("await client.send(given[0], given[1]).promise", [room, f"ada {number}"])
        await line.mend()
        await bob.do("client.reconnectNow()")
        await bob.do("until(() => client.pending.of(given).length === 0)", room)
    for visitor in (ada, bob):
        await visitor.do("until(() => heard.length === 7)")
    logs = [await visitor.do("heard") for visitor in (ada, bob)]
    assert logs[0] == logs[1]
    assert len({message["body"] for message in logs[0]}) == 7
    page = await ada.do(
        "(await client.history(given)).events.filter((e) => e.t === 'message')", room
    )
    assert [message["seq"] for message in page] == [message["seq"] for message in logs[0]]


async def test_rooms_kept_up_by_events_are_what_a_fresh_look_shows(
    visit: Visit, line: Line
) -> None:
    ada, bob = await visit(), await visit(line.url)
    room = await room_of(ada, bob)
    await ada.do(
        """(async () => {
            const name = (await rest.accounts.get(given.bob)).username;
            const send = async (body) => (await client.send(given.room, body).promise).seq;
            const seqs = [await send('one'), await send(`two @${name}`), await send('three')];
            await client.remove(given.room, seqs[0]);
            await client.edit(given.room, seqs[2], `three @${name}`);
            await client.rename(given.room, 'Lighthouse');
            await client.slowMode(given.room, 5);
        })()""",
        {"room": room, "bob": bob.account},
    )
    last = await ada.do("client.rooms.get(given).last_seq", room)
    await bob.do("until(() => client.rooms.get(given[0]).last_seq === given[1])", [room, last])
    kept = await bob.do("[...client.rooms.values()]")
    assert kept == await bob.do("rest.rooms.list()")
    assert kept[0]["unread"] == 2
    assert kept[0]["mentions"] == 2
    assert kept[0]["title"] == "Lighthouse"
    line.cut()
    await bob.do("until(() => client.status.state === 'waiting')")
    await ada.do("await client.send(given, 'four').promise", room)
    await line.mend()
    await bob.do("until(() => client.status.state === 'connected')")
    await bob.do("until(() => heard.at(-1).body === 'four')")
    assert await bob.do("[...client.rooms.values()]") == await bob.do("rest.rooms.list()")


async def test_signs_of_life(visit: Visit) -> None:
    ada, bob = await visit(), await visit()
    room = await room_of(ada, bob)
    await ada.do("until(() => client.presence.of(given).state === 'online')", bob.account)
    await bob.do("void client.setPresence({ state: 'away' })")
    await ada.do("until(() => client.presence.of(given).state === 'away')", bob.account)
    await bob.do("client.typing(given)", room)
    await ada.do(
        "until(() => client.typists.of(given[0]).join() === given[1])", [room, bob.account]
    )
    await bob.do("client.typing(given, { active: false })", room)
    await ada.do("until(() => client.typists.of(given).length === 0)", room)

    there = "until(() => (client.receipts.of(given[0]).get(given[1])?.{} ?? 0) >= given[2])"
    sent = await ada.do("await client.send(given, 'ahoy').promise", room)
    known = [room, bob.account, sent["seq"]]
    await ada.do(there.format("delivered_seq"), known)
    assert await ada.do("client.receipts.of(given[0]).get(given[1]).read_seq", known) == 0
    await bob.do("client.read(given, client.rooms.get(given).last_seq)", room)
    await ada.do(there.format("read_seq"), known)

    await ada.do("rest.accounts.mute(given)", bob.account)
    await ada.do("until(() => client.muted.has(given))", bob.account)


async def test_two_tabs_refresh_once(visit: Visit) -> None:
    ada = await visit()
    beside = await visit(beside=ada)
    refreshes: list[str] = []

    def count(request: Request) -> None:
        if request.url.endswith("/sessions/refresh"):
            refreshes.append(request.url)

    ada.page.context.on("request", count)
    kept = json.loads(await ada.page.evaluate("localStorage.getItem('sdk-test')"))
    await ada.page.evaluate(
        "(kept) => localStorage.setItem('sdk-test', JSON.stringify(kept))",
        kept | {"access_token": "worn out"},
    )
    names = await asyncio.gather(
        *(tab.do("(await rest.accounts.me()).username") for tab in (ada, beside, ada, beside))
    )
    assert len(set(names)) == 1
    assert len(refreshes) == 1


async def test_logging_out_in_one_tab_ends_the_other(visit: Visit) -> None:
    ada = await visit()
    beside = await visit(beside=ada)
    await ada.do("rest.session.logOut()")
    for tab in (ada, beside):
        await tab.do("until(() => client.status.state === 'closed')")
        assert await tab.do("client.status.error.code") == "unauthorized"
        assert await tab.do("rest.session.active") is False


async def test_markup_is_not_to_be_had(visit: Visit) -> None:
    """Trusted Types: the browser itself refuses to make text into markup."""
    ada = await visit()
    refused = await ada.page.evaluate(
        """async () => {
            const told = new Promise((resolve) =>
                document.addEventListener("securitypolicyviolation", resolve, { once: true }));
            let refused = null;
            try { document.createElement("p").innerHTML = "<b>x</b>"; }
            catch (error) { refused = error.name; }
            const { violatedDirective } = await told;
            return [refused, violatedDirective, violations.splice(0).length];
        }"""
    )
    assert refused == ["TypeError", "require-trusted-types-for", 1]
