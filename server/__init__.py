"""The process: the only package that knows all others, and that none of them knows.

A map. How it starts:

    cli         the command line: plaza serve, drain, migrate, config, version, chat
    exits       the catalogue of exit codes, and the failures that lead to them
    config      what can be configured
    settings    reads the configuration: file, environment, flags
    reference   the generated parts of docs/operations.md
    logs        standard error: for people or for machines
    serving     the process: from its start to the signal that ends it
    app         the composition root: what is made, in which order, and how it ends; parts: what
                the socket and REST have in common; clock: the time of day
    garbage     when cycles are looked for
    storage     the database: embedded or external, connected, migrated
    listener    the port: HTTP to uvicorn, WebSocket connections to the gateway

What else the command line does: seed_command, with seeding/: fills a database for demonstrations;
account_command: says who is verified, and who is a moderator

How it ends:

    drain       connections are sent away in batches; the log is closed last
    grace       the time that all of it has
    pidfile     which servers run with a data directory; drain_command: plaza drain

A message's path:

    gateway     a WebSocket connection, on raw asyncio; frame_reader: bytes to messages
    session     one chat connection: hello, then commands, each with one answer
    reception   hello: who it is, which rooms, what was missed
    arrivals    what hellos ask the database, asked together
    dispatch    a command's type to what carries it out
    chat        what accounts do with rooms beyond one event; REST uses it too
    log_reader  what was missed, from memory or the database; pages: places in a log
    search      finds messages; indexer keeps their index up with the log, behind it
    receipts    read and delivered markers: taken, written, told; typing: passed on
    presence    who is here, told to those whom it concerns; relations: blocks, mutes, settings
    live_feed   what happens to posts, pushed to those who watch; watch_commands: who does
    profiles    what accounts show of themselves; graph: who follows whom
    trends      what many talk about; previews: what is behind links, read by page_reader
    outbound    the guard of the server's own requests; addresses: which are public
    exports     an account as a zip; deletion: how it goes; chores: these four, put together;
                posting: and all that has to do with posts
    posts       what people publish; post_changes: and change; post_schedule: at a set time
    timelines   the home feed, page by page; deliveries: the jobs that fill it
    post_parts  makes the parts of their table ahead
    uploads     files: received (spool), converted (upload_conversion, conversion/), deleted;
                media: where they are fetched; pictures: of pages behind links; uploading: these,
                put together
    streams     live streams as their owners use them, under stream_rules, with stream_keys;
                stream_pages shows them, stream_admission lets people in, stream_stage keeps
                their state (stream_airing), stream_writer writes it, stream_news tells it;
                stream_ports: what they ask of the media; streaming: these, put together
    broadcasting
                what carries them: the media port, the broadcasts, their sessions
    engagement  what people do with posts: likes, bookmarks, votes; comments: what they say
    live_sessions
                who publishes and who watches over WHIP and WHEP; live_session: one of them;
                live_capacity: how many; viewer_events: what viewers are told beside the media
    wire        events to WebSocket frames
    outbox      what waits for one reader, bounded in bytes
    echo        /ws/echo, for conformance suites

Around it:

    auth        accounts and their sessions
    passwords   argon2id, so many at a time
    tokens      access tokens (signed) and refresh tokens (random)
    limits      token buckets; how often one may try to log in
    handshake   the WebSocket's opening: which protocol, and how one is turned away
    admission   who may connect: caps and rates of accounts and networks
    allowance   what one connection may still do; costs: how much a command takes of it
    quota       what the connections of an account or a network may do together
    meter       reads no more from a connection than it may send
    pressure    whether the process is behind, so that nobody new is let in
    proxies     whose connection it is, behind reverse proxies
    traffic     what the gateway counts
    wheel       one timer for all connections; upkeep: what happens every second
    background  work that nobody waits for; jobs: work that outlives the
                process, job_results: how its tries end
    metrics     what /metrics shows; media_metrics: of live streams
    rest/       the HTTP interface: thin controllers
"""
