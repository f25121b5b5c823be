"""Who is here, and who is told so. Pure: time is an argument.

A map, in reading order:

    ports      what it needs from outside: a connection to tell something
    sight      what is told of an account or a room, encoded once for each wire format
    entries    somebody who is here, or was a moment ago; and the rooms they are in
    audience   who is told about whom: those who share a room, those who watch
    post       letters: what each connection is told, collected, handed over in one piece
    places     rooms: what entering, leaving and growing makes seen; counts for large ones
    table      all of it: devices come and go, rooms are entered and left, changes are flushed

The rule that keeps this small: everybody who may see an account has been told the same of it, and
that is kept with the account, not with those who were told. A change of its state waits for the
flush, which tells all of them; whoever comes to see it (a device arrives, a room is entered) is
told at once what the others were told last, and whoever ceases to see it is told that it is
offline. So nobody is told anything twice, and a change that is undone before the flush is never
told.
"""

from presence.table import Bounds, Profile, Table

__all__ = ["Bounds", "Profile", "Table"]
