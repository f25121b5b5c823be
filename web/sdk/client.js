/** A client that stays connected: commands, rooms, and every event exactly once. */

import { socketUrl } from "./address.js";
import { Calls } from "./calls.js";
import { SYSTEM_CLOCK } from "./clock.js";
import { Commands } from "./commands.js";
import { Feeds } from "./feeds.js";
import { Intake } from "./intake.js";
import { Link } from "./link.js";
import { DeliveredMarkers, ReadMarkers } from "./markers.js";
import { PendingMessages } from "./pending.js";
import { PresenceTable } from "./presence.js";
import { Receipts } from "./receipts.js";
import { attachmentOf, entryOf, roomOf, writtenOf } from "./records.js";
import { RoomList } from "./room_list.js";
import { Subscriptions } from "./subscriptions.js";
import { TypingSigns, TypingTable } from "./typing.js";
import { browserWakeups } from "./wakeups.js";

/**
 * @typedef {import("./types.js").PendingMessage} PendingMessage
 * @typedef {import("./types.js").Room} Room
 * @typedef {import("./types.js").Written} Written
 * @typedef {import("./errors.js").PlazaError} PlazaError
 *
 * @typedef {object} ClientOptions all times in seconds
 * @property {"report" | "fill"} [gaps] what becomes of more missed entries than the server replays:
 *     they are passed over and a `gap` event says so; or they are read from the log and handed over
 * @property {Record<string, number>} [cursors] room -> the last seq handled in an earlier run: what
 *     came after is handed over. Rooms without a cursor begin with what comes from now on
 * @property {boolean} [delivered] whether to tell others what has reached this device
 * @property {number} [commandTimeout] for a command, over all its repetitions
 * @property {number} [openTimeout] for one attempt to connect
 * @property {number} [backoffBase] bound of the first delay before reconnecting or repeating
 * @property {number} [backoffCap] bound of all such delays
 * @property {typeof WebSocket} [WebSocket]
 * @property {import("./clock.js").Clock} [clock]
 * @property {() => number} [random] uniform on [0, 1)
 * @property {(wake: () => void) => () => void} [wakeups] calls when a wait should be cut short
 *
 * @typedef {object} SendOptions
 * @property {number | null} [replyTo] the seq of the message that this one answers
 * @property {Partial<import("./types.js").Attachment>[]} [attachments]
 * @property {string} [nonce] of an earlier try whose outcome is unknown
 *
 * @typedef {{nonce: string, message: PendingMessage, promise: Promise<Written>}} Sending
 */

/**
 * One account's connection to a server.
 *
 * A lost connection is made again by itself, with full-jitter backoff, and resumed from the cursors.
 * Commands wait for the connection, and are repeated with the same nonce after it was lost or when
 * the server asks for patience. What they return is on the server's disk, once.
 *
 * `leave`, `kick` and the like have no nonce: should their answer get lost with the connection, the
 * repetition may be refused with not_found, because the first try succeeded.
 *
 * @extends {Commands<import("./intake.js").ClientEvents>}
 */
export class Client extends Commands {
  #calls;
  #delivered;
  #intake;
  #link;
  #options;
  #readMarkers;
  #signs;
  #subscriptions;
  #unwatchWakeups = () => {};
  /** @type {import("./link.js").Status} */
  #status = { state: "idle", error: null, delay: null, retryAt: null };
  /** @type {"online" | "away"} */
  #state = "online";
  /** @type {Set<string>} */
  #watched = new Set();
  #roomList = new RoomList();

  /** Who is here. */
  presence = new PresenceTable();

