"""The feed: users publish posts, hear of those whom they follow, and read their home timelines.

A post's text is when it was due, with a sum by which a forgery shows, like a message's. It is
published with a key, so that a repeat does not double it. Its latency is from then to each
feed.new_post that is heard, `publish` that to the answer.
"""

import time
from collections import OrderedDict
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec
from msgspec import Struct

from loadtest.crowd.actions import Behaviour, PerCrowd
from loadtest.crowd.body import body, due_of
from loadtest.crowd.rest import Request, rest_of
from loadtest.scenario import Scenario

if TYPE_CHECKING:
    from loadtest.crowd.crowd import Crowd
    from loadtest.crowd.user import User

_WATCH = b'"t":"watch","feed":"home"'
_PLACE = "feed"  # what stands for the room in the sum of a text
# A post is told within seconds: of those before so many, nobody hears any more.
_REMEMBERED = 4096


class _Author(Struct):
    id: str


class _Post(Struct):
    id: str
    author: _Author
    content: str = ""


class _NewPost(Struct):
    post: _Post


class _Entry(Struct):
    id: str


class _Page(Struct):
    items: list[_Entry]


_new_post = msgspec.json.Decoder(_NewPost).decode
_page = msgspec.json.Decoder(_Page).decode


class _Feed:
    """What a process's users have heard of posts.

    Attributes:
        last, post: the event that was read last, and its post: most are told to many in a row.
        due: when it was due, in seconds; None: nobody of ours has written it.
    """

    def __init__(self) -> None:
        self.last = b""
        self.post = ""
        self.due: float | None = None
        self._heard: OrderedDict[str, set[str]] = OrderedDict()

    def read(self, crowd: "Crowd", payload: bytes) -> None:
        """Read an event."""
        post = _new_post(payload).post
        due = due_of(post.content, _PLACE, post.author.id)
        if due is None and post.author.id in crowd.users:
            crowd.meter.wrong("forged", f"post {post.id} says what its author did not write.")
        self.last, self.post = payload, post.id
        self.due = None if due is None else due / 1e9

    def is_news(self, account: str) -> bool:
        """Whether somebody hears of the last post for the first time."""
        heard = self._heard.get(self.post)
        if heard is None:
            heard = self._heard[self.post] = set()
            if len(self._heard) > _REMEMBERED:
                self._heard.popitem(last=False)
        if account in heard:
            return False
        heard.add(account)
        return True


_of = PerCrowd(_Feed)


def _publish(user: "User", due: float) -> None:
    text = body(_PLACE, user.account, round(due * 1e9), user.crowd.scenario.message_bytes)
    request = Request(
        user,
        due,
        "publish",
        "POST /posts",
        headers=f"Idempotency-Key: {uuid4()}\r\n",
        body=msgspec.json.encode({"type": "text", "content": text}),
    )
    rest_of(user.crowd).make(request)


def _read(user: "User", due: float) -> None:
    rest_of(user.crowd).make(Request(user, due, "timeline", "GET /feed", answered=_check))


def _check(user: "User", page: bytes) -> None:
    """Entries of a timeline come once, the newest first."""
    try:
        entries = _page(page).items
    except msgspec.DecodeError as error:
        user.meter.wrong("forged", f"a home timeline is none: {error}")
        return
    # Of posts that came out when they were made, as those of users do: their `at` is that of the
    # database, and may be some milliseconds out of step with the order in which ids were given.
    ids = [int(entry.id) for entry in entries]
    if len(set(ids)) < len(ids):
        user.meter.wrong("doubled", "a post is twice in a home timeline.")
    if ids != sorted(ids, reverse=True):
        user.meter.wrong("disordered", "a home timeline does not begin with the newest post.")


def _watch(user: "User", _payload: bytes, _now: float) -> None:
    """A new connection watches nothing."""
    user.ask("", time.monotonic(), _WATCH, keeps=False)


def _hear(user: "User", payload: bytes, now: float) -> None:
    feed = _of(user.crowd)
    if payload != feed.last:
        feed.read(user.crowd, payload)
    if not feed.is_news(user.account):
        user.meter.wrong("doubled", f"post {feed.post} was told to somebody twice.")
    user.meter.count("posts")
    if feed.due is not None:
        user.meter.latency("post", now - feed.due)


def _concerns(scenario: Scenario) -> bool:
    return scenario.mix.post > 0


FEED = Behaviour(
    actions={"post": _publish, "timeline": _read},
    listeners={"feed.new_post": _hear, "ready": _watch},
    concerns=_concerns,
)
