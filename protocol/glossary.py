"""What the fields of commands, events and records mean, for the reference.

A name means the same wherever it stands; where it needs more exact words, the entry of
`Struct.field` goes before that of `field`.
"""

MEANINGS = {
    # Of every command, and of its answer.
    "id": "The client's number for the command; the answer carries the same",
    # Of every room event.
    "room": "The room",
    "sender": "The account that acted",
    "seq": "The event's position in the room's log, from 1",
    "event_id": "The event's own id, unique in the whole system",
    "at": "When the event was written: RFC 3339, UTC, milliseconds",
    "nonce": "Chosen by the client, unique among its requests; see [Retry](#retry)",
    # Accounts and memberships.
    "account": "The account concerned",
    "accounts": "Who reacted so, the first one first",
    "cause": "What happened",
    "members": "The accounts that are members from the start, besides oneself",
    "user": "The account that logged in",
    "username": "3 to 30 of `a`-`z`, `0`-`9` and `_`",
    # Messages.
    "attachments": "References to uploaded files",
    "body": "The text: at most 8,000 characters after NFC",
    "deleted": "The message has been deleted: a tombstone",
    "edited_at": "When the body was last replaced",
    "emoji": "An emoji or a short code: at most 32 characters, no white space",
    "mentions": "The members whom the body addresses with `@username`",
    "reactions": "Who reacted with what",
    "reply_to": "`seq` of the message that this one answers",
    "target": "`seq` of the message concerned",
    # Rooms.
    "kind": "What the room is",
    "title": "One line, at most 200 characters after NFC; a dm has none",
    # Reading the log.
    "before": "Only events with a smaller `seq`, the last ones of them",
    "after": "Only events with a greater `seq`, the first ones of them",
    "around": "The event with this `seq`, if there is one, and those before and after it",
    "limit": "How many events at most",
    "events": "The events, in ascending order of `seq`",
    "more": "There are further events in the direction asked for",
    "from": "The first missing `seq`",
    "to": "The last missing `seq`",
    # Errors.
    "code": "Which error: see [Errors](#errors)",
    "message": "For people: what happened and what to do",
    "retry_after": "Seconds after which to try again",
    # Where the same name needs more exact words.
    "Attachment.id": "What the upload returned",
    "Attachment.name": "The file's name, to show",
    "Attachment.type": "Its media type (RFC 6838)",
    "Attachment.size": "Its size in bytes",
    "Created.members": "The first members and their roles",
    "Created.title": "The title; a dm has none",
    "Delete.seq": "`seq` of the message",
    "Edit.body": "The new text: at most 8,000 characters after NFC",
    "Edit.seq": "`seq` of the message",
    "Error.id": "That of the command; absent if the frame had none that could be read",
    "Hello.cursors": "For each room to resume: the last `seq` that the client has; 0 for none",
    "Hello.token": "The access token; may be left out if the upgrade request carried it",
    "MemberChanged.role": "The new role; absent if the account is no longer a member",
    "Ok.at": "When the event was written",
    "Ok.event_id": "That of the event that the command wrote",
    "Ok.seq": "That of the event that the command wrote",
    "Promote.role": "The new role",
    "React.seq": "`seq` of the message",
    "Read.seq": "The last `seq` that has been read",
    "Ready.heartbeat": "Seconds: the server pings after this much silence",
    "Ready.rooms": "The rooms of which the account is a member",
    "Ready.session": "The login session, as in the list of sessions over REST",
    "Room.id": "The room's id",
    "Room.last_seq": "`seq` of the newest event in its log",
    "Room.peer": "The other account of a dm",
    "Room.read_seq": "Everything up to it has been read",
    "Room.role": "One's own role; absent in a channel that one has not joined",
    "Room.unread": "How many events follow `read_seq`",
    "RoomAdded.room": "The room, as one sees it now",
    "RoomCreated.room": "The room, as one sees it now",
    "Unreact.seq": "`seq` of the message",
    "User.id": "The account's id",
}
