-- Who people are, and the logins that they hold.

CREATE TABLE accounts (
    id            bigint PRIMARY KEY,
    username      text NOT NULL UNIQUE CHECK (username ~ '^[a-z0-9_]{3,30}$'),
    email         text NOT NULL,
    password_hash text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now()
);
-- Mail domains do not know case, and no provider in use tells local parts apart by it.
CREATE UNIQUE INDEX accounts_email ON accounts (lower(email));

CREATE TABLE sessions (
    id           bigint PRIMARY KEY,
    account_id   bigint NOT NULL REFERENCES accounts ON DELETE CASCADE,
    user_agent   text NOT NULL DEFAULT '',
    address      text NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL DEFAULT now(),
    refreshed_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz
);
CREATE INDEX sessions_of_account ON sessions (account_id) WHERE revoked_at IS NULL;

-- Every refresh token that a session ever had, as SHA-256: one that is shown a second time
-- (used_at is set) was stolen, or its thief was faster, and takes the session down (RFC 9700, 4.14).
CREATE TABLE refresh_tokens (
    token_hash bytea PRIMARY KEY,
    session_id bigint NOT NULL REFERENCES sessions ON DELETE CASCADE,
    used_at    timestamptz
);
CREATE INDEX refresh_tokens_of_session ON refresh_tokens (session_id);

-- Secrets that all processes share, such as the key that signs access tokens.
CREATE TABLE secrets (
    name  text PRIMARY KEY,
    value bytea NOT NULL
);
