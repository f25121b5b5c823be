"""The Python client of Plaza, for bots, tests and tools. A bot that answers every message:

    import asyncio
    from plaza_client import Client, Message

    async def main() -> None:
        login = ("parrot", "correct horse battery")
        async with Client("http://127.0.0.1:8080", credentials=login) as client:
            print(f"{client.user.username} is in {len(client.rooms)} rooms")
            async for event in client.events():
                if isinstance(event, Message) and event.sender != client.user.id:
                    await client.send(event.room, event.body, reply_to=event.seq)

    asyncio.run(main())

A map, from the top down:

    client        Client: what it knows, its events
    message_commands, room_commands
                  Client's commands; asking is their base
    stream        the iterator that `Client.events` returns
    delivery      from what arrives to every event once and in order
    inbox         what waits for the consumer, bounded
    intake        what a connection brings -> room list and inbox; backpressure
    room_list     the account's rooms, kept up by events
    people        who is here, who is blocked or muted, likewise
    upkeep        what is said again on each connection; delivered markers
    watched       the accounts and feeds that are watched, for that
    link          connects, reads, connects again; repeats commands
    connection    one WebSocket connection
    wire          frames <-> commands and events, with orjson and msgpack
    credentials   where access tokens come from
    rest          Rest: sign-up, login; look-ups and the like in rest_people, rest_rooms,
                  rest_profiles, rest_posts, rest_engagement, rest_feed, rest_uploads,
                  rest_streams, rest_account, by rest_requests
    backoff       full jitter
    options       how patient a client is
    errors        what can go wrong
    address       the WebSocket and REST addresses of a server
    terminal      `plaza chat`
"""

from plaza_client.client import Client
from plaza_client.connection import Connection
from plaza_client.errors import (
    AnswerTimeout,
    ClientClosed,
    ConnectionLost,
    PlazaClientError,
    PlazaRefused,
    Unreachable,
    WireError,
)
from plaza_client.link import State, Status
from plaza_client.options import Options
from plaza_client.rest import Rest, Session
from plaza_client.rest_people import Account, Settings
from plaza_client.rest_posts import NewPoll, PostPage
from plaza_client.rest_profiles import PeoplePage
from plaza_client.rest_rooms import Hit, HitPage
from plaza_client.rest_streams import NewStream, PublishAccess, StreamPage
from plaza_client.stream import EventStream
from plaza_client.wire import ClientEvent, Encoding, HistoryPage, UnknownEvent
from protocol.events import (
    Created,
    Deleted,
    DeliveredMarker,
    Edited,
    Gap,
    LevelChanged,
    MemberCause,
    MemberChanged,
    MemberMuted,
    Message,
    Ok,
    Pinned,
    PresenceChanged,
    Reacted,
    ReadMarker,
    RelationChanged,
    Renamed,
    RoomAdded,
    RoomGone,
    RoomPresence,
    SettingsChanged,
    SlowModeSet,
    TypingNotice,
    Unpinned,
    Unreacted,
)
from protocol.exports import Export, ExportState
from protocol.feed_events import NewComment, NewPost, PostCounters, PostDeleted, PostUpdated
from protocol.ids import Id
from protocol.posts import (
    Author,
    Comment,
    Counters,
    FeedOrder,
    Person,
    Poll,
    PollOption,
    Post,
    PostStatus,
    PostType,
    PostVersion,
    Profile,
    Relationship,
    Visibility,
)
from protocol.records import (
    Attachment,
    Level,
    Member,
    PresenceState,
    Reaction,
    Role,
    Room,
    RoomKind,
    Thread,
    User,
)
from protocol.stream_events import StreamChanged, StreamEnded, StreamStarted, StreamViewers
from protocol.streams import (
    HealthWarning,
    LiveOrder,
    Stream,
    StreamHealth,
    StreamState,
    TrackHealth,
)
from protocol.trends import PostTrend, Span, TagTrend, TrendReason
from protocol.uploads import Upload, UploadState

__all__ = [
    "Account",
    "AnswerTimeout",
    "Attachment",
    "Author",
    "Client",
    "ClientClosed",
    "ClientEvent",
    "Comment",
    "Connection",
    "ConnectionLost",
    "Counters",
    "Created",
    "Deleted",
    "DeliveredMarker",
    "Edited",
    "Encoding",
    "EventStream",
    "Export",
    "ExportState",
    "FeedOrder",
    "Gap",
    "HealthWarning",
    "HistoryPage",
    "Hit",
    "HitPage",
    "Id",
    "Level",
    "LevelChanged",
    "LiveOrder",
    "Member",
    "MemberCause",
    "MemberChanged",
    "MemberMuted",
    "Message",
    "NewComment",
    "NewPoll",
    "NewPost",
    "NewStream",
    "Ok",
    "Options",
    "PeoplePage",
    "Person",
    "Pinned",
    "PlazaClientError",
    "PlazaRefused",
    "Poll",
    "PollOption",
    "Post",
    "PostCounters",
    "PostDeleted",
    "PostPage",
    "PostStatus",
    "PostTrend",
    "PostType",
    "PostUpdated",
    "PostVersion",
    "PresenceChanged",
    "PresenceState",
    "Profile",
    "PublishAccess",
    "Reacted",
    "Reaction",
    "ReadMarker",
    "RelationChanged",
    "Relationship",
    "Renamed",
    "Rest",
    "Role",
    "Room",
    "RoomAdded",
    "RoomGone",
    "RoomKind",
    "RoomPresence",
    "Session",
    "Settings",
    "SettingsChanged",
    "SlowModeSet",
    "Span",
    "State",
    "Status",
    "Stream",
    "StreamChanged",
    "StreamEnded",
    "StreamHealth",
    "StreamPage",
    "StreamStarted",
    "StreamState",
    "StreamViewers",
    "TagTrend",
    "Thread",
    "TrackHealth",
    "TrendReason",
    "TypingNotice",
    "UnknownEvent",
    "Unpinned",
    "Unreachable",
    "Unreacted",
    "Upload",
    "UploadState",
    "User",
    "Visibility",
    "WireError",
]
