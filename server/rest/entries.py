"""What a write to a room is answered with."""

from protocol.drafts import Draft
from server.chat import Chat
from server.rest.bodies import Entry


async def write(chat: Chat, draft: Draft) -> Entry:
    """Write a draft; return its log entry, which is empty if there was nothing to change.

    Raises:
        PlazaError: the draft was refused.
    """
    written = await chat.write(draft)
    if written is None:
        return Entry()
    event = written.event
    return Entry(seq=event.seq, event_id=event.event_id, at=event.at)
