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
    people          accounts as one account sees them: rows to records
    profiles        what they show of themselves; profile_search finds them by name
    graph           who follows whom, with the counters; graph_lists shows it page by page
    presence        their settings, and when they were here last
    rooms           rooms as their members see them, and pages of their logs; threads by themselves
    moderation      who is banned from a room, what is pinned in it
    posts           posts as they are written; post_publication, post_edits, post_media,
                    post_shares and post_deletion are what becomes of them
    post_lists      whose posts, and which, in which order
    timelines       home timelines as they are read; timeline_fanout: how posts come into them,
                    timeline_upkeep: and go; rankings: in another order than that of time
    feed_audience   whom what happens to posts is for, asked for many at once
    partitions      the table of posts, by month
    seed            rows for a town that is made up
    likes           who likes a post; bookmarks and polls are likewise what people do with posts,
                    seen_post is how all of them find it
    comments        what is said of posts; comment_reader shows it
    trends          how hashtags and posts were used of late, and the lists that come of it
    streams         live streams as their owners make them; stream_reader shows them,
                    stream_visibility says to whom, stream_air: which are on, and where
    uploads         files that people send, what shows them, and how those go that nothing shows;
                    media_rows: as they are shown, objects: the store that has the bytes
    previews        what pages behind links say of themselves
    account_data    where in the schema accounts are; account_export reads them, account_deletion,
                    account_rooms and account_events take them away
    jobs            the queue of jobs: promised in a transaction, done after it
    search          the index of messages, and what it finds
    room_log        the rooms' logs: queue, group commit, publication, reconnection
    round           one transaction of the log; room_facts is what it is judged by,
                    room_attachments what is attached, room_effects what it changes besides,
                    event_rows how events become rows
    marker_writer   how far members have read: group commit again; marker_queue is what waits,
                    markers the statements
"""
