/** What a connection brings, taken in: state first, then the listeners. */

import { Delivery } from "./delivery.js";
import { feedEventOf } from "./posts.js";
import { entryOf, isEntry, roomOf } from "./records.js";
import { streamEventOf } from "./streams.js";

/**
 * @typedef {import("./types.js").Room} Room
 * @typedef {import("./types.js").RoomEvent} RoomEvent
 * @typedef {import("./types.js").Marker} Marker
 *
 * @typedef {object} ClientEvents
 * @property {import("./link.js").Status} status
 * @property {{user: import("./types.js").User, resumed: boolean}} ready
 * @property {RoomEvent} event every entry of every room's log, in order, once
 * @property {import("./types.js").Message} message
 * @property {import("./types.js").Edited} edit
 * @property {import("./types.js").Deleted} delete
 * @property {import("./types.js").Reacted} react
 * @property {import("./types.js").Unreacted} unreact
 * @property {import("./types.js").Created} created
 * @property {import("./types.js").MemberChanged} member
 * @property {import("./types.js").MemberMuted} mute
 * @property {import("./types.js").Renamed} title
 * @property {import("./types.js").SlowModeSet} slow_mode
 * @property {import("./types.js").Pinned} pin
 * @property {import("./types.js").Unpinned} unpin
 * @property {Room} room new or changed
 * @property {Room} room_added one has become a member
 * @property {{room: string}} room_gone one is a member no longer
 * @property {import("./types.js").Gap} gap entries that are not handed over
 * @property {import("./types.js").PendingMessage} pending
 * @property {import("./typing.js").Typists} typing
 * @property {import("./types.js").Presence} presence
 * @property {{room: string, online: number}} room_presence
 * @property {null} presences everybody is told anew
 * @property {Marker} read
 * @property {Marker} delivered
 * @property {{account: string, blocked: boolean, muted: boolean}} relation
 * @property {import("./types.js").Settings} settings
 * @property {{feed: string, post: import("./types.js").Post}} feed.new_post
 * @property {{feed: string, post: import("./types.js").Post}} feed.post_updated
 * @property {{feed: string, post: string}} feed.post_deleted
 * @property {import("./types.js").PostCounters} feed.counters
 * @property {{comment: import("./types.js").Comment}} feed.new_comment
 * @property {{stream: import("./types.js").Stream}} stream.started
 * @property {{stream: string, state: import("./types.js").StreamState}} stream.changed
 * @property {{stream: string, at: string}} stream.ended
 * @property {{stream: string, viewers: number}} stream.viewers
 * @property {null} feeds a new connection: they are watched again, and are to be read anew
 * @property {Record<string, any>} unknown what only a newer client understands
 *
 * @typedef {object} IntakeOptions
 * @property {string} gaps "report" or "fill"
 * @property {Record<string, number>} cursors
 * @property {(room: string, after: number, limit: number) => Promise<RoomEvent[]>} readLog
 * @property {(room: string, seq: number) => void} arrived something to be read is here
 */

/** hello has to stay below limits.message_bytes (64 KiB by default); a cursor takes about 30 bytes. */
const CURSORS_IN_HELLO = 1_000;

export class Intake {
  #client;
  #rooms;
  #gaps;
  #arrived;
  #delivery;
  #begun = false;
  /** @type {Set<string>} */
  blocked = new Set();
  /** @type {Set<string>} */
  muted = new Set();
  /** @type {import("./types.js").Settings} */
  settings = { busy: false, hidden: false };

  /**
   * @param {import("./client.js").Client} client whose listeners are told
   * @param {import("./room_list.js").RoomList} rooms
   * @param {IntakeOptions} options
   */
  constructor(client, rooms, { gaps, cursors, readLog, arrived }) {
    this.#client = client;
    this.#rooms = rooms;
    this.#gaps = gaps;
    this.#arrived = arrived;
    const hooks = {
      readLog,
      hand: (/** @type {RoomEvent} */ entry) => this.#hand(entry),
      skipped: (/** @type {import("./types.js").Gap} */ gap) => this.#skipped(gap),
    };
    this.#delivery = new Delivery(hooks, cursors);
  }

