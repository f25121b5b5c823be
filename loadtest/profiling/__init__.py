"""Where the server's time goes, on one of its hot paths.

    hot_paths      the load: a large room, many pairs, a live stream
    recorder       runs py-spy or perf on the server
    stacks         what they have sampled: folded stacks, and the costs of functions
    table          the costs, for people
    flame_graph    a picture of them

`python -m loadtest.profile` puts them together; docs/profiling.md says how to read what comes out.
"""
