"""The section `limits` of the configuration: see server/sections.py."""

from typing import Annotated

from msgspec import Meta

from server.section import Count, Section


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
    subscriptions: Annotated[
        Count,
        Meta(description="Channels that one connection listens to without being a member of them"),
    ] = 50
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
    stream_keys_per_ip_minute: Annotated[
        Count, Meta(description="Wrong stream keys from one address in a minute")
    ] = 30
    offers_per_ip_minute: Annotated[
        Count,
        Meta(description="Times that one address begins to publish or to watch in a minute"),
    ] = 600
