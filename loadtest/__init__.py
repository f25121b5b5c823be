"""Benchmarks: a real `plaza serve`, thousands of real connections, one question a file.

    inbound        what does an inbound message cost?
    fanout         what does a delivery in a large room cost, and what does it cost uWebSockets?
    durable        how many messages a second are written, acknowledged and delivered?
    memory         how much memory does an idle connection take?
    connects       how many clients can connect in a second?
    slow_reader    what does a member who stops reading do to the others?
    presence       what does it cost to tell who comes and goes?
    feed           how fast is the feed: reading, pushing, delivering, trends?
    storm          how long until all clients that were dropped at once are back?
    live           what does it cost to forward a live stream, and how much can one process?

Each is run as `python -m loadtest.NAME [--small] [--json FILE]`; docs/performance.md has what they
found. They stand on:

    deployment     a server with a database of its own
    population     accounts, sessions and rooms, in bulk
    town           the town that `plaza seed` makes, and people in it
    swarm          client connections, some KiB each
    timeline_reads reads home timelines, in a process of its own
    webrtc         peers that publish and watch live streams
    live_publisher one of them that sends, in a process of its own
    live_viewers   many that watch, in another
    worker         a process that does what it is told
    frames         WebSocket frames, made once and split cheaply
    process        a server's process: its CPU time and memory
    uwebsockets    the peer
    figures        figures, budgets, verdicts
    conversation   people who talk, and check what they hear
    command        the command line
    baseline       reports -> docs/performance.md

It imports nothing of the server's: what it measures it sees from outside, as clients do. What can
be seen only from inside is measured by tests/benchmarks/.
"""
