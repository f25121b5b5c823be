"""Conversations: the rules, and who is listening right now. Pure: no I/O, no clock.

A map, in the order in which a message passes:

    body          what text may be: bodies, titles, emoji
    permissions   who may do what: the one place, used by the socket and by REST
    conversation  a request -> a Draft for the room's log
    search        the language in which messages are searched for; words says what a word is
    hub           the rooms and people that are online in this process
    fanout        a written event -> every member's connection, once per tick and wire format
    catchup       what a connection that comes back has missed
    ports         what this package needs from outside
"""
