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
    scenario       what a scenario is; scenario_file reads one, scenario_keys knows its keys,
                   scenario_sense what makes sense, scenario_reference -> docs/loadtest.md
    threshold      what must hold of figures; figure_names has those that there can be

The server under load, and who is there:

    target         the server: somebody's, or one of our own; endpoint is what it says of itself
                   over HTTP, limits which of its limits a load has met
    deployment     one of our own, with its database; process is its CPU time and memory
    preparation    people and rooms for a scenario; company is who is in a room with whom
    bulk_preparation  the same straight into a database of our own, by population
    rest_preparation  the same over REST: rest_accounts, rest_rooms, rest_calls; accounts_file keeps
                   accounts between runs
    earlier_posts  what home timelines have in them when a run begins

Programs:

    crowd_program  virtual users; crowd_sharing says who of them is in which process,
                   crowd_processes are these, crowd_account is what they tell
    crowd          and what they are, in their processes
    crowd_figures  the figures of that; latencies makes percentiles and histograms, server_counts
                   has what the server has counted, server_metrics its second in a few numbers
    rise           virtual users, more and more, until something breaks
    live_program   a stream and its viewers; call_program a call that is made of streams
    live_show      what both do: live_streams are made, live_peers publish and watch, live_sample
                   is what some seconds have shown, live_limit tries what is too much
    live_orders    what live_peers and their processes say to each other: live_publisher, of
                   live_camera; live_viewers, of live_viewer
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
