"""`plaza chat` as a process of its own, through a pipe and at a terminal, with the real server."""

import asyncio
import os
import pty
import re
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from rich.text import Text

from persistence.embedded import EmbeddedPostgres
from plaza_client import Client, ConnectionLost, Message, Rest, State, Status
from plaza_client.terminal import FAILED, ConnectionNotices
from plaza_client.terminal_input import Pipe
from plaza_client.terminal_login import RememberedRest, SavedToken
from server.config import Config
from tests.e2e.site import Site, copy_of, serving

PASSWORD = "correct horse battery"
SECONDS = 20

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
async def site(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[Site]:
    async with copy_of(template, postgres) as dsn, serving(dsn, Config()) as served:
        async with Rest(served.url) as rest:
            for name in ("ada", "bob"):
                await rest.sign_up(name, f"{name}@example.org", PASSWORD)
        yield served


@pytest.fixture
async def bob(site: Site) -> AsyncIterator[Client]:
    async with Client(site.url, credentials=("bob", PASSWORD)) as client:
        yield client


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "XDG_STATE_HOME": str(tmp_path),
        "PLAZA_PASSWORD": PASSWORD,
        "TERM": "xterm",
        "PYTHONUTF8": "1",
    }


async def chat(url: str, environment: dict[str, str], *arguments: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", "chat", url, *arguments,
        stdin=PIPE, stdout=PIPE, stderr=STDOUT, env=environment, cwd=ROOT,
    )  # fmt: skip


async def said(process: Process, *lines: str) -> list[str]:
    """What the chat prints for lines and the end of its input."""
    async with asyncio.timeout(SECONDS):
        output, _ = await process.communicate("".join(f"{line}\n" for line in lines).encode())
    # Without the clock, and whether somebody is here.
    plain = re.compile(r"^(.*#\d+ )?\d\d:\d\d |  (online|away|busy)$")
    return [plain.sub(lambda found: found[1] or "", line) for line in output.decode().splitlines()]


async def test_a_conversation_through_a_pipe(
    site: Site, environment: dict[str, str], bob: Client
) -> None:
    process = await chat(site.url, environment, "--username", "ada")
    lines = await said(
        process,
        "to nobody",
        "/new Attic",
        "/invite bob",
        "hello bob",
        "/edit hello Bob",
        "/react 👍",
        "/unreact 👍",
        "/reply again",
        "/pin",
        "/unpin",
        "//slashed",
        "",
        "/delete",
        "/rename Loft",
        "/members",
        "/kick nobody_here",
        "/kick bob",
        "/nonsense",
        "/me",
        "/search again -slashed",
        "/search unheard-of",
        "/history 30",
        "/quit",
        "too late",
    )
    assert process.returncode == 0
    expected = [
        "You are ada. Type /help for help.",
        "You are in no room. Type /rooms, then /join ROOM or /new TITLE.",
        "— Attic —",
        "ada created the room",
        "ada invited bob",
        "ada  hello bob",
        "ada edited “hello bob”: “hello Bob”",
        "ada reacted 👍 to “hello Bob”",
        "ada took 👍 back from “hello Bob”",
        "ada  (to “hello Bob”) again",
        "ada pinned “again”",
        "ada unpinned “again”",
        "ada  /slashed",
        "ada renamed the room to Loft",
        "ada  owner",
        "bob  member",
        "There is no account nobody_here.",
        "ada removed bob",
        "There is no /nonsense. Type /help for what there is.",
        "[Loft] #7 ada  (to “hello Bob”) again",
        "Nothing was found.",
        "#3 ada  hello Bob (edited) [replies: 1]",
    ]
    rest = iter(lines)
    assert [line for line in expected if line not in rest] == []
    assert "ada deleted “/slashed”" in lines
    assert any(line.startswith("You are ada, account ") for line in lines)
    assert "too late" not in "".join(lines)


async def test_rooms_are_found_by_number_title_and_id(
    site: Site, environment: dict[str, str], bob: Client
) -> None:
    pub = await bob.create_room("channel", "Pub")
    await bob.create_room("channel", "Twin")
    await bob.create_room("channel", "Twin")
    process = await chat(site.url, environment, "--username", "ada", "--room", "#pub")
    lines = await said(process, "/join Twin", "/join nowhere", "/dm bob", f"/join {pub.id}", "hi")
    assert "— #Pub —" in lines
    assert "2 rooms have this title. Take the number in /rooms." in lines
    assert "There is no room nowhere that you can see. Type /rooms for those you can." in lines
    assert "— @bob —" in lines
    assert lines[-1] == "ada  hi"
    process = await chat(site.url, environment, "--username", "ada")
    lines = await said(process, "/rooms")
    number = next(line.split()[0] for line in lines if "#Pub" in line)
    process = await chat(site.url, environment, "--username", "ada")
    assert (await said(process, f"/join {number}", "by number"))[-1] == "ada  by number"


