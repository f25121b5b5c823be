-- What makes chat feel alive: exact unread counts, receipts, threads, pins, moderation, blocks,
-- presence, search.

-- The number of messages up to an event, stored with it, makes unread counts a subtraction: of what
-- the room has, minus what it had at the member's read_seq, minus those deleted since.
ALTER TABLE rooms
    ADD messages     bigint NOT NULL DEFAULT 0,
    ADD member_count integer NOT NULL DEFAULT 0,
    -- Between two messages of a plain member; 0: none.
    ADD slow_seconds integer NOT NULL DEFAULT 0;
ALTER TABLE room_events
    ADD messages bigint NOT NULL DEFAULT 0,
    -- Of a reply: the first message of its thread.
    ADD thread   bigint;
ALTER TABLE room_members
    ADD read_messages   bigint NOT NULL DEFAULT 0,
    ADD delivered_seq   bigint NOT NULL DEFAULT 0,
    ADD notify          text NOT NULL DEFAULT 'all' CHECK (notify IN ('all', 'mentions', 'none')),
    -- Cannot write before; infinity: for good, or, in a dm, while one has blocked the other.
    ADD muted_until     timestamptz,
    ADD last_message_at timestamptz,
    -- The sender's marker moves with each message: see rooms.
    SET (fillfactor = 70);

UPDATE room_events e SET messages = c.messages, thread = c.root
FROM (
    WITH RECURSIVE replies AS (
        SELECT room_id, seq, seq AS root FROM room_events WHERE type = 'message' AND target IS NULL
        UNION ALL
        SELECT e.room_id, e.seq, r.root
        FROM replies r
        JOIN room_events e ON e.room_id = r.room_id AND e.target = r.seq AND e.type = 'message'
    )
    SELECT e.room_id, e.seq, nullif(r.root, e.seq) AS root,
        count(*) FILTER (WHERE e.type = 'message') OVER (PARTITION BY e.room_id ORDER BY e.seq)
            AS messages
    FROM room_events e LEFT JOIN replies r USING (room_id, seq)
) c
WHERE (e.room_id, e.seq) = (c.room_id, c.seq);
UPDATE rooms r SET
    messages = (SELECT count(*) FROM room_events e WHERE e.room_id = r.id AND e.type = 'message'),
    member_count = (SELECT count(*) FROM room_members m WHERE m.room_id = r.id);
-- Markers: of what a member has written itself, it has read everything before.
UPDATE room_members m SET read_seq = greatest(m.read_seq, (
    SELECT max(e.seq) FROM room_events e
    WHERE e.room_id = m.room_id AND e.sender_id = m.account_id AND e.type = 'message'
));
UPDATE room_members m SET read_messages = e.messages
FROM room_events e WHERE e.room_id = m.room_id AND e.seq = m.read_seq;

CREATE INDEX room_events_deleted ON room_events (room_id, seq) WHERE deleted_at IS NOT NULL;
CREATE INDEX room_events_thread ON room_events (room_id, thread, seq) WHERE thread IS NOT NULL;

CREATE TABLE message_mentions (
    account_id bigint NOT NULL,
    room_id    bigint NOT NULL,
    seq        bigint NOT NULL,
    PRIMARY KEY (account_id, room_id, seq)
);
CREATE INDEX message_mentions_of_message ON message_mentions (room_id, seq);
INSERT INTO message_mentions (account_id, room_id, seq)
SELECT DISTINCT mention::bigint, e.room_id, e.seq
FROM room_events e, jsonb_array_elements_text(e.details -> 'mentions') AS mention
WHERE e.type = 'message' AND e.deleted_at IS NULL;

-- The root of a thread, and what is known of its replies. `last_*` are of the newest one, deleted
-- or not.
CREATE TABLE room_threads (
    room_id  bigint NOT NULL,
    root     bigint NOT NULL,
    replies  integer NOT NULL,
    last_seq bigint NOT NULL,
    last_at  timestamptz NOT NULL,
    PRIMARY KEY (room_id, root)
);
INSERT INTO room_threads (room_id, root, replies, last_seq, last_at)
SELECT room_id, thread, count(*) FILTER (WHERE deleted_at IS NULL), max(seq), max(at)
FROM room_events WHERE thread IS NOT NULL GROUP BY room_id, thread;

CREATE TABLE room_pins (
    room_id    bigint NOT NULL,
    seq        bigint NOT NULL,
    pinned_by  bigint NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (room_id, seq)
);

-- Who may not write, and until when. room_members.muted_until repeats it where the log looks; this
-- one outlasts leaving the room, so that nobody gets rid of it by coming back.
CREATE TABLE room_mutes (
    room_id    bigint NOT NULL REFERENCES rooms ON DELETE CASCADE,
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    until      timestamptz NOT NULL,
    PRIMARY KEY (room_id, account_id)
);
CREATE INDEX room_mutes_of_account ON room_mutes (account_id);

CREATE TABLE room_bans (
    room_id    bigint NOT NULL REFERENCES rooms ON DELETE CASCADE,
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    banned_by  bigint NOT NULL,
    at         timestamptz NOT NULL,
    -- NULL: for good.
    until      timestamptz,
    PRIMARY KEY (room_id, account_id)
);
CREATE INDEX room_bans_of_account ON room_bans (account_id);

CREATE TABLE account_blocks (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    other_id   bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, other_id)
);
CREATE INDEX account_blocks_of_other ON account_blocks (other_id);

CREATE TABLE account_mutes (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    other_id   bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, other_id)
);
CREATE INDEX account_mutes_of_other ON account_mutes (other_id);

ALTER TABLE accounts
    ADD busy         boolean NOT NULL DEFAULT false,
    ADD hidden       boolean NOT NULL DEFAULT false,
    ADD last_seen_at timestamptz;
-- People are looked up by the beginning of their names.
CREATE INDEX accounts_username_prefix ON accounts (username text_pattern_ops);

-- Messages as they are searched. Filled behind the log (persistence/search.py says how far it has
-- got, room by room), so that writing a message does not wait for its words to be taken apart.
CREATE TABLE message_search (
    room_id   bigint NOT NULL,
    seq       bigint NOT NULL,
    event_id  bigint NOT NULL,
    sender_id bigint NOT NULL,
    at        timestamptz NOT NULL,
    words     tsvector NOT NULL,
    PRIMARY KEY (room_id, seq)
);
CREATE INDEX message_search_words ON message_search USING gin (words);
CREATE TABLE message_search_progress (
    room_id bigint PRIMARY KEY,
    seq     bigint NOT NULL
);
