"""Nchan: publish and subscribe in nginx, as Debian packages it (libnginx-mod-nchan).

nginx with one worker, in the foreground, with a configuration and files of its own; messages are
kept in memory as Nchan does by default (the last ten of a channel). A room is a channel, at which
everybody publishes and subscribes over the same WebSocket. The echo is a channel for each
connection.

Nchan does not set TCP_NODELAY: of messages that come one right after the other the second waits for
the client's delayed acknowledgement (40 ms). The CPU does not care, the rates do.

What it does not do: nothing is written to a disk, or acknowledged; nobody logs in.
"""

import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import which

from loadtest.peers.foreground import foreground, free_port
from loadtest.peers.peer import Dialect, Server
from loadtest.peers.text import DELIVERY, ECHO, Text

_MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")

_CONFIGURATION = """
load_module {module};
daemon off;
worker_processes 1;
worker_rlimit_nofile {files};
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections {connections}; }}
http {{
    access_log off;
    {temporary}
    server {{
        listen 127.0.0.1:{port};
        location = /room {{ nchan_pubsub websocket; nchan_channel_id room; }}
        location ~ ^/echo/([0-9]+)$ {{ nchan_pubsub websocket; nchan_channel_id echo/$1; }}
    }}
}}
"""


class EchoDialect(Dialect):
    """A channel for each client."""

    def path(self, client: int, /) -> str:
        """The channel."""
        return f"/echo/{client}"


class Nchan:
    """See the module."""

    name = "nchan"
    hint = "On Debian: `apt-get install nginx-light libnginx-mod-nchan` puts it there."

    def is_installed(self) -> bool:
        """Whether nginx and the module are there."""
        return _nginx() is not None and _MODULE.exists()

    def version(self) -> str:
        """Of nginx; and of the module, which Debian knows."""
        nginx = _said(_nginx() or "nginx", "-v").rpartition("/")[2]
        module = _said("dpkg-query", "--show", "--showformat=${Version}", "libnginx-mod-nchan")
        return f"nginx {nginx}, libnginx-mod-nchan {module}"

    @asynccontextmanager
    async def launched(self, members: int, /) -> AsyncIterator[Server]:
        """A master process, and a worker."""
        port = free_port()
        with tempfile.TemporaryDirectory(prefix="plaza-nchan-") as folder:
            file = Path(folder) / "nginx.conf"
            file.write_text(_configuration(Path(folder), port, members))
            command = [_nginx() or "nginx", "-p", folder, "-e", "stderr", "-c", str(file)]
            async with foreground(command, port) as pids:
                yield Server(
                    url=f"http://127.0.0.1:{port}",
                    pids=pids,
                    room=Dialect("/room", Text(DELIVERY)),
                    echo=EchoDialect("", Text(ECHO)),
                )


def _configuration(folder: Path, port: int, members: int) -> str:
    connections = 2 * members + 1024
    return _CONFIGURATION.format(
        module=_MODULE,
        folder=folder,
        port=port,
        connections=connections,
        files=connections + 1024,
        temporary=" ".join(f"{name}_temp_path {folder}/{name};" for name in _TEMPORARY),
    )


def _said(*command: str) -> str:
    """What a program says, on whichever of its outputs; nothing where there is no such program."""
    if which(command[0]) is None:
        return ""
    said = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return said.stdout.strip()


def _nginx() -> str | None:
    return which("nginx") or which("nginx", path="/usr/sbin")
