"""Conversations: the rules, and who is listening right now. Pure: no I/O, no clock.

A map, in the order in which a message passes:

    body          what text may be: bodies, titles, emoji
    permissions   who may do what: the one place, used by the socket and by REST
    conversation  a request -> a Draft for the room's log
    search        the language in which messages are searched for; words says what a word is
    hub           the rooms and people that are online in this process; guests: who has subscribed
    fanout        a written event -> every member's connection, once per tick and wire format
    live_rooms    the rooms in memory; tail: their last events, as the log would give them
    catchup       what a connection that comes back has missed
    receipts      what is left to be read, and who is told how far others have got
    typing        who is writing, and when the others are told so
    ports         what this package needs from outside
"""
