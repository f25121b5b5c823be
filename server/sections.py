"""The sections of the configuration, each with its settings.

The descriptions become the table in docs/operations.md.
"""

from typing import Annotated, Literal

from msgspec import Meta, field

from protocol.ids import MAX_NODE
from server.limit_settings import Limits
from server.section import SECRET, Bytes, Count, Section

__all__ = [
    "SECRET",
    "Auth",
    "Database",
    "Debug",
    "Feed",
    "Gateway",
    "Limits",
    "Log",
    "Media",
    "Node",
    "Outbound",
    "Presence",
    "Section",
    "Server",
    "Streams",
    "Uploads",
]


class Server(Section, frozen=True):
    """The process and the port it listens on."""

    host: Annotated[str, Meta(min_length=1, description="Address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on; 0: any free one")] = (
        8080
    )
    data_dir: Annotated[
        str, Meta(min_length=1, description="Folder of the embedded database; made if missing")
    ] = "./data"
    origins: Annotated[
        list[Annotated[str, Meta(pattern="^https?://[^/,]+$")]],
        Meta(
            description="Web pages that may connect, as the `Origin` header of their browsers, "
            "such as `https://chat.example`; none: any page. Programs send no `Origin` and "
            "may always connect"
        ),
    ] = []
    trusted_proxies: Annotated[
        list[str],
        Meta(
            description="Addresses or networks of the reverse proxies whose `X-Forwarded-For` and "
            "`X-Forwarded-Proto` are believed"
        ),
    ] = []
    shutdown_seconds: Annotated[
        int,
        Meta(ge=0, le=3600, description="Grace time between SIGTERM and the exit"),
    ] = 20
    drain_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=3600,
            description="After SIGTERM connections are sent away in batches that are spread over "
            "so many seconds, at most four fifths of `shutdown_seconds`; 0: all at once",
        ),
    ] = 10
    metrics_address: Annotated[
        str,
        Meta(
            description="`host:port` for `/metrics`; empty: on the main port, for everybody "
            "who reaches it"
        ),
    ] = ""


class Database(Section, frozen=True):
    """Postgres."""

    url: Annotated[
        str,
        Meta(
            pattern="^(postgres(ql)?://.+)?$",
            description="`postgresql://user:password@host/name` of a PostgreSQL 14 or newer; "
            "empty: the embedded one, under `server.data_dir`",
            extra=SECRET,
        ),
    ] = ""
    pool_size: Annotated[
        int, Meta(ge=2, le=1000, description="Connections to the database, at most")
    ] = 10


class Auth(Section, frozen=True):
    """Accounts and sessions."""

    access_token_seconds: Annotated[
        int, Meta(ge=10, le=86_400, description="How long an access token is good")
    ] = 900
    refresh_token_days: Annotated[
        int, Meta(ge=1, le=3650, description="How long a session lasts that is not refreshed")
    ] = 30
    password_hashers: Annotated[
        int,
        Meta(
            ge=1,
            le=256,
            description="Passwords hashed at the same time; each takes 64 MiB of memory and a core",
        ),
    ] = 2
    signing_key: Annotated[
        str,
        Meta(
            pattern="^(.{32,})?$",
            description="Secret of 32 or more characters that signs access tokens; empty: a random "
            "one, kept in the database",
            extra=SECRET,
        ),
    ] = ""


class Gateway(Section, frozen=True):
    """WebSocket connections."""

    heartbeat_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=3600,
            description="A connection that is silent for this long is pinged; after "
            "twice as long it is closed",
        ),
    ] = 25
    deflate: Annotated[
        bool, Meta(description="Compress (permessage-deflate) where the client offers it")
    ] = False
    deflate_min_bytes: Annotated[
        int, Meta(ge=0, le=2**20, description="Shorter messages are sent as they are")
    ] = 256


class Presence(Section, frozen=True):
    """Who is told who is here."""

    grace_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=3600,
            description="How long somebody is still here whose last connection is gone: whoever "
            "comes back by then was never away",
        ),
    ] = 15
    room_members: Annotated[
        Count,
        Meta(
            description="Members of a room up to which they are told of each other's presence; in "
            "larger ones they are told how many are online"
        ),
    ] = 200


class Feed(Section, frozen=True):
    """Posts, and how they reach people."""

    pull_followers: Annotated[
        Count,
        Meta(
            description="Followers beyond which an account's posts are not written into their "
            "timelines any more, but read when they look"
        ),
    ] = 10_000
    active_days: Annotated[
        int,
        Meta(ge=1, le=3650, description="Timelines are filled of those who looked within so long"),
    ] = 30
    timeline_entries: Annotated[
        int,
        Meta(ge=100, le=100_000, description="Kept of one timeline; older posts are read afresh"),
    ] = 800
    watched: Annotated[
        Count, Meta(description="Authors, tags and posts together that one connection watches")
    ] = 500


