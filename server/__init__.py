"""The process: the only package that knows all others, and that none of them knows.

A map, in reading order:

    cli         the command line: plaza serve, migrate, config, version, chat
    exits       the catalogue of exit codes, and the failures that lead to them
    config      what can be configured
    settings    reads the configuration: file, environment, flags
    reference   the generated parts of docs/operations.md
    logs        standard error: for people or for machines
    app         the composition root: what is made, in which order, and how it ends
    gateway     WebSocket connections on raw asyncio; hop 1 of a message's path
    dispatch    a command to what carries it out; hop 3
    outbox      what waits for one slow reader, bounded in bytes
    drain       the orderly end
    passwords   argon2id, so many at a time
    tokens      access tokens (signed) and refresh tokens (random)
    limits      how often one may try
    metrics     what /metrics shows
    rest/       the HTTP interface: thin controllers
"""
