"""A room and its log in memory: the effects of events once more, as simply as can be."""

from protocol.drafts import Draft, Facts, Target, Unchanged
from protocol.errors import NOT_FOUND, PlazaError
from protocol.events import (
    Created,
    Deleted,
    Edited,
    MemberChanged,
    Message,
    Reacted,
    Renamed,
    RoomEvent,
    Unreacted,
)
from protocol.records import Reaction, Role
from protocol.times import rfc3339
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
        self.log: list[RoomEvent] = [created]

    def write(self, draft: Draft) -> None:
        """Write a draft, unless its guard is against it."""
        event = draft.event
        try:
            (draft.guard or self._only_members)(self._facts(event))
        except (PlazaError, Unchanged):
            return
        event.seq, event.at = len(self.log) + 1, rfc3339(NOW)
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
            target=None if pointed is None else _target(pointed, event),
        )

    def _take_effect(self, event: RoomEvent) -> None:
        message = self._message(getattr(event, "target", None))
        match event:
            case Edited(body=body) if message:
                message.body, message.edited_at = body, rfc3339(NOW)
            case Deleted(target=target) if message:
                message.body, message.deleted, message.reactions = "", True, []
                for edit in self.log:
                    if isinstance(edit, Edited) and edit.target == target:
                        edit.body = ""
            case Reacted() | Unreacted() if message:
                self._react(message, event)
            case MemberChanged(account=account, role=None):
                del self.roles[account]
            case MemberChanged(account=account, role=role):
                self.roles[account] = role
            case Renamed(title=title):
                self.title = title

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
    return Target(sender=message.sender, deleted=message.deleted, has_reaction=has_reaction)
