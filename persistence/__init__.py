"""Postgres: everything that is kept. SQL stands next to the function that runs it; no ORM.

A map, from the bottom up:

    embedded        a server of our own; its files and locks, and its user when we are root, are
                    in embedded_files and embedded_user
    database        the pool; when Postgres cannot be reached, the error says: retry
    migrate         the schema, from the numbered files of migrations/
    secrets         what all processes share and nobody else may know
    accounts        who people are; logins is the moment between a password and its effect
    sessions        their logins, and the refresh tokens that keep those alive
    arrivals        what hello asks: sessions, their accounts, and what these see
    relations       whom accounts block and mute
    presence        their settings, and when they were here last
    rooms           rooms as their members see them, and pages of their logs; threads by themselves
    moderation      who is banned from a room, what is pinned in it
    search          the index of messages, and what it finds
    room_log        the rooms' logs: queue, group commit, publication, reconnection
    round           one transaction of the log; room_facts is what it is judged by, room_effects
                    what it changes besides, event_rows how events become rows
    marker_writer   how far members have read: group commit again; marker_queue is what waits,
                    markers the statements
"""