  get cursors() {
    return this.#delivery.cursors;
  }

  /**
   * The cursors for hello.
   *
   * @param {(room: string) => boolean} isSubscribed such rooms are none of one's own
   */
  resumeFrom(isSubscribed) {
    const own = [...this.#delivery.cursors.keys()].filter((room) => !isSubscribed(room));
    const rooms = own.slice(0, CURSORS_IN_HELLO);
    return Object.fromEntries(rooms.map((room) => [room, this.#delivery.seen(room) ?? 0]));
  }

  /**
   * A connection is ready.
   *
   * @param {import("./types.js").Ready} ready
   * @param {Record<string, number>} sent the cursors that its hello carried
   */
  begin(ready, sent) {
    const client = this.#client;
    const { added, gone } = this.#rooms.renew(ready);
    this.blocked = new Set(ready.blocked);
    this.muted = new Set(ready.muted);
    this.settings = { busy: ready.busy, hidden: ready.hidden };
    client.presence.clear();
    const resumed = this.#begun;
    this.#begun = true;
    for (const room of gone) this.#forget(room);
    for (const room of ready.rooms) {
      if (!Object.hasOwn(sent, room.id)) this.#delivery.begin(room.id, room.last_seq);
      if (room.unread > 0) this.#arrived(room.id, room.last_seq);
    }
    client.emit("presences", null);
    if (resumed) for (const room of added) client.emit("room_added", room);
    for (const room of ready.rooms) client.emit("room", room);
    client.emit("settings", this.settings);
    client.emit("ready", { user: ready.user, resumed });
  }

  /**
   * An event has come.
   *
   * @param {Record<string, any> & {t: string}} fields
   */
  take(fields) {
    if (isEntry(fields)) {
      const entry = entryOf(fields);
      this.#count(entry);
      this.#delivery.take(entry);
      return;
    }
    if (!this.#notice(fields) && !this.#sign(fields) && !this.#happening(fields)) {
      this.#client.emit("unknown", fields);
    }
  }

  /**
   * About one's own view.
   *
   * @param {Record<string, any>} fields
   * @returns {boolean} whether it was such a notice
   */
  #notice(fields) {
    switch (fields.t) {
      case "gap":
        if (this.#gaps === "fill") this.#delivery.reach(fields.room, fields.to);
        else this.#delivery.skip(fields.room, fields.to);
        return true;
      case "room":
        this.added(roomOf(fields.room));
        return true;
      case "room_gone":
        if (this.#rooms.remove(fields.room) || this.#delivery.seen(fields.room) !== undefined) {
          this.#forget(fields.room);
        }
        return true;
      case "notify":
        this.#changed(this.#rooms.setLevel(fields.room, fields.level));
        return true;
      case "relation":
        this.#relate(fields.account, fields.blocked, fields.muted);
        return true;
      case "settings":
        this.settings = { busy: fields.busy ?? false, hidden: fields.hidden ?? false };
        this.#client.emit("settings", this.settings);
        return true;
      default:
        return false;
    }
  }

  /**
   * Of others.
   *
   * @param {Record<string, any>} fields
   * @returns {boolean} whether it was such a sign
   */
  #sign(fields) {
    const client = this.#client;
    const { room, account, seq } = fields;
    switch (fields.t) {
      case "typing":
        client.typists.note(room, fields.thread ?? null, account, fields.active ?? true);
        return true;
      case "presence": {
        const presence = { account, state: fields.state, last_seen: fields.last_seen ?? null };
        client.presence.set(presence);
        client.emit("presence", presence);
        return true;
      }
      case "room_presence":
        client.presence.count(room, fields.online);
        client.emit("room_presence", { room, online: fields.online });
        return true;
      case "read":
        this.#read(/** @type {any} */ (fields));
        return true;
      case "delivered":
        client.receipts.delivered(room, account, seq);
        client.emit("delivered", { room, account, seq });
        return true;
      default:
        return false;
    }
  }

  /**
   * In a feed that one watches, or to a live stream.
   *
   * @param {Record<string, any>} fields
   * @returns {boolean} whether it was such an event
   */
  #happening(fields) {
    const event = feedEventOf(fields) ?? streamEventOf(fields);
    if (event !== null) this.#client.emit(fields.t, /** @type {never} */ (event));
    return event !== null;
  }

  /** @param {Marker & {unread?: number, mentions?: number, last_seq?: number}} marker */
  #read({ room, account, seq, ...left }) {
    this.#client.receipts.read(room, account, seq);
    if (account === this.#rooms.user?.id) {
      this.#changed(this.#rooms.markRead(room, seq, left));
    } else {
      this.#client.emit("read", { room, account, seq });
    }
  }

  /**
   * One has read up to `seq` here. What that leaves, only the server knows, but when it is all.
   *
   * @param {string} room
   * @param {number} seq
   */
  readHere(room, seq) {
    const known = this.#rooms.rooms.get(room);
    if (known === undefined || seq < known.last_seq) return;
    this.#changed(this.#rooms.markRead(room, known.last_seq, { unread: 0, mentions: 0 }));
  }

  /**
   * One is a member of a room now.
   *
   * @param {Room} room
   */
  added(room) {
    const known = this.#rooms.rooms.get(room.id);
    // The answer to `create` and the notice both tell it, in either order.
    if (known !== undefined && known.last_seq > room.last_seq) return;
    this.#rooms.add(room);
    this.#delivery.begin(room.id, room.last_seq);
    if (known === undefined) this.#client.emit("room_added", room);
    this.#client.emit("room", room);
  }

  /**
   * One listens to a channel from its last_seq on; to what came since an earlier connection, too.
   *
   * @param {Room} room
   */
  opened(room) {
    this.#delivery.begin(room.id, room.last_seq);
  }

  /**
   * One listens to a channel no longer, unless one is a member.
   *
   * @param {string} room
   */
  closed(room) {
    if (!this.#rooms.rooms.has(room)) this.#delivery.end(room);
  }

  /** @param {string} room */
  #forget(room) {
    this.#delivery.end(room);
    this.#client.receipts.forget(room);
    this.#client.pending.drop(room);
    this.#client.emit("room_gone", { room });
  }

  /**
   * @param {string} account
   * @param {boolean} blocked
   * @param {boolean} muted
   */
  #relate(account, blocked = false, muted = false) {
    if (blocked) this.blocked.add(account);
    else this.blocked.delete(account);
    if (muted) this.muted.add(account);
    else this.muted.delete(account);
    this.#client.emit("relation", { account, blocked, muted });
  }

  /** @param {RoomEvent} entry */
  #count(entry) {
    this.#changed(this.#rooms.append(entry));
  }

  /** @param {Room | null} room */
  #changed(room) {
    if (room !== null) this.#client.emit("room", room);
  }

  /** @param {RoomEvent} entry */
  #hand(entry) {
    const client = this.#client;
    this.#count(entry);
    if (entry.t === "message") {
      client.typists.end(entry.room, entry.thread, entry.sender);
      if (entry.sender !== this.#rooms.user?.id) this.#arrived(entry.room, entry.seq);
      else if (entry.nonce !== null) client.pending.remove(entry.nonce, "settled", entry.seq);
    }
    client.emit("event", entry);
    if (entry.t === "unknown") client.emit("unknown", entry.fields);
    else client.emit(entry.t, /** @type {never} */ (entry));
  }

  /** @param {import("./types.js").Gap} gap */
  #skipped(gap) {
    this.#changed(this.#rooms.skip(gap.room, gap.to));
    this.#client.pending.passed(gap.room, gap.to);
    this.#client.emit("gap", gap);
  }
}
