"""Load tests: `plaza loadtest`, and benchmarks of the whole server.

A run, from the command line to the report:

    cli            `plaza loadtest run|compare|peers|questions`; flags has what a run is asked for,
                   failures what it says why of
    run            a run: variants in turns against a server, and the report; gathering puts
                   together what the turns have found
    live_view      how it goes, while it does
    interruption   Ctrl-C, once and twice
    findings       what a program is given, and hands back; programs is the table of them
    report         the report: JSON, page, table, comparison, pictures
    figures        figures, budgets, verdicts, the machine

What is asked:

    questions/     the scenarios that there are
    scenario       what a scenario is; scenarios reads the files
    threshold      what must hold of figures; figure_names has those that there can be

The server under load, and who is there:

    target         the server: somebody's, or one of our own; endpoint is what it says of itself
                   over HTTP, limits which of its limits a load has met
    deployment     one of our own, with its database; process is its CPU time and memory
    preparation    people and rooms for a scenario; preparing: the two ways, over REST and in bulk
    population     accounts, sessions and rooms in bulk, into a database of our own

Programs:

    conductor      virtual users, conducted: processes of them, and the figures of what they tell
    crowd          the virtual users themselves, in their processes
    latencies      percentiles and histograms; server_counts: what the server has counted meanwhile,
                   server_metrics: a second of it in a few numbers
    rise           virtual users, more and more, until something breaks
    live           live streams and their viewers, and calls that are made of streams
    webrtc         peers that publish and watch live streams
    worker         a process that does what it is told

Beside runs:

    peers          other servers, given the same work
    profile        where the server's time goes on a hot path; profiling has its parts

Benchmarks, `python -m loadtest.NAME [--small] [--json FILE]`, for what a run does not count:

    inbound        what does an inbound message cost?
    presence       who is told of changes, to the event, and what does that cost?
    feed           how fast is the feed of a whole town? town has it, timeline_reads reads it
    command        their command line
    swarm          their connections, some KiB each; frames are WebSocket's, for everybody here

    baseline       reports -> docs/performance.md: baseline_reports finds them, baseline_budgets
                   and baseline_tables make what stands there

It imports nothing of the server's: what it measures it sees from outside, as clients do. What can
be seen only from inside is measured by tests/benchmarks/.
"""