async def test_whoever_is_called_can_answer_at_once(
    site: Site, environment: dict[str, str], bob: Client
) -> None:
    async with Rest(site.url) as rest:
        newcomer = (await rest.sign_up("eve", "eve@example.org", PASSWORD)).account
    process = await chat(site.url, environment, "--username", "eve")
    assert process.stdin is not None
    assert process.stdout is not None
    async with asyncio.timeout(SECONDS):
        assert b"You are eve" in await process.stdout.readline()
        room = await bob.create_room("dm", members=[newcomer.id])
        while "— @bob —" not in (await process.stdout.readline()).decode():
            pass
        process.stdin.write(b"yes?\n")
        heard = bob.events()
        while not isinstance(event := await anext(heard), Message) or event.room != room.id:
            pass
        assert (event.sender, event.body) == (newcomer.id, "yes?")
        process.stdin.close()
        assert await process.wait() == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--username", "ada", "--password", "wrong password"], "password is wrong"),
        (["--username", "ada", "--room", "nowhere"], "There is no room nowhere"),
        ([], "nobody to ask for: Username"),
    ],
)
async def test_what_cannot_be_done_is_said_in_a_sentence(
    site: Site, environment: dict[str, str], arguments: list[str], sentence: str
) -> None:
    process = await chat(site.url, environment, *arguments)
    lines = await said(process)
    assert sentence in lines[-1]
    assert process.returncode == FAILED


async def test_a_server_that_is_not_there(environment: dict[str, str]) -> None:
    process = await chat("http://127.0.0.1:9", environment, "--username", "ada")
    assert (await said(process))[-1].startswith("Error: Nothing answers at http://127.0.0.1:9")
    assert process.returncode == FAILED


async def test_a_session_that_is_revoked_ends_the_chat(
    site: Site, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = await chat(site.url, environment, "--username", "ada")
    assert process.stdout is not None
    async with asyncio.timeout(SECONDS):
        assert b"You are ada" in await process.stdout.readline()
        monkeypatch.setenv("XDG_STATE_HOME", environment["XDG_STATE_HOME"])
        async with RememberedRest(site.url, SavedToken(site.url, "ada")) as rest:
            await rest.refresh()
            await rest.log_out()
        assert b"Log in again" in await process.stdout.read()
        assert await process.wait() == FAILED


def test_an_interruption_is_told_once_and_so_is_its_end() -> None:
    notices: list[str] = []

    class Surface(Pipe):
        def show(self, line: Text | str) -> None:
            notices.append(str(line))

    tell = ConnectionNotices(Surface()).tell
    tell(Status(State.CONNECTING))
    tell(Status(State.CONNECTED))
    tell(Status(State.WAITING, ConnectionLost(4001, "restart"), 1.23))
    tell(Status(State.CONNECTING))
    tell(Status(State.WAITING, ConnectionLost(1006), 0.5))
    tell(Status(State.CONNECTED))
    assert notices == [
        "The connection ended (4001). The server is shutting down. Reconnect; another may take "
        "over. Reconnecting in 1.2 s.",
        "Still no connection. Reconnecting in 0.5 s.",
        "Connected again.",
    ]


# --- at a terminal -------------------------------------------------------------------------------


class Screen:
    """A person at a terminal, who types when they have read what they wait for."""

    def __init__(self, process: Process, master: int) -> None:
        self.process = process
        self._master = master
        self._output = ""
        self._grown = asyncio.Event()
        asyncio.get_running_loop().add_reader(master, self._read)

    def _read(self) -> None:
        try:
            chunk = os.read(self._master, 65_536)
        except OSError:  # the other end is closed
            chunk = b""
        if not chunk:
            asyncio.get_running_loop().remove_reader(self._master)
        if b"\x1b[6n" in chunk:  # the program asks where the cursor is
            self.type("\x1b[1;1R")
        self._output += chunk.decode(errors="replace")
        self._grown.set()

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    async def until(self, text: str) -> str:
        """Read on until a text appears; what came up to and with it."""
        async with asyncio.timeout(SECONDS):
            while text not in self._output:
                self._grown.clear()
                await self._grown.wait()
        before, _, self._output = self._output.partition(text)
        return before + text


async def test_a_newcomer_at_a_terminal(
    site: Site, environment: dict[str, str], bob: Client
) -> None:
    lobby = await bob.create_room("channel", "Lobby")
    del environment["PLAZA_PASSWORD"]
    master, slave = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", "chat", site.url, "--room", "Lobby",
        stdin=slave, stdout=slave, stderr=slave, env=environment, cwd=ROOT, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    screen = Screen(process, master)
    await screen.until("Username:")
    screen.type("fay\r")
    await screen.until("Password:")
    screen.type(f"{PASSWORD}\r")
    await screen.until("Create it? [y/N]")
    screen.type("y\r")
    await screen.until("E-mail address:")
    screen.type("fay@example.org\r")
    await screen.until("The password again:")
    screen.type(f"{PASSWORD}\r")
    await screen.until("— #Lobby —")
    await screen.until("#Lobby>")
    screen.type("half a ")
    await screen.until("half a")
    await bob.send(lobby.id, "excuse me")
    await screen.until("excuse me")
    await screen.until("#Lobby> half a")  # what was being typed stands below, whole
    screen.type("sentence\r")
    heard = bob.events()
    bodies: list[str] = []
    while bodies[-1:] != ["half a sentence"]:
        if isinstance(event := await asyncio.wait_for(anext(heard), SECONDS), Message):
            bodies.append(event.body)
    await screen.until("half a sentence")
    screen.type("\x04")
    assert await asyncio.wait_for(process.wait(), SECONDS) == 0
    os.close(master)
