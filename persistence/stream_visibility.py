"""Who may see and watch a stream: one condition for every statement that reads streams.

What is hidden and what does not exist look the same: a statement with this condition returns no row
for either. Whoever is banned from a stream's chat does not see the stream either.
"""

from persistence.visibility import not_blocked, reached

BANNED = """EXISTS (
    SELECT FROM room_bans rb
    WHERE (rb.room_id, rb.account_id) = ({room}, {viewer}) AND (rb.until > now()) IS NOT FALSE
)"""
"""Whether the viewer is banned from a room now."""


def visible_stream(viewer: str = "$1", *, stream: str = "s", profile: str = "pr") -> str:
    """The condition that the viewer may see a stream, and watch it.

    Owners see their own; moderators see what is not private; others what is for them. Somebody who
    has not said who they are is 0, whom nobody can follow or block.

    Args:
        viewer: an expression for the account.
        stream, profile: the aliases of the tables streams and, of the owner, profiles.
    """
    owner = f"{stream}.owner_id"
    for_viewer = reached(
        f"{stream}.visibility",
        viewer=viewer,
        author=owner,
        is_open=f"{profile}.visibility = 'public'",
    )
    return f"""(
    {owner} = {viewer}
    OR {for_viewer} AND {not_blocked(viewer=viewer, author=owner)}
        AND NOT {BANNED.format(room=f"{stream}.room_id", viewer=viewer)}
    OR {stream}.visibility <> 'private'
        AND coalesce((SELECT moderator FROM accounts WHERE id = {viewer}), false)
)"""


def chat_hidden(room: str, viewer: str) -> str:
    """The condition that a room is the chat of a stream that the viewer may not see.

    Args:
        room, viewer: expressions for their ids.
    """
    return f"""EXISTS (
    SELECT FROM streams s JOIN profiles pr ON pr.account_id = s.owner_id
    WHERE s.room_id = {room} AND NOT {visible_stream(viewer)}
)"""
