/**
 * The shapes of records and events, as the SDK hands them out: those of docs/protocol.md with every
 * default filled in.
 *
 * @typedef {{id: string, username: string}} User
 * @typedef {User & {email: string | null, created_at: string}} Account one's own
 * @typedef {"dm" | "group" | "channel"} RoomKind
 * @typedef {"owner" | "admin" | "member"} Role
 * @typedef {"all" | "mentions" | "none"} Level
 * @typedef {"busy" | "online" | "away" | "offline"} PresenceState
 *
 * @typedef {object} Room as one account sees it
 * @property {string} id
 * @property {RoomKind} kind
 * @property {number} last_seq
 * @property {string | null} title
 * @property {Role | null} role null: a channel that one has not joined
 * @property {User | null} peer the other account of a dm
 * @property {number} members
 * @property {number} read_seq
 * @property {number} unread messages after `read_seq`
 * @property {number} mentions those of them that mention oneself
 * @property {Level} notify
 * @property {number} slow_mode seconds between two messages of a plain member; 0: none
 * @property {string | null} muted_until one cannot write here before
 *
 * @typedef {object} Attachment an upload that a message shows; who sends it gives the id
 * @property {string} id
 * @property {string | null} name
 * @property {string | null} type
 * @property {number | null} size
 * @property {string | null} url
 * @property {string | null} thumbnail
 * @property {number | null} width
 * @property {number | null} height
 * @property {number | null} duration_ms
 * @property {string | null} blurhash
 * @property {string | null} alt
 *
 * @typedef {{emoji: string, accounts: string[]}} Reaction
 * @typedef {{replies: number, last_seq: number, last_at: string}} Thread
 * @typedef {object} Member
 * @property {string} account
 * @property {string} username
 * @property {Role} role
 * @property {string} joined_at
 * @property {string | null} muted_until
 * @typedef {{account: string, username: string, by: string, at: string, until: string | null}} Ban
 * @typedef {{account: string, read_seq: number, delivered_seq: number}} Receipt
 * @typedef {{text: string, match: boolean}} Fragment
 * @typedef {{busy: boolean, hidden: boolean}} Settings
 *
 * @typedef {object} Entry what every entry of a room's log has
 * @property {string} room
 * @property {number} seq
 * @property {string} event_id
 * @property {string} sender
 * @property {string} at
 * @property {string | null} nonce
 *
 * @typedef {object} MessageFields
 * @property {"message"} t
 * @property {string} body
 * @property {number | null} reply_to
 * @property {number | null} thread the first message of the thread that it is a reply in
 * @property {Attachment[]} attachments
 * @property {string[]} mentions
 * @property {string | null} edited_at
 * @property {boolean} deleted
 * @property {Reaction[]} reactions
 * @property {Thread | null} replies
 * @property {boolean} pinned
 *
 * @typedef {object} EditedFields
 * @property {"edit"} t
 * @property {number} target
 * @property {string} body
 * @property {string[]} mentions
 * @property {string[]} former_mentions
 *
 * @typedef {object} DeletedFields
 * @property {"delete"} t
 * @property {number} target
 * @property {string | null} author
 * @property {string[]} mentions
 * @property {number | null} thread
 *
 * @typedef {"joined" | "invited" | "left" | "kicked" | "promoted" | "banned" | "unbanned"} MemberCause
 * @typedef {object} MemberFields
 * @property {"member"} t
 * @property {string} account
 * @property {MemberCause} cause
 * @property {Role | null} role
 * @property {number} members
 * @property {string | null} until
 *
 * @typedef {Entry & MessageFields} Message
 * @typedef {Entry & EditedFields} Edited
 * @typedef {Entry & DeletedFields} Deleted
 * @typedef {Entry & {t: "react", target: number, emoji: string}} Reacted
 * @typedef {Entry & {t: "unreact", target: number, emoji: string}} Unreacted
 * @typedef {Entry & {t: "pin", target: number}} Pinned
 * @typedef {Entry & {t: "unpin", target: number}} Unpinned
 * @typedef {Entry & MemberFields} MemberChanged
 * @typedef {Entry & {t: "mute", account: string, until: string | null}} MemberMuted
 * @typedef {Entry & {t: "title", title: string}} Renamed
 * @typedef {Entry & {t: "slow_mode", seconds: number}} SlowModeSet
 * @typedef {Entry & {t: "created", kind: RoomKind, title: string | null,
 *     members: Record<string, Role>}} Created
 * @typedef {Entry & {t: "unknown", fields: Record<string, unknown>}} UnknownEntry
 *     what only a newer client understands
 * @typedef {Message | Edited | Deleted | Reacted | Unreacted | Pinned | Unpinned | MemberChanged
 *     | MemberMuted | Renamed | SlowModeSet | Created | UnknownEntry} RoomEvent
 *
 * @typedef {{events: RoomEvent[], more: boolean}} HistoryPage
 * @typedef {{seq: number | null, event_id: string | null, at: string | null}} Written
 *     the entry that a command wrote; nulls: there was nothing to change
 *
 * @typedef {object} Ready
 * @property {User} user
 * @property {string} session
 * @property {Room[]} rooms
 * @property {number} heartbeat
 * @property {string[]} blocked
 * @property {string[]} muted
 * @property {boolean} busy
 * @property {boolean} hidden
 *
 * @typedef {{room: string, from: number, to: number}} Gap
 * @typedef {{account: string, state: PresenceState, last_seen: string | null}} Presence
 * @typedef {{room: string, account: string, seq: number}} Marker
 *
 * @typedef {"public" | "followers" | "friends" | "private"} Visibility
 * @typedef {User & {display_name: string, avatar: string | null, verified: boolean}} Author
 * @typedef {object} Variant one form of an upload
 * @property {string} name
 * @property {string} url
 * @property {string} type
 * @property {number} bytes
 * @property {number | null} width
 * @property {number | null} height
 *
 * @typedef {object} Media
 * @property {string} id
 * @property {"image" | "video" | "audio" | "file"} kind
 * @property {string} type
 * @property {string} url
 * @property {string} name
 * @property {string} alt
 * @property {number | null} width
 * @property {number | null} height
 * @property {number | null} duration_ms
 * @property {string | null} blurhash
 * @property {Variant[]} variants
 *
 * @typedef {object} Upload
 * @property {string} id
 * @property {"receiving" | "processing" | "ready" | "failed"} state
 * @property {string} name
 * @property {string} alt
 * @property {number | null} length
 * @property {number} received
 * @property {Media | null} media null: not ready
 * @property {string | null} problem why it failed
 *
 * @typedef {object} Preview what the page behind a link says of itself
 * @property {string} url
 * @property {string} title
 * @property {string} description
 * @property {string} site
 * @property {string | null} image
 * @property {string | null} blurhash
 *
 * @typedef {object} Poll
 * @property {{text: string, votes: number}[]} options
 * @property {boolean} multiple
 * @property {string | null} closes_at
 * @property {boolean} closed
 * @property {number} voters
 * @property {number[]} chosen one's own, by position
 *
 * @typedef {object} Post
 * @property {string} id
 * @property {Author} author
 * @property {"text" | "image" | "video" | "link" | "poll"} type
 * @property {string} at
 * @property {Visibility} visibility
 * @property {"draft" | "scheduled" | "published" | "under_review" | "flagged"} status
 * @property {string} content
 * @property {string | null} warning
 * @property {string | null} link
 * @property {Preview | null} preview
 * @property {Media[]} media
 * @property {Poll | null} poll
 * @property {string[]} tags
 * @property {User[]} mentions
 * @property {string | null} shared_id
 * @property {Post | null} shared
 * @property {string | null} publish_at
 * @property {string | null} edited_at
 * @property {number} edits
 * @property {number} likes
 * @property {number} comments
 * @property {number} shares
 * @property {boolean} liked this and what follows is one's own: not in what is pushed
 * @property {boolean} bookmarked
 * @property {boolean} shared_by_me
 *
 * @typedef {object} Comment
 * @property {string} id
 * @property {string} post
 * @property {string} at
 * @property {Author | null} author
 * @property {string | null} parent
 * @property {string} content
 * @property {User[]} mentions
 * @property {string | null} edited_at
 * @property {boolean} deleted
 * @property {number} likes
 * @property {number} replies
 * @property {boolean} liked
 *
 * @typedef {object} PostCounters
 * @property {string} post
 * @property {number} likes
 * @property {number} comments
 * @property {number} shares
 * @property {number[] | null} votes of a poll, option by option
 * @property {number | null} voters
 *
 * @typedef {object} Stream a live stream
 * @property {string} id
 * @property {Author} owner
 * @property {string} title
 * @property {string} description
 * @property {string} category
 * @property {Visibility} visibility
 * @property {StreamState} state
 * @property {string} room its chat
 * @property {string} play_url where `Whep` plays it: a path on the server
 * @property {string} created_at
 * @property {Media | null} thumbnail
 * @property {string | null} started_at when it last went live
 * @property {string | null} ended_at
 * @property {number} viewers that watch now
 * @property {number} peak_viewers the most there were at once, since it last went live
 * @property {number} total_viewers all there were, likewise
 *
 * @typedef {"idle" | "live" | "interrupted" | "ended"} StreamState interrupted: its publisher is
 *     gone, and may come back
 *
 * @typedef {object} PendingMessage a message of one's own on its way
 * @property {string} nonce
 * @property {string} room
 * @property {string} sender
 * @property {string} body
 * @property {number | null} reply_to
 * @property {Attachment[]} attachments
 * @property {string} at when it was sent, by the own clock
 * @property {"sending" | "waiting" | "sent" | "settled" | "failed" | "discarded"} state
 * @property {import("./errors.js").PlazaError | null} error
 * @property {number | null} seq once it is on disk
 *
 * @typedef {object} Bounds which part of a log; at most one of the first three
 * @property {number} [before]
 * @property {number} [after]
 * @property {number} [around]
 * @property {number} [thread] the first message of a thread: it and its replies only
 * @property {number} [limit] up to 200
 */

export {};
