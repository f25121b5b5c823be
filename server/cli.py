"""The command line.

What a command needs is imported when it runs, so that `plaza version` and `--help` are quick.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import uvloop
from cyclopts import App, Parameter, validators
from rich.console import Console
from rich.markup import escape

from server import exits
from server.config import Config
from server.settings import as_toml, load

T = TypeVar("T")

_EXIT_CODES = (
    "Exit codes: "
    + ", ".join(f"{exit_.code} {exit_.name}" for exit_ in exits.CATALOGUE)
    + ". docs/operations.md explains them."
)

app = App(
    name="plaza",
    help="A real-time social server: durable chat over WebSocket, on raw asyncio and Postgres.",
    help_epilogue=_EXIT_CODES,
    help_format="plaintext",
    version=lambda: installed_version("plaza"),
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)

ConfigFile = Annotated[
    Path | None,
    Parameter(name="--config", help="TOML file; plaza.toml in this folder if there is one."),
]
Host = Annotated[str | None, Parameter(help="Address to listen on: 127.0.0.1, or 0.0.0.0 for all.")]
Port = Annotated[int | None, Parameter(help="Port to listen on: 8080; 0 takes any free one.")]
MediaPort = Annotated[
    int | None, Parameter(help="Port of live streams, UDP and TCP: 8189; 0 takes any free one.")
]
DataDir = Annotated[str | None, Parameter(help="Folder of the embedded database: ./data.")]
_AT_LEAST_ONE = validators.Number(gte=1)
_NOT_NEGATIVE = validators.Number(gte=0)
DatabaseUrl = Annotated[
    str | None, Parameter(help="A PostgreSQL of your own: postgresql://user:password@host/name.")
]


@app.command
def serve(
    *,
    host: Host = None,
    port: Port = None,
    media_port: MediaPort = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    config: ConfigFile = None,
) -> int:
    """Serve until SIGTERM or Ctrl+C. Makes the database first where there is none.

    The line "Plaza is listening on URL" on standard output says that it is ready.
    """
    settings = _prepare(
        config,
        host=host,
        port=port,
        media_port=media_port,
        data_dir=data_dir,
        database_url=database_url,
    )
    from server.serving import serve as serve_until_told  # noqa: PLC0415

    _run(serve_until_told(settings, progress=_progress(settings), started=_announce))
    return exits.OK.code


@app.command
def migrate(
    *, data_dir: DataDir = None, database_url: DatabaseUrl = None, config: ConfigFile = None
) -> int:
    """Bring the database's schema up to this version, and stop. `serve` does so by itself."""
    settings = _prepare(config, data_dir=data_dir, database_url=database_url)
    from server.storage import open_database  # noqa: PLC0415

    async def open_and_close() -> None:
        async with open_database(settings, progress=_progress(settings)):
            pass

    _run(open_and_close())
    print("The schema is up to date.")
    return exits.OK.code


@app.command
def drain(
    *,
    data_dir: Annotated[str | None, Parameter(help="The one that the server runs with.")] = None,
    pid: Annotated[
        int | None, Parameter(help="The server's process, where several share a data directory.")
    ] = None,
    config: ConfigFile = None,
) -> int:
    """End a server as SIGTERM does, and wait until it has ended.

    Its clients are told in batches to connect again; nothing that was acknowledged is lost.
    """
    from server.drain_command import drain_server  # noqa: PLC0415

    settings = _prepare(config, data_dir=data_dir)
    drain_server(settings.server, pid=pid, console=_stderr())
    return exits.OK.code


@app.command
def account(
    username: str,
    *,
    verified: Annotated[
        bool | None, Parameter(help="Whether its profile says that it is who it seems to be.")
    ] = None,
    moderator: Annotated[
        bool | None,
        Parameter(help="Whether it may look at everything that is not private, and take it down."),
    ] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    config: ConfigFile = None,
) -> int:
    """Show, or change, what an account may. A server may run meanwhile.

    Args:
        username: Whose account.
    """
    settings = _prepare(config, data_dir=data_dir, database_url=database_url)
    from server.account_command import change_account  # noqa: PLC0415

    standing = _run(
        change_account(
            settings,
            username,
            verified=verified,
            moderator=moderator,
            progress=_progress(settings),
        )
    )
    print(standing)
    return exits.OK.code


