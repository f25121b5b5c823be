"""Where the chat's lines come from and go to: a person at a terminal, or a pipe."""

import asyncio
import codecs
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Protocol

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.shortcuts import CompleteStyle
from rich.console import Console
from rich.text import Text

from plaza_client.terminal_login import NobodyToAsk

Lines = asyncio.Queue[str | None]
"""What was typed, line by line; None is the end."""


class Surface(Protocol):
    """What the chat talks through."""

    def screen(self) -> AbstractContextManager[None]:
        """In it, what is shown does not tear what is being typed."""

    def show(self, line: Text | str) -> None:
        """Print a line."""

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        """Have a question answered. Raises NobodyToAsk, or EOFError when the person leaves."""

    async def feed(self, lines: Lines, prompt: Callable[[], str]) -> None:
        """See to it that what is typed gets into the queue."""


class Keyboard:
    """A person at a terminal.

    Args:
        commands: offered for completion.
    """

    def __init__(self, commands: list[str]) -> None:
        self._console = Console(highlight=False, soft_wrap=True)
        self._session: PromptSession[str] = PromptSession(
            completer=WordCompleter(commands, sentence=True),
            complete_while_typing=False,
            complete_style=CompleteStyle.READLINE_LIKE,  # a menu would need space below the prompt
            erase_when_done=True,  # what was typed comes back as a message
        )

    def screen(self) -> AbstractContextManager[None]:
        return patch_stdout(raw=True)

    def show(self, line: Text | str) -> None:
        self._console.print(line, markup=False, emoji=False)

    async def ask(self, question: str, *, hidden: bool = False) -> str:
        session: PromptSession[str] = PromptSession()
        try:
            return (await session.prompt_async(question, is_password=hidden)).strip()
        except KeyboardInterrupt:
            raise EOFError from None

    async def feed(self, lines: Lines, prompt: Callable[[], str]) -> None:
        try:
            while True:
                await lines.put(await self._session.prompt_async(prompt))
        except (EOFError, KeyboardInterrupt):
            await lines.put(None)


class Pipe:
    """A program that writes lines to standard input and reads standard output."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, soft_wrap=True)

    def screen(self) -> AbstractContextManager[None]:
        return nullcontext()

    def show(self, line: Text | str) -> None:
        self._console.print(line, markup=False, emoji=False)
        sys.stdout.flush()

    async def ask(self, question: str, *, hidden: bool = False) -> str:  # noqa: ARG002
        raise NobodyToAsk(
            f"There is nobody to ask for: {question.rstrip(': ')}. Give --username and --password, "
            "or run this in a terminal."
        )

    async def feed(self, lines: Lines, prompt: Callable[[], str]) -> None:  # noqa: ARG002
        loop = asyncio.get_running_loop()
        # A thread, because epoll refuses regular files. A daemon, because nothing can interrupt its
        # read when the chat ends before its input does.
        threading.Thread(target=_pump, args=(loop, lines), daemon=True).start()


def _pump(loop: asyncio.AbstractEventLoop, lines: Lines) -> None:
    """Move standard input to the queue, line by line."""
    # Not through sys.stdin: a thread that waits in its lock would make the interpreter's exit fail.
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    rest = ""

    def put(line: str | None) -> None:
        asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()

    # The loop is closed, and the put cancelled, when the chat has ended before its input.
    with suppress(RuntimeError, CancelledError):
        while chunk := os.read(0, 65_536):
            *whole, rest = (rest + decoder.decode(chunk)).split("\n")
            for line in whole:
                put(line)
        if rest:
            put(rest)
        put(None)
