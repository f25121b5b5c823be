/** From the wire to records and events: the server leaves out what is at its default. */

import { PlazaError } from "./errors.js";

/** @typedef {Record<string, any>} Fields */

const ROOM = {
  title: null,
  role: null,
  peer: null,
  members: 0,
  read_seq: 0,
  unread: 0,
  mentions: 0,
  notify: "all",
  slow_mode: 0,
  muted_until: null,
};

const ENTRY = { nonce: null };

/** The defaults of the entries of a room's log, by type. @type {Record<string, Fields>} */
const ENTRIES = {
  created: { title: null },
  message: {
    body: "",
    reply_to: null,
    thread: null,
    attachments: [],
    mentions: [],
    edited_at: null,
    deleted: false,
    reactions: [],
    replies: null,
    pinned: false,
  },
  edit: { body: "", mentions: [], former_mentions: [] },
  delete: { author: null, mentions: [], thread: null },
  react: {},
  unreact: {},
  member: { role: null, members: 0, until: null },
  mute: { until: null },
  title: {},
  slow_mode: {},
  pin: {},
  unpin: {},
};

/** The types of the entries of a room's log. */
export const ENTRY_TYPES = Object.keys(ENTRIES);

/**
 * @param {Fields} fields
 * @returns {import("./types.js").Room}
 */
export function roomOf(fields) {
  return /** @type {any} */ ({ ...ROOM, ...fields });
}

/**
 * An entry of a room's log; `t: "unknown"` if only a newer client can read it.
 *
 * @param {Fields} fields
 * @returns {import("./types.js").RoomEvent}
 */
export function entryOf(fields) {
  const defaults = Object.hasOwn(ENTRIES, fields.t) ? ENTRIES[fields.t] : undefined;
  if (defaults === undefined) {
    const { room, seq, event_id, sender, at, nonce = null } = fields;
    return { t: "unknown", room, seq, event_id, sender, at, nonce, fields };
  }
  /** @type {Fields} */
  const entry = { ...ENTRY, ...defaults, ...fields };
  if (entry.attachments?.length > 0) entry.attachments = entry.attachments.map(attachmentOf);
  return /** @type {any} */ (entry);
}

const ATTACHMENT = {
  name: null,
  type: null,
  size: null,
  url: null,
  thumbnail: null,
  width: null,
  height: null,
  duration_ms: null,
  blurhash: null,
  alt: null,
};

/**
 * @param {Fields} fields
 * @returns {import("./types.js").Attachment}
 */
export function attachmentOf(fields) {
  return /** @type {any} */ ({ ...ATTACHMENT, ...fields });
}

/**
 * @param {Fields} fields
 * @returns {import("./types.js").Ready}
 */
export function readyOf(fields) {
  const { blocked = [], muted = [], busy = false, hidden = false } = fields;
  return /** @type {any} */ ({
    ...fields, blocked, muted, busy, hidden, rooms: fields.rooms.map(roomOf),
  });
}

/**
 * @param {Fields} fields an answer to history, or of REST
 * @returns {import("./types.js").HistoryPage}
 */
export function pageOf(fields) {
  return { events: (fields.events ?? fields.items).map(entryOf), more: fields.more };
}

/**
 * @param {Fields} fields an `ok`, or the same over REST
 * @returns {import("./types.js").Written}
 */
export function writtenOf({ seq = null, event_id = null, at = null }) {
  return { seq, event_id, at };
}

/**
 * Whether an event is an entry of a room's log. Markers have a room and a seq, too; what makes an
 * entry is the event_id.
 *
 * @param {Fields} fields
 */
export function isEntry(fields) {
  return typeof fields.event_id === "string" && typeof fields.room === "string"
    && Number.isSafeInteger(fields.seq) && fields.t !== "ok";
}

/**
 * Read a frame of the server.
 *
 * @param {unknown} frame
 * @returns {Fields & {t: string}}
 * @throws {PlazaError} `wire`: it is no event
 */
export function eventIn(frame) {
  let fields;
  try {
    fields = JSON.parse(/** @type {string} */ (frame));
  } catch (cause) {
    throw new PlazaError("wire", "A frame from the server is not JSON.", { cause });
  }
  if (typeof fields?.t !== "string") {
    throw new PlazaError("wire", "A frame from the server is no event: it has no type in t.");
  }
  return fields;
}
