-- Profiles, who follows whom, posts and what people do with them, home timelines, uploads.

-- For finding people by what their names are like. In PostgreSQL's own contrib; "trusted", so that
-- the database's owner may install it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

ALTER TABLE accounts
    -- May look at everything that is not private, and take it down.
    ADD moderator boolean NOT NULL DEFAULT false,
    -- Its owner has deleted it: nobody logs in any more, and a job takes away what it has left.
    ADD deleted_at timestamptz;

-- What is left of deleted accounts. In the log 0 stands for them; a room that others are in stays
-- without its creator, a dm with one account as dm_low and none as dm_high.
ALTER TABLE rooms
    ALTER creator_id DROP NOT NULL,
    DROP CONSTRAINT rooms_check1,
    ADD CONSTRAINT rooms_dm_low CHECK (dm_low IS NOT NULL OR dm_high IS NULL);
CREATE INDEX rooms_dm_high ON rooms (dm_high) WHERE dm_high IS NOT NULL;
-- With room_events_nonce: everything that an account has written, at no cost for messages with a
-- nonce, which are nearly all.
CREATE INDEX room_events_sender ON room_events (sender_id) WHERE nonce IS NULL;

-- --- uploads ------------------------------------------------------------------------------------

-- Something that was uploaded. Its objects are in the object store, below `key`: random, because
-- whoever knows the address may fetch it.
CREATE TABLE uploads (
    id          bigint PRIMARY KEY,
    account_id  bigint NOT NULL REFERENCES accounts,
    key         text NOT NULL UNIQUE,
    name        text NOT NULL DEFAULT '',
    alt         text NOT NULL DEFAULT '',
    state       text NOT NULL CHECK (state IN ('receiving', 'processing', 'ready', 'failed')),
    -- Bytes: as declared, NULL where nothing was; and as received.
    length      bigint,
    received    bigint NOT NULL DEFAULT 0,
    -- Known when it is ready. `problem`: why it failed, in a sentence for its owner.
    kind        text CHECK (kind IN ('image', 'video', 'audio', 'file')),
    media_type  text,
    width       integer,
    height      integer,
    duration_ms integer,
    blurhash    text,
    -- What can be fetched: [{"name", "type", "bytes", "width", "height"}].
    variants    jsonb NOT NULL DEFAULT '[]',
    problem     text,
    touched_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX uploads_of_account ON uploads (account_id, id);
CREATE INDEX uploads_by_age ON uploads (touched_at);

-- What shows an upload: as long as something does, it stays.
CREATE TABLE upload_uses (
    upload_id bigint NOT NULL REFERENCES uploads ON DELETE CASCADE,
    -- 'post', 'comment', 'message', 'avatar', 'banner', 'preview'
    purpose   text NOT NULL,
    -- The id of what shows it: post, comment, log entry, account.
    used_by   bigint NOT NULL,
    PRIMARY KEY (upload_id, purpose, used_by)
);
CREATE INDEX upload_uses_by_user ON upload_uses (used_by, purpose);

-- --- profiles and the graph ---------------------------------------------------------------------

-- What an account shows of itself, one row for each: persistence/accounts.py makes it.
CREATE TABLE profiles (
    account_id   bigint PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    display_name text NOT NULL DEFAULT '',
    pronouns     text NOT NULL DEFAULT '',
    bio          text NOT NULL DEFAULT '',
    bio_html     text NOT NULL DEFAULT '',
    location     text NOT NULL DEFAULT '',
    website      text NOT NULL DEFAULT '',
    birthday     date,
    interests    text[] NOT NULL DEFAULT '{}',
    -- Who may see the two.
    birthday_visibility  text NOT NULL DEFAULT 'private'
        CHECK (birthday_visibility IN ('public', 'followers', 'friends', 'private')),
    interests_visibility text NOT NULL DEFAULT 'private'
        CHECK (interests_visibility IN ('public', 'followers', 'friends', 'private')),
    avatar_id    bigint REFERENCES uploads ON DELETE SET NULL,
    banner_id    bigint REFERENCES uploads ON DELETE SET NULL,
    verified     boolean NOT NULL DEFAULT false,
    -- 'followers': whoever wants to follow has to be let in, and others see no posts.
    visibility   text NOT NULL DEFAULT 'public' CHECK (visibility IN ('public', 'followers')),
    -- Exact: changed with the rows that they count.
    posts        integer NOT NULL DEFAULT 0,
    followers    integer NOT NULL DEFAULT 0,
    following    integer NOT NULL DEFAULT 0,
    -- Followed by so many that its posts are not written into their timelines, but read when they
    -- look. Never taken back: what was posted meanwhile would be in no timeline.
    pulled       boolean NOT NULL DEFAULT false
)
WITH (fillfactor = 70);
INSERT INTO profiles (account_id) SELECT id FROM accounts;
-- Names change seldom, and are searched often: what waits to be indexed would be read each time.
-- Every look at a home timeline asks which of the followed accounts are.
CREATE INDEX profiles_pulled ON profiles (account_id) WHERE pulled;
CREATE INDEX profiles_display_name_trigrams ON profiles USING gin (lower(display_name) gin_trgm_ops)
    WITH (fastupdate = off);
CREATE INDEX accounts_username_trigrams ON accounts USING gin (username gin_trgm_ops)
    WITH (fastupdate = off);

CREATE TABLE follows (
    follower_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    followee_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    -- When it was asked for, and so the order of lists.
    id          bigint NOT NULL,
    -- False: a request, which the followee has not answered.
    accepted    boolean NOT NULL,
    -- Whom the follower wants to hear of first. Nobody else is told.
    close       boolean NOT NULL DEFAULT false,
    -- The follower's timeline has the followee's posts. Until then they are read when it looks.
    backfilled  boolean NOT NULL DEFAULT false,
    PRIMARY KEY (follower_id, followee_id),
    CHECK (follower_id <> followee_id)
);
CREATE INDEX follows_followers ON follows (followee_id, id) INCLUDE (follower_id) WHERE accepted;
CREATE INDEX follows_following ON follows (follower_id, id) INCLUDE (followee_id) WHERE accepted;
CREATE INDEX follows_unfilled ON follows (follower_id) WHERE accepted AND NOT backfilled;
CREATE INDEX follows_requests ON follows (followee_id, id) WHERE NOT accepted;
CREATE INDEX follows_requested ON follows (follower_id, id) WHERE NOT accepted;

-- --- posts --------------------------------------------------------------------------------------

-- By month of the id, which holds the time: persistence/partitions.py makes the parts ahead. The
-- last part is for what no month was made for.
CREATE TABLE posts (
    id         bigint NOT NULL PRIMARY KEY,
    author_id  bigint NOT NULL REFERENCES accounts,
    -- Its place in every timeline, greater: newer. The id of one that was published at once; an id
    -- minted later for a draft. NULL: never published.
    position   bigint,
    type       text NOT NULL CHECK (type IN ('text', 'image', 'video', 'link', 'poll')),
    status     text NOT NULL CHECK (
        status IN ('draft', 'scheduled', 'published', 'under_review', 'flagged', 'deleted')
    ),
    visibility text NOT NULL CHECK (visibility IN ('public', 'followers', 'friends', 'private')),
    content    text NOT NULL DEFAULT '',
    -- What a reader is warned of before the content is shown.
    warning    text,
    -- Of type link: the address.
    link       text,
    -- Of a share, with a text (a quote) or without: the post that is shared, never a share without
    -- a text itself.
    shared_id  bigint,
    -- Uploads, in order.
    media      bigint[] NOT NULL DEFAULT '{}',
    -- Parsed once, when it was written: folded hashtags, accounts.
    tags       text[] NOT NULL DEFAULT '{}',
    mentions   bigint[] NOT NULL DEFAULT '{}',
    -- Of a scheduled one.
    publish_at timestamptz,
    published_at timestamptz,
    edited_at  timestamptz,
    -- How often it was edited: post_edits has the former versions.
    edits      integer NOT NULL DEFAULT 0,
    CHECK (status NOT IN ('published', 'under_review', 'flagged') OR position IS NOT NULL)
) PARTITION BY RANGE (id);
CREATE TABLE posts_rest PARTITION OF posts DEFAULT;
CREATE INDEX posts_of_author ON posts (author_id, position) WHERE status = 'published';
CREATE INDEX posts_unpublished ON posts (author_id, id) WHERE status IN ('draft', 'scheduled');
CREATE INDEX posts_due ON posts (publish_at) WHERE status = 'scheduled';
CREATE INDEX posts_shares ON posts (shared_id, position) WHERE shared_id IS NOT NULL;
CREATE INDEX posts_held ON posts (id) WHERE status IN ('under_review', 'flagged');
-- With the two above: all posts of an account.
CREATE INDEX posts_hidden_of_author ON posts (author_id, id)
    WHERE status IN ('under_review', 'flagged', 'deleted');
CREATE INDEX posts_mentions ON posts USING gin (mentions) WHERE mentions <> '{}';

-- A repeated creation returns the first post; the same key with another content is refused.
CREATE TABLE post_keys (
    author_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    key       text NOT NULL,
    post_id   bigint NOT NULL,
    digest    bytea NOT NULL,
    PRIMARY KEY (author_id, key)
);

-- Exact: changed with the rows that they count. Apart from the posts, so that a like does not
-- write a text anew.
CREATE TABLE post_counters (
    post_id  bigint PRIMARY KEY REFERENCES posts ON DELETE CASCADE,
    likes    integer NOT NULL DEFAULT 0,
    comments integer NOT NULL DEFAULT 0,
    shares   integer NOT NULL DEFAULT 0
)
WITH (fillfactor = 50);

CREATE TABLE post_edits (
    post_id bigint NOT NULL REFERENCES posts ON DELETE CASCADE,
    -- From 1, the first version of all.
    version integer NOT NULL,
    content text NOT NULL,
    warning text,
    link    text,
    media   bigint[] NOT NULL,
    -- When this version was written.
    at      timestamptz NOT NULL,
    PRIMARY KEY (post_id, version)
);

CREATE TABLE post_tags (
    tag       text NOT NULL,
    position  bigint NOT NULL,
    post_id   bigint NOT NULL REFERENCES posts ON DELETE CASCADE,
    author_id bigint NOT NULL,
    PRIMARY KEY (tag, position)
);
CREATE INDEX post_tags_of_post ON post_tags (post_id);
CREATE INDEX post_tags_by_time ON post_tags (position) INCLUDE (tag, author_id);

CREATE TABLE post_mentions (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    position   bigint NOT NULL,
    post_id    bigint NOT NULL REFERENCES posts ON DELETE CASCADE,
    PRIMARY KEY (account_id, position)
);
CREATE INDEX post_mentions_of_post ON post_mentions (post_id);

-- Shares without a text: one for each account and post.
CREATE TABLE post_shares (
    author_id bigint NOT NULL REFERENCES accounts,
    shared_id bigint NOT NULL REFERENCES posts ON DELETE CASCADE,
    post_id   bigint NOT NULL REFERENCES posts ON DELETE CASCADE,
    PRIMARY KEY (author_id, shared_id)
);
CREATE INDEX post_shares_of_shared ON post_shares (shared_id);
CREATE INDEX post_shares_of_post ON post_shares (post_id);

CREATE TABLE post_likes (
    post_id    bigint NOT NULL REFERENCES posts ON DELETE CASCADE,
    account_id bigint NOT NULL REFERENCES accounts,
    at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (post_id, account_id)
);
CREATE INDEX post_likes_of_account ON post_likes (account_id, post_id);
CREATE INDEX post_likes_by_time ON post_likes (at);
CREATE INDEX post_likes_in_order ON post_likes (post_id, at, account_id);

CREATE TABLE bookmarks (
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    post_id    bigint NOT NULL REFERENCES posts ON DELETE CASCADE,
    -- When it was made, and so the order of the list.
    id         bigint NOT NULL,
    PRIMARY KEY (account_id, post_id)
);
CREATE INDEX bookmarks_in_order ON bookmarks (account_id, id);
CREATE INDEX bookmarks_of_post ON bookmarks (post_id);

CREATE TABLE comments (
    id         bigint PRIMARY KEY,
    post_id    bigint NOT NULL REFERENCES posts ON DELETE CASCADE,
    -- NULL: of a tombstone whose author's account is deleted.
    author_id  bigint REFERENCES accounts,
    -- The comment that this answers; NULL: it answers the post.
    parent_id  bigint REFERENCES comments ON DELETE CASCADE,
    content    text NOT NULL,
    mentions   bigint[] NOT NULL DEFAULT '{}',
    edited_at  timestamptz,
    -- A tombstone, kept while it has answers.
    deleted_at timestamptz,
    -- Exact. `replies`: its direct answers that stand.
    likes      integer NOT NULL DEFAULT 0,
    replies    integer NOT NULL DEFAULT 0,
    CHECK (author_id IS NOT NULL OR deleted_at IS NOT NULL)
)
WITH (fillfactor = 80);
CREATE INDEX comments_of_post ON comments (post_id, id) WHERE parent_id IS NULL;
CREATE INDEX comments_all_of_post ON comments (post_id);
CREATE INDEX comments_of_parent ON comments (parent_id, id) WHERE parent_id IS NOT NULL;
CREATE INDEX comments_of_author ON comments (author_id, id);
CREATE INDEX comments_mentions ON comments USING gin (mentions) WHERE mentions <> '{}';

CREATE TABLE comment_keys (
    author_id  bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    key        text NOT NULL,
    comment_id bigint NOT NULL,
    digest     bytea NOT NULL,
    PRIMARY KEY (author_id, key)
);

CREATE TABLE comment_likes (
    comment_id bigint NOT NULL REFERENCES comments ON DELETE CASCADE,
    account_id bigint NOT NULL REFERENCES accounts,
    at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (comment_id, account_id)
);
CREATE INDEX comment_likes_of_account ON comment_likes (account_id);

CREATE TABLE polls (
    post_id   bigint PRIMARY KEY REFERENCES posts ON DELETE CASCADE,
    -- Several options may be chosen.
    multiple  boolean NOT NULL,
    closes_at timestamptz,
    -- How long it is open once it is published: closes_at is set then.
    seconds   integer,
    -- Accounts that have voted.
    voters    integer NOT NULL DEFAULT 0,
    -- For the votes to refer to.
    UNIQUE (post_id, multiple)
);
CREATE TABLE poll_options (
    post_id bigint NOT NULL REFERENCES polls ON DELETE CASCADE,
    option  smallint NOT NULL CHECK (option BETWEEN 0 AND 5),
    text    text NOT NULL,
    votes   integer NOT NULL DEFAULT 0,
    PRIMARY KEY (post_id, option)
);
CREATE TABLE poll_votes (
    post_id    bigint NOT NULL,
    account_id bigint NOT NULL REFERENCES accounts,
    option     smallint NOT NULL,
    -- The poll's, repeated for the index below.
    multiple   boolean NOT NULL,
    PRIMARY KEY (post_id, account_id, option),
    FOREIGN KEY (post_id, option) REFERENCES poll_options ON DELETE CASCADE,
    FOREIGN KEY (post_id, multiple) REFERENCES polls (post_id, multiple) ON DELETE CASCADE
);
-- Of a poll with a single choice: one vote for each account.
CREATE UNIQUE INDEX poll_votes_single ON poll_votes (post_id, account_id) WHERE NOT multiple;
CREATE INDEX poll_votes_of_account ON poll_votes (account_id);

-- --- home timelines -----------------------------------------------------------------------------

-- Of accounts that look at theirs. From `floor` on its entries are complete, but for the posts of
-- accounts that are pulled and of those in feed_pending; what is older is read from the posts.
CREATE TABLE timelines (
    account_id bigint PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
    floor      bigint NOT NULL,
    -- When its owner looked last, to the hour: it is filled for a while after.
    active_at  timestamptz NOT NULL
)
WITH (fillfactor = 70);
CREATE INDEX timelines_by_activity ON timelines (active_at);

-- Candidates: whether the account may still see them is asked when it looks.
CREATE TABLE timeline_entries (
    account_id bigint NOT NULL,
    position   bigint NOT NULL,
    post_id    bigint NOT NULL,
    author_id  bigint NOT NULL,
    PRIMARY KEY (account_id, position)
);

-- Published posts that have not reached all timelines yet: written with the post, deleted when the
-- last timeline has it. `reached`: the follows.id up to which they have.
CREATE TABLE feed_pending (
    post_id   bigint PRIMARY KEY REFERENCES posts ON DELETE CASCADE,
    author_id bigint NOT NULL,
    position  bigint NOT NULL,
    reached   bigint NOT NULL DEFAULT 0
);
CREATE INDEX feed_pending_of_author ON feed_pending (author_id);
CREATE INDEX feed_pending_by_position ON feed_pending (position);

-- The order in which one ranked home feed was shown, for the pages after its first. Worth nothing
-- after a crash, so not worth the log.
CREATE UNLOGGED TABLE feed_rankings (
    id         bigint PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    posts      bigint[] NOT NULL,
    -- Where the feed goes on, in the order of time, when these have been shown.
    floor      bigint NOT NULL
);
CREATE INDEX feed_rankings_of_account ON feed_rankings (account_id);

-- --- trending, link previews --------------------------------------------------------------------

CREATE TABLE trends (
    -- 'tag' or 'post'; '1h', '24h' or '7d'.
    kind  text NOT NULL,
    span  text NOT NULL,
    rank  integer NOT NULL,
    -- The tag, or the post's id.
    name  text NOT NULL,
    score double precision NOT NULL,
    -- Why: accounts, expected, ... as in the answer.
    why   jsonb NOT NULL,
    at    timestamptz NOT NULL,
    PRIMARY KEY (kind, span, rank)
);

CREATE TABLE link_previews (
    -- SHA-256 of the address: addresses are longer than an index entry may be.
    digest      bytea PRIMARY KEY,
    url         text NOT NULL,
    state       text NOT NULL CHECK (state IN ('pending', 'ready', 'failed')),
    title       text NOT NULL DEFAULT '',
    description text NOT NULL DEFAULT '',
    site        text NOT NULL DEFAULT '',
    -- The page's picture, in our own object store: {"key", "name", "type",
    -- "bytes", "width", "height", "blurhash"}.
    image       jsonb,
    -- Whoever posts the address after this has it fetched anew.
    due_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX link_previews_image ON link_previews ((image ->> 'key')) WHERE image IS NOT NULL;

-- --- exports ------------------------------------------------------------------------------------

CREATE TABLE account_exports (
    id         bigint PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES accounts,
    state      text NOT NULL CHECK (state IN ('pending', 'ready', 'failed')),
    -- In the object store; and in its address: random.
    key        text NOT NULL UNIQUE,
    bytes      bigint,
    at         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX account_exports_of_account ON account_exports (account_id);
