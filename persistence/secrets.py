"""Secrets that all processes share, kept in the database."""

import secrets

import asyncpg

# Whoever comes first decides; all read what is there.
CREATE = "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING"

READ = "SELECT value FROM secrets WHERE name = $1"


async def signing_key(connection: asyncpg.Connection) -> bytes:
    """The key that signs access tokens: 32 random bytes, made when first asked for."""
    name = "signing_key"
    await connection.execute(CREATE, name, secrets.token_bytes(32))
    key: bytes = await connection.fetchval(READ, name)
    return key
