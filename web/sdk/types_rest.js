/**
 * The shapes of what only REST takes and gives: profiles, the graph, new posts, trends, exports. Of
 * what is given every default is filled in.
 *
 * @typedef {import("./types.js").Author} Author
 * @typedef {import("./types.js").Media} Media
 * @typedef {import("./types.js").Post} Post
 * @typedef {import("./types.js").Visibility} Visibility
 *
 * @typedef {object} Relationship how one stands to an account
 * @property {string} account
 * @property {boolean} following
 * @property {boolean} requested one has asked to follow, and waits
 * @property {boolean} followed_by
 * @property {boolean} requested_by the account has asked
 * @property {boolean} friend both follow each other
 * @property {boolean} close one wants to hear of it first
 * @property {boolean} blocked
 * @property {boolean} muted
 *
 * @typedef {Author & {relationship: Relationship | null}} Person null: oneself
 *
 * @typedef {object} ProfileFields
 * @property {string} created_at
 * @property {string} pronouns
 * @property {string} bio Markdown
 * @property {string} bio_html the same, rendered: safe to show
 * @property {string} location
 * @property {string} website
 * @property {string | null} birthday such as 2001-12-31; null: none that one may see
 * @property {string[]} interests
 * @property {Media | null} avatar_media
 * @property {Media | null} banner
 * @property {"public" | "followers"} visibility followers: whoever wants to follow has to be let in
 * @property {number} posts
 * @property {number} followers
 * @property {number} following
 * @typedef {Person & ProfileFields} Profile
 *
 * @typedef {object} ProfileChanges what is left out stays
 * @property {string} [display_name] empty: the username is shown
 * @property {string} [pronouns]
 * @property {string} [bio]
 * @property {string} [location]
 * @property {string} [website]
 * @property {string | null} [birthday]
 * @property {string[]} [interests]
 * @property {Visibility} [birthday_visibility]
 * @property {Visibility} [interests_visibility]
 * @property {string | null} [avatar] an upload of one's own that is ready; null: none
 * @property {string | null} [banner]
 * @property {"public" | "followers"} [visibility]
 * @property {boolean} [verified] for moderators
 *
 * @typedef {object} NewPoll open until `closes_at`, or for `seconds`, or for good
 * @property {string[]} options 2 to 6
 * @property {boolean} [multiple]
 * @property {string | Date} [closes_at]
 * @property {number} [seconds] from when it is published
 *
 * @typedef {object} PostFields what a post may have besides its content
 * @property {Post["type"]} [type] `text` by default
 * @property {Visibility} [visibility] `public` by default
 * @property {"published" | "draft" | "scheduled"} [status] `published` by default
 * @property {string | Date} [publish_at] of a scheduled one
 * @property {string} [warning] shown before the content
 * @property {string} [link]
 * @property {string[]} [media] uploads that are ready
 * @property {NewPoll} [poll]
 * @property {string} [shared] a post to quote
 *
 * @typedef {object} PostChanges what is left out stays
 * @property {string} [content]
 * @property {string | null} [warning] null: none
 * @property {string} [link]
 * @property {string[]} [media]
 * @property {Visibility} [visibility]
 * @property {Post["status"]} [status] under_review and flagged are for moderators
 * @property {string | Date} [publish_at]
 *
 * @typedef {object} PostVersion a post as it was before it was edited
 * @property {number} version from 1
 * @property {string} at
 * @property {string} content
 * @property {string | null} warning
 * @property {string | null} link
 * @property {Media[]} media what is still there of it
 *
 * @typedef {{likes: number, comments: number, shares: number, liked: boolean}} Counters
 *
 * @typedef {"1h" | "24h" | "7d"} Span
 * @typedef {object} TrendReason docs/feed.md has the formula
 * @property {number} accounts
 * @property {number} expected
 * @property {number} ratio
 * @property {number} freshness
 * @property {string} since
 * @typedef {{tag: string, score: number, why: TrendReason}} TagTrend
 * @typedef {{post: Post, score: number, why: TrendReason}} PostTrend
 *
 * @typedef {object} StreamFields what a stream may have besides its title
 * @property {string} [description]
 * @property {string} [category]
 * @property {Visibility} [visibility] `public` by default
 * @property {string | null} [thumbnail] an image of one's own that is uploaded and ready
 * @typedef {StreamFields & {title?: string}} StreamChanges what is left out stays
 *
 * @typedef {object} PublishAccess where and with what a stream is published
 * @property {string} publish_url for `Whip`: a path on the server
 * @property {string} stream_key a secret, which is not shown again
 *
 * @typedef {object} StreamHealth how a stream is, over the last seconds
 * @property {import("./types.js").StreamState} state
 * @property {number} bitrate bits per second
 * @property {number} duration seconds since it went live, or that it lasted
 * @property {number} viewers
 * @property {number} peak_viewers
 * @property {number} total_viewers
 * @property {TrackHealth[]} tracks
 * @property {string[]} warnings such as `rare_keyframes`
 *
 * @typedef {object} TrackHealth null: not known yet, or not of this kind of track
 * @property {string} kind
 * @property {string} codec
 * @property {string} rid
 * @property {number} bitrate
 * @property {number} packets
 * @property {number} loss from 0 to 1, after retransmission
 * @property {number} jitter milliseconds
 * @property {number | null} frame_rate
 * @property {number | null} width
 * @property {number | null} height
 * @property {number | null} keyframe_interval seconds
 * @property {number | null} round_trip milliseconds
 *
 * @typedef {object} Export a zip of everything that is kept of one's account
 * @property {string} id
 * @property {"pending" | "ready" | "failed"} state
 * @property {string} at
 * @property {string | null} url once it is ready; whoever knows it may fetch it
 * @property {number | null} bytes
 * @property {string | null} expires_at
 */

export {};
