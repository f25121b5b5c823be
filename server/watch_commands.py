"""The commands `watch` and `unwatch`: presence of people, and feeds."""

import asyncio
from collections.abc import Collection, Mapping
from functools import partial

from feed_push.hashtags import fold_tag
from feed_push.watching import HOME, Feed, author_feed, post_feed, tag_feed
from protocol import commands
from protocol.commands import Command
from protocol.errors import BAD_REQUEST, PlazaError
from protocol.events import Event, Ok
from protocol.ids import Id
from server.background import Background
from server.dispatch import Handler, asking
from server.live_feed import LiveFeed
from server.presence import Presences
from server.session import ChatSession, State


class WatchCommands:
    """Answers `watch` and `unwatch`.

    Args:
        presences: knows who is here.
        live_feed: tells what happens in feeds.
        background: runs the tasks.
    """

    def __init__(self, presences: Presences, live_feed: LiveFeed, background: Background) -> None:
        self._presences = presences
        self._live_feed = live_feed
        self._watch_people = asking(background, self._on_watch_people)
        self.handlers: Mapping[type[Command], Handler] = {
            commands.Watch: self._on_watch,
            commands.Unwatch: self._on_unwatch,
        }

    def _on_watch(self, session: ChatSession, command: commands.Watch) -> None:
        feeds = _feeds(command)
        outbox = session.connection.outbox
        if command.accounts:
            self._live_feed.check(outbox, feeds)
            self._watch_people(session, command)
        else:
            self._watch_feeds(session, feeds)
            session.answer(command, Ok(id=command.id))

    async def _on_watch_people(self, session: ChatSession, command: commands.Watch) -> Event:
        last_seen = await self._presences.last_seen(session.account, command.accounts)
        if session.state is State.LIVE:
            outbox, feeds = session.connection.outbox, _feeds(command)
            self._live_feed.check(outbox, feeds)
            self._presences.watch(session.account, outbox, command.accounts)
            self._watch_feeds(session, feeds)
            # The answer comes first.
            asyncio.get_running_loop().call_soon(self._show, session, last_seen)
        return Ok(id=command.id)

    def _watch_feeds(self, session: ChatSession, feeds: Collection[Feed]) -> None:
        outbox = session.connection.outbox
        self._live_feed.watch(session.account, outbox, feeds)
        session.at_end = partial(self._live_feed.left, outbox)

    def _show(self, session: ChatSession, last_seen: Mapping[Id, int | None]) -> None:
        if session.state is State.LIVE:
            self._presences.show(session.account, session.connection.outbox, last_seen)

    def _on_unwatch(self, session: ChatSession, command: commands.Unwatch) -> None:
        feeds = _feeds(command)
        outbox = session.connection.outbox
        self._live_feed.unwatch(outbox, feeds)
        self._presences.unwatch(session.account, outbox, command.accounts)
        session.answer(command, Ok(id=command.id))


def _feeds(command: commands.Watch | commands.Unwatch) -> list[Feed]:
    """The feeds that a command names.

    Raises:
        PlazaError: bad_request, when it names neither feeds nor accounts, or what is no hashtag.
    """
    feeds = [
        *([HOME] if command.feed == "home" else []),
        *map(author_feed, command.authors),
        *map(_tag_feed, command.tags),
        *map(post_feed, command.posts),
    ]
    if not feeds and not command.accounts:
        raise PlazaError(
            BAD_REQUEST, "Name at least one of: accounts, feed, authors, tags and posts."
        )
    return feeds


def _tag_feed(name: str) -> Feed:
    tag = fold_tag(name)
    if tag is None:
        raise PlazaError(BAD_REQUEST, f"{name!r} is no hashtag: it has letters, digits and _ only.")
    return tag_feed(tag)
