"""The wire: what client and server must agree on. Pure: no I/O, no clock, no randomness.

A map, in reading order:

    ids         time-ordered 64-bit identifiers, decimal strings on the wire
    times       RFC 3339 timestamps
    names       usernames: what is allowed, what is the same name
    records     the nouns that commands and events carry: account, room, member, message parts
    commands    what a client may ask over the WebSocket
    events      what the server says: answers, room events, notices
    trends      what many talk about, and why it is said that they do
    exports     the zip of everything that is kept of an account
    uploads     what people upload
    drafts      a room event on its way into the log, and the facts that its guard sees
    codec       commands and events <-> JSON and MessagePack
    errors      the catalogue of error codes, used by the socket and by REST alike
    close       the catalogue of WebSocket close codes
    glossary    what the fields mean, in words
    reference   the tables and JSON Schemas of docs/protocol.md, generated from the above
"""
