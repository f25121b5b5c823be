"""Usernames: 3 to 30 of a-z, 0-9 and _; case does not matter."""

import re

USERNAME = re.compile(r"[a-z0-9_]{3,30}")

# A mention is an @ that does not continue a word (so that mail@example.org is none), and the
# longest run of name characters after it; a run over 30 names nobody.
_MENTION = re.compile(r"(?<![\w@.])@([A-Za-z0-9_]{3,30})(?![A-Za-z0-9_])")


def fold_username(name: str) -> str:
    """Return the stored form of a username.

    Raises:
        ValueError: it is not a username; the message says what one is.
    """
    stripped = name.strip()
    # Only ASCII is folded: the Kelvin sign, too, has the lower case k.
    folded = stripped.lower() if stripped.isascii() else stripped
    if USERNAME.fullmatch(folded) is None:
        raise ValueError("a username is 3 to 30 of the characters a-z, 0-9 and _")
    return folded


def mentioned_names(body: str, limit: int = 50) -> tuple[str, ...]:
    """The usernames that a message addresses with @, folded, each once, in order of appearance.

    Args:
        limit: how many at most; the rest are plain text.
    """
    if "@" not in body:
        return ()
    names = dict.fromkeys(match.lower() for match in _MENTION.findall(body))
    return tuple(names)[:limit]