  /**
   * @param {import("./rest.js").Rest} rest has the session
   * @param {ClientOptions} [options]
   */
  constructor(rest, options = {}) {
    super((command) => this.#calls.request(command));
    const settled = {
      gaps: "report", delivered: true, commandTimeout: 30, openTimeout: 10, backoffBase: 0.25,
      backoffCap: 30, WebSocket: globalThis.WebSocket, clock: SYSTEM_CLOCK, random: Math.random,
      wakeups: browserWakeups, cursors: {}, ...options,
    };
    const { clock } = settled;
    this.#options = settled;
    this.rest = rest;
    this.pending = new PendingMessages((message) => this.emit("pending", message));
    this.typists = new TypingTable(clock, (typists) => this.emit("typing", typists));
    this.receipts = new Receipts((room) => rest.rooms.receipts(room));
    this.#intake = new Intake(this, this.#roomList, {
      gaps: settled.gaps,
      cursors: settled.cursors,
      readLog: (room, after, limit) => this.#readLog(room, after, limit),
      arrived: (room, seq) => this.#arrived(room, seq),
    });
    const calls = (this.#calls = new Calls(settled));
    this.#link = new Link(socketUrl(rest.url), rest.session, calls, settled, {
      cursors: () => this.#intake.resumeFrom((room) => this.#subscriptions.has(room)),
      ready: (ready, sent) => this.#begin(ready, sent),
      event: (fields) => this.#intake.take(fields),
      status: (status) => this.#report(status),
    });
    /** @param {import("./connection.js").Fields} command */
    const request = (command) => calls.request(command);
    this.#readMarkers = new ReadMarkers(request);
    this.#delivered = new DeliveredMarkers(clock, request);
    this.#signs = new TypingSigns(clock, (command) => this.#link.fire(command));
    /** What one watches. */
    this.feeds = new Feeds(request);
    this.#subscriptions = new Subscriptions(request, (room) => this.#intake.opened(room));
  }

  // --- life ------------------------------------------------------------------------------------

  /**
   * Connect, and stay connected until `close`.
   *
   * @returns {Promise<void>} when there is a connection
   * @throws {PlazaError} there will be none: nobody is logged in, say
   */
  async connect() {
    this.#unwatchWakeups();
    this.#unwatchWakeups = this.#options.wakeups(() => this.#link.wake());
    this.#link.start();
    await this.#link.connected();
  }

  /** End the connection. Commands that wait are refused with `closed`. Idempotent. */
  async close() {
    this.#link.close();
  }

  /** Cut a wait short; if there seems to be a connection, find out whether it is alive. */
  reconnectNow() {
    this.#link.wake();
  }

  /** @param {import("./link.js").Status} status */
  #report(status) {
    this.#status = status;
    if (status.state !== "connected") this.typists.clear();
    if (status.state === "closed") this.#unwatchWakeups();
    this.emit("status", status);
  }

  /**
   * @param {import("./types.js").Ready} ready
   * @param {Record<string, number>} sent
   */
  #begin(ready, sent) {
    this.#intake.begin(ready, sent);
    // What the server knows of a connection, it forgets with it.
    if (this.#state === "away") this.#link.fire({ t: "presence", state: "away" });
    if (this.#watched.size > 0) super.watch(this.#watched).catch(() => {});
    this.#subscriptions.again();
    this.feeds.again().then((some) => some && this.emit("feeds", null), () => {});
  }

  // --- what is known ---------------------------------------------------------------------------

  /** Who one is; null before the first connection. */
  get user() {
    return this.#roomList.user;
  }

  /** What has become of the connection. */
  get status() {
    return this.#status;
  }

  /** One's rooms by id. @returns {ReadonlyMap<string, Room>} */
  get rooms() {
    return this.#roomList.rooms;
  }

  /** Room -> the seq of the last entry that was handed over. @returns {ReadonlyMap<string, number>} */
  get cursors() {
    return this.#intake.cursors;
  }

  /** Accounts that one has blocked. @returns {ReadonlySet<string>} */
  get blocked() {
    return this.#intake.blocked;
  }

  /** Accounts that one has muted. @returns {ReadonlySet<string>} */
  get muted() {
    return this.#intake.muted;
  }

  /** How one appears to others. */
  get settings() {
    return this.#intake.settings;
  }

  // --- messages --------------------------------------------------------------------------------

  /**
   * Post a message. It is shown as pending at once.
   *
   * @param {string} room
   * @param {string} body up to 8,000 characters
   * @param {SendOptions} [options]
   * @returns {Sending}
   */
  send(room, body, { replyTo = null, attachments = [], nonce = this.nextNonce() } = {}) {
    const message = this.pending.put({
      nonce,
      room,
      sender: this.user?.id ?? "",
      body,
      reply_to: replyTo,
      attachments: attachments.map(attachmentOf),
      at: new Date(this.#options.clock.now()).toISOString(),
      state: "sending",
      error: null,
      seq: null,
    });
    this.#signs.sent(room);
    return this.#carry(message);
  }

  /**
   * Send a message that has failed once more, with its nonce: should it be in the log in spite of
   * all, it does not come a second time.
   *
   * @param {string} nonce
   * @returns {Sending | null} null: there is no such message
   */
  retry(nonce) {
    const failed = this.pending.get(nonce);
    if (failed === null || failed.state !== "failed") return null;
    return this.#carry(this.pending.put({ ...failed, state: "sending", error: null }));
  }

  /**
   * Forget a message that has failed.
   *
   * @param {string} nonce
   */
  discard(nonce) {
    if (this.pending.get(nonce)?.state === "failed") this.pending.remove(nonce, "discarded");
  }

  /**
   * @param {PendingMessage} message
   * @returns {Sending}
   */
  #carry(message) {
    const { nonce, room, body, reply_to, attachments } = message;
    // The server knows the rest.
    const attached = attachments.map(({ id, name }) => ({ id, name }));
    const command = { t: "send", room, body, nonce, reply_to, attachments: attached };
    const promise = this.#calls
      .request(command, {
        delayed: (error) => {
          this.pending.update(nonce, { state: error === null ? "sending" : "waiting", error });
        },
      })
      .then((answer) => this.#written(message, writtenOf(answer)), (error) => {
        this.pending.update(nonce, { state: "failed", error });
        throw error;
      });
    promise.catch(() => {}); // the pending message tells it, too
    return { nonce, message, promise };
  }

  /**
   * @param {PendingMessage} message
   * @param {Written} written
   */
  #written({ nonce, room }, written) {
    const { seq } = written;
    this.pending.update(nonce, { state: "sent", error: null, seq });
    // Its event may have come before, or have been passed over.
    this.pending.passed(room, this.cursors.get(room) ?? 0);
    return written;
  }

  /**
   * Say that everything up to `seq` has been read.
   *
   * @param {string} room
   * @param {number} seq
   * @returns {Promise<void>} when the server knows
   */
  read(room, seq) {
    const known = this.rooms.get(room);
    if (known !== undefined && seq <= known.read_seq) return Promise.resolve();
    this.#delivered.covered(room, seq);
    this.#intake.readHere(room, seq);
    return this.#readMarkers.read(room, seq);
  }

  /**
   * Say that one is typing: to be called at every key, it is sent seldom enough; or that one has
   * stopped.
   *
   * @param {string} room
   * @param {{thread?: number | null, active?: boolean}} [options]
   */
  typing(room, { thread = null, active = true } = {}) {
    this.#signs.sign(room, thread, active);
  }

  /**
   * @param {string} room
   * @param {number} after
   * @param {number} limit
   */
  async #readLog(room, after, limit) {
    const command = { t: "history", room, after, limit };
    const { events } = await this.#calls.request(command, { timeout: Infinity });
    return events.map(entryOf);
  }

  /**
   * @param {string} room
   * @param {number} seq
   */
  #arrived(room, seq) {
    if (this.#options.delivered) this.#delivered.note(room, seq);
  }

  // --- rooms and presence ----------------------------------------------------------------------

  /**
   * Create a room; the dm of a pair is created once, and then returned.
   *
   * @param {import("./types.js").RoomKind} kind
   * @param {{title?: string | null, members?: string[], nonce?: string}} [options] the members
   *     besides oneself; of a dm the other one
   * @returns {Promise<Room>}
   */
  async createRoom(kind, { title = null, members = [], nonce = this.nextNonce() } = {}) {
    const answer = await this.#calls.request({ t: "create", kind, title, members, nonce });
    const room = roomOf(answer.room);
    this.#intake.added(room);
    return this.rooms.get(room.id) ?? room;
  }

  /**
   * Listen to a channel without joining it, also after a reconnect. Its entries come like those of
   * one's own rooms, from the room's `last_seq` on; it is not among `rooms`.
   *
   * @param {string} room
   * @returns {Promise<Room>} the channel as it is now
   */
  subscribe(room) {
    return this.#subscriptions.subscribe(room);
  }

  /**
   * Listen no longer, unless one has joined.
   *
   * @param {string} room
   */
  async unsubscribe(room) {
    await this.#subscriptions.unsubscribe(room);
    this.#intake.closed(room);
  }

  /** @param {{state?: "online" | "away", busy?: boolean, hidden?: boolean}} presence */
  setPresence(presence) {
    this.#state = presence.state ?? this.#state;
    return super.setPresence(presence);
  }

  /** @param {Iterable<string>} accounts */
  async watch(accounts) {
    const all = [...accounts];
    for (const account of all) this.#watched.add(account);
    await super.watch(all);
  }

  /** @param {Iterable<string>} accounts */
  async unwatch(accounts) {
    const all = [...accounts];
    for (const account of all) this.#watched.delete(account);
    await super.unwatch(all);
  }
}
