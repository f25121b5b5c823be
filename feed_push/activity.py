"""Whose timelines are filled: of those who look at them.

A timeline that nobody looks at for some days is filled no longer, and is read from the posts when
its owner comes back. When somebody looked is noted to the hour, so that most looks write nothing.
"""

from datetime import datetime, timedelta

NOTED_EVERY = timedelta(hours=1)

# Between the moment by which a reader takes a timeline for filled and the one by which a fan-out
# passes it over. Without it, a look could come between a fan-out that has just passed it over and
# its own note of being back, and the post would be in no timeline. Clocks may differ by as much.
MARGIN = timedelta(hours=1)


def filled_since(now: datetime, *, active_days: int) -> datetime:
    """The moment since when somebody must have looked for the timeline to be taken as filled.

    Args:
        active_days: the setting feed.active_days.
    """
    return now - timedelta(days=active_days)


def passed_over_before(now: datetime, *, active_days: int) -> datetime:
    """The moment before which whoever looked last is passed over when posts are delivered."""
    return filled_since(now, active_days=active_days) - MARGIN


def is_to_be_noted(looked_at: datetime | None, now: datetime) -> bool:
    """Whether a look is to be noted.

    Args:
        looked_at: the look that was noted last; None: there is no timeline that is filled.
    """
    return looked_at is None or now - looked_at >= NOTED_EVERY