@app.command
def seed(  # noqa: PLR0913 - options, each with its name
    *,
    accounts: Annotated[int, Parameter(help="How many.", validator=_AT_LEAST_ONE)] = 10_000,
    posts: Annotated[int, Parameter(help="How many.", validator=_NOT_NEGATIVE)] = 200_000,
    follows: Annotated[int, Parameter(help="How many.", validator=_NOT_NEGATIVE)] = 500_000,
    likes: Annotated[
        int | None, Parameter(help="How many: 5 for each post.", validator=_NOT_NEGATIVE)
    ] = None,
    comments: Annotated[
        int | None, Parameter(help="How many: as many as posts.", validator=_NOT_NEGATIVE)
    ] = None,
    password: Annotated[
        str | None, Parameter(help="Of all the accounts: a random one, which is shown.")
    ] = None,
    chance: Annotated[
        int, Parameter(name="--seed", help="The same number makes the same town.")
    ] = 1,
    yes: Annotated[bool, Parameter(negative="", help="Even if there are accounts.")] = False,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    config: ConfigFile = None,
) -> int:
    """Fill the database with people who know each other and talk: for a demonstration, or a test.

    As in life, few have most of the followers, posts and likes. The server need not be stopped,
    unless the database is its embedded one.
    """
    settings = _prepare(config, data_dir=data_dir, database_url=database_url)
    from server import seed_command  # noqa: PLC0415
    from server.seeding.town import Size  # noqa: PLC0415
    from server.storage import open_database  # noqa: PLC0415

    size = Size(
        accounts,
        posts,
        follows,
        posts * 5 if likes is None else likes,
        posts if comments is None else comments,
    )

    async def open_and_fill() -> str:
        async with open_database(settings, progress=_progress(settings)) as database:
            return await seed_command.seed(
                database,
                size,
                chance=chance,
                password=password,
                yes=yes,
                pull_followers=settings.feed.pull_followers,
                console=_stderr(),
            )

    print(_run(open_and_fill()))
    return exits.OK.code


@app.command(name="config")
def show_config(*, config: ConfigFile = None) -> int:
    """Print the configuration in force, as a TOML file, without passwords and keys."""
    print(as_toml(load(config, os.environ)), end="")
    return exits.OK.code


@app.command
def version() -> int:
    """Print the version."""
    print(f"plaza {installed_version('plaza')}")
    return exits.OK.code


@app.command
def chat(
    url: str = "http://127.0.0.1:8080",
    *,
    username: Annotated[str | None, Parameter(help="Who you are; else you are asked.")] = None,
    password: Annotated[
        str | None,
        Parameter(
            help="Your password; else you are asked, unless you have logged in here before.",
            env_var="PLAZA_PASSWORD",
        ),
    ] = None,
    room: Annotated[str | None, Parameter(help="The room to enter: title or id.")] = None,
) -> int:
    """Talk, in this terminal or through a pipe. Offers to sign you up if the username is new.

    Args:
        url: Where Plaza listens.
    """
    from plaza_client.terminal import run  # noqa: PLC0415

    return _run(run(url, username=username, password=password, room=room))


# By its name: it is imported when it is asked for.
app.command(
    "loadtest.cli:app",
    name="loadtest",
    help="Load a server with virtual users, and measure what it does.",
)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command and exit with its code.

    Args:
        arguments: those after the program's name; from the process by default.
    """
    try:
        code = app(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        code = exits.INTERRUPTED.code
    except Exception as failure:
        exit_ = exits.exit_of(failure)
        if exit_ is exits.UNEXPECTED:
            raise
        _stderr().print(f"[bold red]Error:[/] {escape(str(failure))}")
        code = exit_.code
    sys.exit(code)


def _prepare(config: Path | None, **flags: Any) -> Config:
    """Read the configuration, and set the logs up as it says."""
    from server import logs  # noqa: PLC0415

    keys = {"database_url": "database.url", "media_port": "media.port"}
    given = {
        keys.get(name, f"server.{name}"): value
        for name, value in flags.items()
        if value is not None
    }
    settings = load(config, os.environ, given)
    logs.configure(settings.log)
    return settings


def _run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def _progress(settings: Config) -> Callable[[str], None]:
    """Where the steps of the start are told: to people as text, to machines in the log."""
    import structlog  # noqa: PLC0415

    from server import logs  # noqa: PLC0415

    if logs.is_json(settings.log, sys.stderr):
        log: Callable[[str], None] = structlog.get_logger().info
        return log
    console = _stderr()
    return lambda step: console.print(f"[dim]{escape(step)}[/]")


def _stderr() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)


def _announce(url: str) -> None:
    # One line on standard output, for scripts that wait for it: with port 0 it says which.
    print(f"Plaza is listening on {url}", flush=True)
    if sys.stderr.isatty():
        program = sys.argv[0] if sys.argv[0].endswith("plaza") else "plaza"
        _stderr().print(
            f"[dim]Talk, from another terminal:[/] {program} chat {url}\n"
            f"[dim]REST is explained at[/] {url}/api/v1/docs[dim]. Ctrl+C stops the server.[/]"
        )
