"""Where in the schema accounts are: for each place, how it is exported, and how it is deleted.

Complete: a test compares it with the migrated schema. Whoever adds a column with integers or JSON
to it says here what it holds.
"""

from enum import StrEnum
from typing import NamedTuple

from protocol.ids import NOBODY


class Fate(StrEnum):
    """What becomes of a row that has the id of an account that is deleted."""

    DELETED = "deleted"  # the row goes
    CLEARED = "cleared"  # the row stays, with NULL or NOBODY for the account
    STEP = "step"  # persistence/account_deletion.py or its neighbours have a step for it


class Place(NamedTuple):
    """A column that has ids of accounts.

    Attributes:
        file: of the export, which has the rows of the account; None: none has, `why`.
        fate: at its deletion; CLEARED puts `empty` in.
    """

    file: str | None
    fate: Fate
    why: str = ""
    empty: str = "NULL"


_OTHERS = "What others did. They have it in their exports."
_DERIVED = "Made from what is exported elsewhere."
_MEANS = "A means of the server, which says nothing of the account."

PLACES: dict[str, Place] = {
    "accounts.id": Place("account", Fate.STEP),
    "sessions.account_id": Place("sessions", Fate.DELETED),
    # --- rooms
    "rooms.creator_id": Place("rooms", Fate.STEP),
    "rooms.dm_low": Place("rooms", Fate.STEP),
    "rooms.dm_high": Place("rooms", Fate.STEP),
    "room_members.account_id": Place("rooms", Fate.STEP),
    "room_events.sender_id": Place("room_events", Fate.STEP),
    "room_events.details": Place(
        None, Fate.STEP, "Of the account's own events it is exported with these. " + _OTHERS
    ),
    "message_reactions.account_id": Place("room_events", Fate.STEP),
    "message_mentions.account_id": Place(None, Fate.DELETED, _OTHERS),
    "message_search.sender_id": Place(None, Fate.STEP, _DERIVED),
    "room_pins.pinned_by": Place("room_events", Fate.CLEARED, empty=str(NOBODY)),
    "room_mutes.account_id": Place("room_mutes", Fate.DELETED),
    "room_bans.account_id": Place("room_bans", Fate.DELETED),
    "room_bans.banned_by": Place("room_events", Fate.CLEARED, empty=str(NOBODY)),
    # --- others
    "account_blocks.account_id": Place("blocks", Fate.DELETED),
    "account_blocks.other_id": Place(None, Fate.DELETED, _OTHERS),
    "account_mutes.account_id": Place("mutes", Fate.DELETED),
    "account_mutes.other_id": Place(None, Fate.DELETED, _OTHERS),
    "follows.follower_id": Place("following", Fate.STEP),
    "follows.followee_id": Place("followers", Fate.STEP),
    # --- profile, uploads
    "profiles.account_id": Place("profile", Fate.DELETED),
    "uploads.account_id": Place("uploads", Fate.STEP),
    "upload_uses.used_by": Place(None, Fate.STEP, "Posts, messages and the profile name them."),
    "account_exports.account_id": Place(None, Fate.STEP, "Exports of exports would never end."),
    # --- streams
    "streams.owner_id": Place("streams", Fate.STEP),
    # --- posts
    "posts.author_id": Place("posts", Fate.STEP),
    "posts.mentions": Place("posts", Fate.STEP),
    "post_tags.author_id": Place("posts", Fate.STEP),
    "post_shares.author_id": Place("posts", Fate.STEP),
    "post_keys.author_id": Place(None, Fate.DELETED, _MEANS),
    "post_mentions.account_id": Place(None, Fate.DELETED, _OTHERS),
    "post_likes.account_id": Place("post_likes", Fate.STEP),
    "bookmarks.account_id": Place("bookmarks", Fate.DELETED),
    "poll_votes.account_id": Place("poll_votes", Fate.STEP),
    "comments.author_id": Place("comments", Fate.STEP),
    "comments.mentions": Place("comments", Fate.STEP),
    "comment_keys.author_id": Place(None, Fate.DELETED, _MEANS),
    "comment_likes.account_id": Place("comment_likes", Fate.STEP),
    # --- feeds
    "timelines.account_id": Place(None, Fate.DELETED, _DERIVED),
    "timeline_entries.account_id": Place(None, Fate.DELETED, _DERIVED),
    "timeline_entries.author_id": Place(None, Fate.STEP, _DERIVED),
    "feed_pending.author_id": Place(None, Fate.STEP, _MEANS),
    "feed_rankings.account_id": Place(None, Fate.DELETED, _DERIVED),
}

OTHER_COLUMNS = frozenset(
    {
        # Ids of what is no account, and positions.
        *("id", "room_id", "seq", "event_id", "post_id", "comment_id", "parent_id", "upload_id"),
        *(
            "position",
            "shared_id",
            "avatar_id",
            "banner_id",
            "thumbnail_id",
            "floor",
            "reached",
            "target",
            "thread",
        ),
        *("root", "session_id", "job_id", "media", "posts"),
        # Numbers and texts.
        *("last_seq", "read_seq", "delivered_seq", "messages", "read_messages", "length"),
        *("received", "bytes", "slot", "count"),
        # JSON without accounts.
        *("variants", "why", "image", "headers", "traceback"),
    }
)
"""Names of columns with integers of 64 bits or JSON that never have an account's id."""
