-- Live streams: what they are called, who may see them, and whether they are on.

CREATE TABLE streams (
    id           bigint PRIMARY KEY,
    owner_id     bigint NOT NULL REFERENCES accounts,
    -- Its chat. When the stream is deleted the room stays for those who are in it, as a group.
    room_id      bigint NOT NULL UNIQUE REFERENCES rooms,
    title        text NOT NULL,
    description  text NOT NULL DEFAULT '',
    category     text NOT NULL DEFAULT '',
    visibility   text NOT NULL CHECK (visibility IN ('public', 'followers', 'friends', 'private')),
    thumbnail_id bigint REFERENCES uploads ON DELETE SET NULL,
    -- SHA-256 of the key that whoever publishes shows: random, so that there is nothing to guess.
    key_hash     bytea NOT NULL,
    created_at   timestamptz NOT NULL,

    state        text NOT NULL DEFAULT 'idle'
        CHECK (state IN ('idle', 'live', 'interrupted', 'ended')),
    -- The process that has the publisher, and when it last said so. One that was killed says
    -- nothing: its streams are ended when it starts again, or by another one after a while.
    node         smallint,
    lease_at     timestamptz,
    -- Since it last went live; `viewers` is at most some seconds old.
    started_at   timestamptz,
    ended_at     timestamptz,
    viewers       integer NOT NULL DEFAULT 0,
    peak_viewers  integer NOT NULL DEFAULT 0,
    total_viewers integer NOT NULL DEFAULT 0,
    CHECK ((state IN ('live', 'interrupted')) = (node IS NOT NULL)),
    CHECK ((node IS NULL) = (lease_at IS NULL)),
    CHECK ((state = 'idle') = (started_at IS NULL))
)
-- The numbers of all that are live change every few seconds, off the indexes (HOT updates); that
-- lists by viewers are sorted is cheaper, for live streams are few.
WITH (fillfactor = 50);
CREATE INDEX streams_of_owner ON streams (owner_id, id);
CREATE INDEX streams_on ON streams (id) WHERE node IS NOT NULL;
CREATE INDEX streams_thumbnail ON streams (thumbnail_id) WHERE thumbnail_id IS NOT NULL;
