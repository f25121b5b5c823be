"""Profiles, the graph, posts and feeds: the parts that REST and the socket share, put together.

The composition root (server/app.py) makes them here, for they need each other and little else.
"""

from collections.abc import Callable
from dataclasses import dataclass

from persistence.database import Database
from persistence.posts import PUBLISH_DUE
from protocol.ids import IdMint
from server.comments import Comments
from server.config import Config
from server.deliveries import Deliveries
from server.engagement import Engagement
from server.graph import Graph
from server.jobs import Jobs
from server.live_feed import LiveFeed, PushObserver
from server.post_changes import PostChanges
from server.post_parts import DAILY, MAKE_PARTS, PostParts
from server.post_schedule import PUBLISH_OVERDUE, PostSchedule
from server.posts import Posts
from server.profiles import Profiles
from server.timelines import Timelines


@dataclass(frozen=True, slots=True, kw_only=True)
class Feeds:
    """The parts."""

    live: LiveFeed
    graph: Graph
    profiles: Profiles
    engagement: Engagement
    comments: Comments
    posts: Posts
    post_changes: PostChanges
    timelines: Timelines


def make_feeds(
    config: Config,
    database: Database,
    *,
    jobs: Jobs,
    pushes: PushObserver,
    mint: IdMint,
    clock: Callable[[], int],
) -> Feeds:
    """Make the parts, and wire them.

    Args:
        jobs: get the parts' handlers; they run when everything is made.
        pushes: is told what is pushed to those who watch.
        mint: makes ids.
        clock: Unix time in milliseconds.
    """
    live = LiveFeed(database, limit=config.feed.watched, observer=pushes)
    schedule = PostSchedule(database, live, mint=mint, clock=clock)
    jobs.on(PUBLISH_DUE, schedule.publish_due)
    jobs.every(MAKE_PARTS, DAILY, PostParts(database, clock=clock).make)
    jobs.every(PUBLISH_OVERDUE, "* * * * *", schedule.publish_overdue)
    Deliveries(database, config.feed, clock=clock).register(jobs)
    pulled = config.feed.pull_followers
    graph = Graph(database, mint=mint, clock=clock, pull_followers=pulled)
    profiles = Profiles(database, clock=clock, pull_followers=pulled)
    engagement = Engagement(database, live, mint=mint, clock=clock)
    comments = Comments(database, live, mint=mint, clock=clock)
    return Feeds(
        live=live,
        graph=graph,
        profiles=profiles,
        engagement=engagement,
        comments=comments,
        posts=Posts(database, live, mint=mint, clock=clock),
        post_changes=PostChanges(database, live, mint=mint, clock=clock),
        timelines=Timelines(database, config.feed, mint=mint, clock=clock),
    )
