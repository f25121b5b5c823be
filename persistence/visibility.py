"""Who may see what somebody posted: one condition for every statement that reads posts.

What is hidden and what does not exist look the same: a statement with this condition returns no row
for either.
"""

BLOCKED = """EXISTS (
    SELECT FROM account_blocks b
    WHERE (b.account_id, b.other_id) IN (({viewer}, {author}), ({author}, {viewer}))
)"""
"""Whether one of two accounts has blocked the other."""

FOLLOWS = """EXISTS (
    SELECT FROM follows f WHERE (f.follower_id, f.followee_id) = ({viewer}, {author}) AND f.accepted
)"""
"""Whether the viewer follows the author."""

FOLLOWED = """EXISTS (
    SELECT FROM follows f WHERE (f.follower_id, f.followee_id) = ({author}, {viewer}) AND f.accepted
)"""
"""Whether the author follows the viewer."""

MUTED = """EXISTS (
    SELECT FROM account_mutes m WHERE (m.account_id, m.other_id) = ({viewer}, {author})
)"""
"""Whether the viewer has muted the author: left out of feeds, not hidden."""

_REACHED = f"""CASE {{what}}
        WHEN 'public' THEN {{open}} OR {FOLLOWS}
        WHEN 'followers' THEN {FOLLOWS}
        WHEN 'friends' THEN {FOLLOWS} AND {FOLLOWED}
        ELSE false
    END"""


def reached(what: str, *, viewer: str, author: str, is_open: str = "true") -> str:
    """The condition that something of a visibility is for the viewer, who is not its author.

    Args:
        what: an expression for the visibility.
        viewer, author: expressions for the accounts.
        is_open: a condition: what is public is for everybody, rather than for followers alone.
    """
    return _REACHED.format(what=what, viewer=viewer, author=author, open=is_open)


def not_blocked(*, viewer: str, author: str) -> str:
    """The condition that neither of two accounts has blocked the other."""
    return "NOT " + BLOCKED.format(viewer=viewer, author=author)


def visible(viewer: str = "$1", *, post: str = "p", profile: str = "pr") -> str:
    """The condition that the viewer may see a post.

    Authors see their own in every state but deleted; moderators see what is not private, also while
    it is held back; others what is published and for them.

    Args:
        viewer: an expression for the account.
        post, profile: the aliases of the tables posts and, of the author, profiles.
    """
    author = f"{post}.author_id"
    for_viewer = reached(
        f"{post}.visibility",
        viewer=viewer,
        author=author,
        is_open=f"{profile}.visibility = 'public'",
    )
    return f"""(
    {author} = {viewer} AND {post}.status <> 'deleted'
    OR {post}.status = 'published' AND {not_blocked(viewer=viewer, author=author)} AND {for_viewer}
    OR {post}.status IN ('published', 'under_review', 'flagged') AND {post}.visibility <> 'private'
        AND (SELECT moderator FROM accounts WHERE id = {viewer})
)"""


def shows_something(viewer: str = "$1") -> str:
    """The condition that a post `p`, which the viewer may see, is no share of a hidden post.

    `persistence.post_reader` judges that of what it has read; this is for statements that read no
    posts.
    """
    original = visible(viewer, post="o", profile="opr")
    return f"""(
    p.shared_id IS NULL OR p.content <> '' OR p.media <> '{{}}' OR p.status <> 'published'
    OR EXISTS (
        SELECT FROM posts o JOIN profiles opr ON opr.account_id = o.author_id
        WHERE o.id = p.shared_id AND {original}
    )
)"""
