"""`plaza drain`: from outside, end a server and wait until it has ended."""

import os
import signal
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from server.exits import DrainFailed
from server.pidfile import Running, Watched, running_in
from server.sections import Server

LOOK_SECONDS = 0.1
DATABASE_SECONDS = 60.0  # that the embedded database may take on top of shutdown_seconds


def drain_server(settings: Server, *, pid: int | None, console: Console) -> None:
    """Send SIGTERM to the server with a data directory, and wait for its end.

    A server that drains already is only waited for: a second signal would make it hurry.

    Args:
        settings: say which data directory, and how long the end may take.
        pid: which one, where there are several.
        console: where the progress is shown.

    Raises:
        DrainFailed: there is none, it is somebody else's, or it does not end.
    """
    server = _the_one(settings.data_dir, pid)
    try:
        if server.running.total is None:
            _terminate(server.running)
        _wait(server, settings.shutdown_seconds + DATABASE_SECONDS, console)
    finally:
        server.close()


def _the_one(data_dir: str, pid: int | None) -> Watched:
    try:
        servers = running_in(Path(data_dir))
    except OSError as error:
        raise DrainFailed(
            f"The data directory {data_dir} cannot be read: {error.strerror}."
        ) from error
    chosen = [server for server in servers if pid in (None, server.running.pid)]
    if len(chosen) == 1:
        return chosen[0]
    if chosen:
        ids = ", ".join(f"{server.running.pid} at {server.running.url}" for server in chosen)
        raise DrainFailed(f"Several servers run with {data_dir}: {ids}. Choose one with --pid.")
    which = "" if pid is None else f" as process {pid}"
    raise DrainFailed(
        f"No server runs with the data directory {data_dir}{which}. Give the --data-dir or "
        "--config that it was started with."
    )


def _terminate(running: Running) -> None:
    if not running.reachable:
        raise DrainFailed(
            f"The server at {running.url} runs in another container. Run plaza drain in there, or "
            "stop the container with a grace time."
        )
    try:
        os.kill(running.pid, signal.SIGTERM)
    except ProcessLookupError:
        pass  # it has ended since
    except PermissionError:
        raise DrainFailed(
            f"You may not end process {running.pid}. Do it as the user that it runs as, or as root."
        ) from None


def _wait(server: Watched, seconds: float, console: Console) -> None:
    deadline = time.monotonic() + seconds
    pid = server.running.pid
    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(f"Draining process {pid}", total=None, state="")
        while server.look():
            if time.monotonic() > deadline:
                raise DrainFailed(
                    f"Process {pid} is still there after {seconds:.0f} s. Look into its log; "
                    "kill -9 loses nothing that was acknowledged."
                )
            running = server.running
            if running.total is not None:
                gone = running.total - running.left
                state = f"{gone} of {running.total} connections sent away"
                if not running.left:
                    state = "writing what waits, stopping the database"
                progress.update(task, total=running.total or None, completed=gone, state=state)
            time.sleep(LOOK_SECONDS)
        progress.update(task, total=1, completed=1, state="ended")
