"""A room and its log in memory: the effects of events once more, as simply as can be."""

from protocol.drafts import Draft, Facts, Target, Unchanged
from protocol.errors import NOT_FOUND, PlazaError
from protocol.events import (
    Created,
    Deleted,
    Edited,
    MemberCause,
    MemberChanged,
    MemberMuted,
    Message,
    Pinned,
    Reacted,
    Renamed,
    RoomEvent,
    SlowModeSet,
    Unpinned,
    Unreacted,
)
from protocol.ids import Id
from protocol.records import Reaction, Role, Thread
from protocol.times import from_rfc3339, rfc3339, to_ms
from tests.rooms.town import NOW


class Memory:
    """A room as it ought to be.

    Attributes:
        log: its events, as they are to be read now.
    """

    def __init__(self, created: Created) -> None:
        self.kind = created.kind
        self.title = created.title
        self.roles = dict(created.members)
        self.bans: set[Id] = set()
        self.mutes: dict[Id, int] = {}
        self.slow_seconds = 0
        self.wrote: set[Id] = set()  # since they became members
        self.log: list[RoomEvent] = [created]

    def write(self, draft: Draft) -> None:
        """Write a draft, unless its guard is against it."""
        event = draft.event
        facts = self._facts(event)
        try:
            (draft.guard or self._only_members)(facts)
        except (PlazaError, Unchanged):
            return
        event.seq, event.at = len(self.log) + 1, rfc3339(NOW)
        self._complete(event, facts)
        self.log.append(event)
        self._take_effect(event)

    @staticmethod
    def _only_members(facts: Facts) -> None:
        if facts.actor is None:
            raise PlazaError(NOT_FOUND)

    def _message(self, seq: int | None) -> Message | None:
        found = self.log[seq - 1] if seq and seq <= len(self.log) else None
        return found if isinstance(found, Message) else None

    def _facts(self, event: RoomEvent) -> Facts:
        pointed = self._message(getattr(event, "target", None) or getattr(event, "reply_to", None))
        return Facts(
            kind=self.kind,
            title=self.title,
            actor=self.roles.get(event.sender),
            subject=self.roles.get(getattr(event, "account", None)),
            subject_exists=True,
            owners=list(self.roles.values()).count(Role.OWNER),
            alone=self.roles.keys() == {event.sender},
            members=len(self.roles),
            target=None if pointed is None else _target(pointed, event),
            now=to_ms(NOW),
            muted_until=self.mutes.get(event.sender),
            subject_muted=getattr(event, "account", None) in self.mutes,
            slow_seconds=self.slow_seconds,
            last_message=to_ms(NOW) if event.sender in self.wrote else None,
            banned=getattr(event, "account", None) in self.bans,
            pins=sum(event.pinned for event in self.log if isinstance(event, Message)),
        )

    def _complete(self, event: RoomEvent, facts: Facts) -> None:
        match event, facts.target:
            case Message(), Target() as target:
                event.thread = target.thread or event.reply_to
            case Edited(), Target() as target:
                event.former_mentions = target.mentions
            case Deleted(), Target() as target:
                event.author, event.mentions = target.sender, target.mentions
                event.thread = target.thread
            case MemberChanged(), _:
                after = self.roles.keys() - {event.account}
                event.members = len(after) + (event.role is not None)

    def _take_effect(self, event: RoomEvent) -> None:
        message = self._message(getattr(event, "target", None))
        match event:
            case Edited(body=body) if message:
                message.body, message.edited_at = body, rfc3339(NOW)
            case Deleted(target=target) if message:
                message.body, message.deleted, message.reactions = "", True, []
                message.pinned = False
                self._count_reply(message, -1)
                for edit in self.log:
                    if isinstance(edit, Edited) and edit.target == target:
                        edit.body = ""
            case Reacted() | Unreacted() if message:
                self._react(message, event)
            case Message():
                self.wrote.add(event.sender)
                self._count_reply(event, 1)
            case Pinned() | Unpinned() if message:
                message.pinned = isinstance(event, Pinned)
            case MemberMuted(account=account, until=None):
                del self.mutes[account]
            case MemberMuted(account=account, until=str(until)):
                self.mutes[account] = to_ms(from_rfc3339(until))
            case SlowModeSet(seconds=seconds):
                self.slow_seconds = seconds
            case MemberChanged(account=account, cause=MemberCause.UNBANNED):
                self.bans.remove(account)
            case MemberChanged(account=account, role=None, cause=cause):
                self.roles.pop(account, None)
                self.wrote.discard(account)
                if cause is MemberCause.BANNED:
                    self.bans.add(account)
            case MemberChanged(account=account, role=role):
                self.roles[account] = role
            case Renamed(title=title):
                self.title = title

    def _count_reply(self, reply: Message, change: int) -> None:
        root = self._message(reply.thread)
        if root is None:
            return
        known = root.replies or Thread(replies=0, last_seq=0, last_at="")
        # Of the newest one, deleted or not.
        newest, at = max((known.last_seq, known.last_at), (reply.seq, reply.at))
        root.replies = Thread(replies=known.replies + change, last_seq=newest, last_at=at)

    @staticmethod
    def _react(message: Message, event: Reacted | Unreacted) -> None:
        reactions = {reaction.emoji: set(reaction.accounts) for reaction in message.reactions}
        accounts = reactions.setdefault(event.emoji, set())
        (accounts.add if isinstance(event, Reacted) else accounts.remove)(event.sender)
        message.reactions = [
            Reaction(emoji=emoji, accounts=sorted(accounts))
            for emoji, accounts in sorted(reactions.items())
            if accounts
        ]


def _target(message: Message, event: RoomEvent) -> Target:
    mine = {reaction.emoji for reaction in message.reactions if event.sender in reaction.accounts}
    has_reaction = getattr(event, "emoji", None) in mine
    return Target(
        sender=message.sender,
        deleted=message.deleted,
        has_reaction=has_reaction,
        mentions=message.mentions,
        thread=message.thread,
        pinned=message.pinned,
    )
