-- Conversations: the rooms, who is in them, and each room's append-only log.

CREATE TABLE rooms (
    id           bigint PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('dm', 'group', 'channel')),
    title        text,
    last_seq     bigint NOT NULL DEFAULT 0,
    -- The two accounts of a dm, the smaller id first: one room per pair.
    dm_low       bigint REFERENCES accounts,
    dm_high      bigint REFERENCES accounts,
    creator_id   bigint NOT NULL REFERENCES accounts,
    -- A repeated creation returns the first room.
    creation_key text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CHECK ((kind = 'dm') = (dm_low IS NOT NULL)),
    CHECK ((dm_low IS NULL) = (dm_high IS NULL)),
    CHECK (dm_low <= dm_high),
    UNIQUE (dm_low, dm_high),
    UNIQUE (creator_id, creation_key)
)
-- last_seq changes with every message: room on the page for the new version keeps the update
-- within it and off the indexes (a HOT update).
WITH (fillfactor = 50);
CREATE INDEX rooms_channels ON rooms (id) WHERE kind = 'channel';

CREATE TABLE room_members (
    room_id    bigint NOT NULL REFERENCES rooms ON DELETE CASCADE,
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    role       text NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
    joined_at  timestamptz NOT NULL DEFAULT now(),
    read_seq   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (room_id, account_id)
);
CREATE INDEX room_members_of_account ON room_members (account_id);
CREATE INDEX room_members_owners ON room_members (room_id) WHERE role = 'owner';

-- The truth about a room: what happened, in order, without holes. No foreign keys: the rooms row is
-- locked by every append anyway, and two look-ups per message would cost a third of the insert.
CREATE TABLE room_events (
    room_id    bigint NOT NULL,
    seq        bigint NOT NULL,
    event_id   bigint NOT NULL,
    type       text NOT NULL,
    sender_id  bigint NOT NULL,
    at         timestamptz NOT NULL,
    nonce      text,
    -- The message that this is about: of an edit, delete, react or unreact; of a reply, its parent.
    target     bigint,
    -- Text: the body of a message (its present one) or edit, the emoji of a reaction, a title.
    body       text,
    -- What else the event carries (attachments, mentions, roles), as in the wire's JSON.
    details    jsonb,
    edited_at  timestamptz,
    deleted_at timestamptz,
    PRIMARY KEY (room_id, seq)
);
CREATE UNIQUE INDEX room_events_nonce ON room_events (sender_id, nonce) WHERE nonce IS NOT NULL;
CREATE INDEX room_events_target ON room_events (room_id, target) WHERE target IS NOT NULL;

CREATE TABLE message_reactions (
    room_id    bigint NOT NULL,
    seq        bigint NOT NULL,
    emoji      text NOT NULL,
    account_id bigint NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (room_id, seq, emoji, account_id)
);