class Uploads(Section, frozen=True):
    """Files that people upload. 0 means no limit."""

    store: Annotated[
        str,
        Meta(
            description="Where they are kept: the URL of a bucket, such as `s3://name/path`; "
            "empty: the folder `objects` under `server.data_dir`"
        ),
    ] = ""
    image_bytes: Annotated[Bytes, Meta(description="An image")] = 20 * 2**20
    video_bytes: Annotated[Bytes, Meta(description="A video or sound")] = 500 * 2**20
    file_bytes: Annotated[Bytes, Meta(description="Any other file")] = 100 * 2**20
    image_pixels: Annotated[Count, Meta(description="Width times height of an image")] = 50_000_000
    video_seconds: Annotated[Count, Meta(description="How long a video may be")] = 600
    conversion_seconds: Annotated[
        int,
        Meta(ge=1, le=86_400, description="Time of a processor that converting one video may take"),
    ] = 1_800
    account_bytes: Annotated[Bytes, Meta(description="All uploads of one account")] = 5 * 2**30
    orphan_hours: Annotated[
        int, Meta(ge=1, le=8760, description="Uploads that nothing shows are kept so long")
    ] = 24
    workers: Annotated[
        int,
        Meta(
            ge=1,
            le=64,
            description="Processes that convert videos; as many others convert images, which need "
            "not wait for them",
        ),
    ] = 1


class Media(Section, frozen=True):
    """WebRTC: live streams that are published and watched. 0 means no limit."""

    enabled: Annotated[bool, Meta(description="Take live streams, and open the media port")] = True
    host: Annotated[
        str,
        Meta(
            description="Address of the media port; `::` is all addresses of IPv4 and IPv6, "
            "`0.0.0.0` those of IPv4; empty: as `server.host`"
        ),
    ] = ""
    port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="The media port, UDP and TCP, one for each process; 0: any free one",
        ),
    ] = 8189
    announced_addresses: Annotated[
        list[Annotated[str, Meta(pattern=r"^[0-9A-Za-z.:_-]{1,253}$")]],
        Meta(
            description="IP addresses, or names of hosts, at which browsers reach the media port, "
            "such as the public address in front of a NAT; empty: the addresses of the machine's "
            "interfaces"
        ),
    ] = []
    tcp: Annotated[
        bool, Meta(description="Also take media over TCP, for networks that let no UDP through")
    ] = True
    tcp_connections: Annotated[
        int, Meta(ge=2, le=100_000, description="Such connections at the same time")
    ] = 512
    segmentation: Annotated[
        bool,
        Meta(
            description="Let the kernel cut bursts into datagrams (UDP_SEGMENT) where it can: "
            "less work for each packet"
        ),
    ] = True
    publishers: Annotated[Count, Meta(description="Streams that are published to one process")] = (
        100
    )
    viewers: Annotated[Count, Meta(description="Viewers of one process, of all its streams")] = (
        2_000
    )
    viewers_per_stream: Annotated[Count, Meta(description="Viewers of one stream")] = 1_000
    publisher_bitrate: Annotated[
        Count,
        Meta(
            description="Bits in a second that one publisher may send; it is told, and what is "
            "beyond is dropped"
        ),
    ] = 12_000_000
    egress_bitrate: Annotated[
        Bytes,
        Meta(
            description="Bits in a second that one process sends; beyond it, no more viewers are "
            "let in"
        ),
    ] = 0
    ice_servers: Annotated[
        list[Annotated[str, Meta(pattern="^(stuns?|turns?):[^,\\s]+$")]],
        Meta(
            description="STUN and TURN servers that clients are told, such as "
            "`turn:turn.example:3478?transport=udp`"
        ),
    ] = []
    turn_secret: Annotated[
        str,
        Meta(
            description="Secret that the TURN servers share with Plaza (coturn: "
            "`static-auth-secret`): clients get names and passwords that expire. Empty: they get "
            "none",
            extra=SECRET,
        ),
    ] = ""
    turn_seconds: Annotated[
        int, Meta(ge=60, le=604_800, description="How long such a name and password are good")
    ] = 86_400


class Streams(Section, frozen=True):
    """Live streams, as people use them."""

    grace_seconds: Annotated[
        int,
        Meta(
            ge=1,
            le=3600,
            description="How long a stream goes on whose publisher is gone: viewers stay, and the "
            "publisher may come back",
        ),
    ] = 30
    per_account: Annotated[Count, Meta(description="Streams of one account; 0: any number")] = 20
    anonymous_viewers: Annotated[
        bool,
        Meta(description="Public streams can be found and watched without an account"),
    ] = True


class Outbound(Section, frozen=True):
    """Requests of the server's own, such as for the pages behind links."""

    ports: Annotated[
        list[Annotated[int, Meta(ge=1, le=65535)]],
        Meta(description="Ports to which they may go. Never to addresses that are not public"),
    ] = field(default_factory=lambda: [80, 443])
    seconds: Annotated[int, Meta(ge=1, le=300, description="That one of them may take in all")] = 10


class Debug(Section, frozen=True):
    """For the development of Plaza itself."""

    echo: Annotated[bool, Meta(description="Serve `/ws/echo`, which sends every message back")] = (
        False
    )
    outbound_networks: Annotated[
        list[str],
        Meta(
            description="Networks to which requests of the server's own may go, whatever the port, "
            "although they are not public, such as `127.0.0.0/8`. Whoever may post links then "
            "reaches what is in them"
        ),
    ] = []


class Log(Section, frozen=True):
    """What is written to standard error."""

    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="The least important lines to write"),
    ] = "info"
    format: Annotated[
        Literal["auto", "console", "json"],
        Meta(description="`auto`: `console` on a terminal, `json` elsewhere"),
    ] = "auto"


class Node(Section, frozen=True):
    """Which of the processes that share a database this one is."""

    id: Annotated[
        int, Meta(ge=0, le=MAX_NODE, description="Its number; no two may have the same")
    ] = 0
