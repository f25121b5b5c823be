"""The sections of the configuration, each with its settings.

The descriptions become the table in docs/operations.md.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from protocol.ids import MAX_NODE

SECRET = {"secret": True}

Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Bytes = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the sections."""


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


class Limits(Section, frozen=True):
    """What one client may ask for. 0 means no limit."""

    message_bytes: Annotated[Count, Meta(description="A WebSocket message")] = 65_536
    fragments: Annotated[Count, Meta(description="Frames of one WebSocket message")] = 128
    hello_seconds: Annotated[Count, Meta(description="From connecting to `hello`")] = 10
    outbox_soft_bytes: Annotated[
        Count,
        Meta(description="Waiting for a slow reader; beyond it typing and the like are left out"),
    ] = 262_144
    outbox_hard_bytes: Annotated[
        Count, Meta(description="Waiting for a slow reader; beyond it the connection is closed")
    ] = 1_048_576
    unanswered_commands: Annotated[
        Count, Meta(description="Commands of one connection that wait for their answer")
    ] = 256
    commands_per_connection_second: Annotated[
        Count,
        Meta(description="Commands of one connection, twice as many at once; some count for more"),
    ] = 2_000
    commands_per_account_second: Annotated[
        Count, Meta(description="Of all connections of an account, and its REST requests")
    ] = 4_000
    commands_per_ip_second: Annotated[
        Count, Meta(description="Of one address (of IPv6: one /64), REST requests included")
    ] = 0
    bytes_per_connection_second: Annotated[
        Count,
        Meta(description="Read from one connection, twice as much at once; beyond it we pause"),
    ] = 4_194_304
    bytes_per_account_second: Annotated[
        Count, Meta(description="Read from all connections of an account")
    ] = 0
    bytes_per_ip_second: Annotated[
        Count, Meta(description="Read from all connections of one address")
    ] = 0
    connects_per_account_minute: Annotated[
        Count, Meta(description="Times that an account says `hello` in a minute")
    ] = 600
    connects_per_ip_minute: Annotated[
        Count, Meta(description="WebSocket handshakes of one address in a minute")
    ] = 0
    connections_per_account: Annotated[
        Count, Meta(description="Connections of one account at the same time")
    ] = 100
    connections_per_ip: Annotated[
        Count, Meta(description="WebSocket connections of one address at the same time")
    ] = 0
    loop_lag_ms: Annotated[
        Count,
        Meta(
            description="A process whose event loop is late by more than this, twice in a row, "
            "takes no new connections until it has caught up"
        ),
    ] = 1_000
    arriving: Annotated[
        Count,
        Meta(description="Connections that wait for the answer to `hello`; beyond it, no new ones"),
    ] = 2_000
    log_queue: Annotated[Count, Meta(description="Events of all rooms that wait for the disk")] = (
        20_000
    )
    marker_queue: Annotated[
        Count, Meta(description="Read and delivered markers that wait for the disk")
    ] = 20_000
    receipts_members: Annotated[
        Count, Meta(description="Members of a room up to which they see who has read what")
    ] = 100
    typing_members: Annotated[
        Count, Meta(description="Members of a room up to which they see who is writing")
    ] = 200
    replay_events: Annotated[
        Count,
        Meta(
            description="Missed events of one room that are sent after `hello`; more: `gap`, and "
            "the client reads `history`"
        ),
    ] = 300
    tail_events: Annotated[
        Count,
        Meta(
            description="The last events of all rooms that are kept in memory together, of one "
            "room `limits.replay_events` at most: what clients that come back have missed is read "
            "from there. About 0.3 KiB each"
        ),
    ] = 100_000
    watched_accounts: Annotated[
        Count, Meta(description="Accounts whose presence one connection watches")
    ] = 1_000
    blocked_accounts: Annotated[
        Count, Meta(description="Accounts that one account blocks; as many it may mute")
    ] = 1_000
    request_bytes: Annotated[Count, Meta(description="The body of a REST request")] = 1_048_576
    signups_per_ip_hour: Annotated[
        Count, Meta(description="New accounts from one address (of IPv6: one /64) in an hour")
    ] = 20
    logins_per_ip_minute: Annotated[
        Count, Meta(description="Tries to log in from one address in a minute")
    ] = 30
    logins_per_account_minute: Annotated[
        Count, Meta(description="Wrong passwords for one account in a minute")
    ] = 10


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
