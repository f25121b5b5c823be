/** Conversations, their logs and markers. */

import { randomName } from "./nonces.js";
import { pageWith, wholeList } from "./pages.js";
import { entryOf, pageOf, roomOf, writtenOf } from "./records.js";

/**
 * @typedef {import("./types.js").Room} Room
 * @typedef {import("./types.js").Message} Message
 * @typedef {import("./types.js").Written} Written
 *
 * @typedef {object} Found a message that a search has found
 * @property {string} room
 * @property {Message} message
 * @property {import("./types.js").Fragment[]} fragments its text, what was found marked
 */

export class RestRooms {
  #call;

  /** @param {import("./pages.js").Call} call */
  constructor(call) {
    this.#call = call;
  }

  /**
   * One's own rooms.
   *
   * @returns {Promise<Room[]>}
   */
  async list() {
    return (await wholeList(this.#call, "/rooms")).map(roomOf);
  }

  /**
   * A page of the channels that anyone may join.
   *
   * @param {{cursor?: string | null, limit?: number}} [options]
   */
  async channels({ cursor = null, limit = 50 } = {}) {
    const params = { scope: "public", cursor, limit };
    return pageWith(await this.#call("GET", "/rooms", { params }), roomOf);
  }

  /**
   * @param {string} id
   * @returns {Promise<Room>}
   */
  async get(id) {
    return roomOf(await this.#call("GET", `/rooms/${id}`));
  }

  /**
   * Create a room; of a dm, or with a key used before, the room that exists is returned.
   *
   * @param {import("./types.js").RoomKind} kind
   * @param {{title?: string | null, members?: string[], key?: string}} [options]
   * @returns {Promise<Room>}
   */
  async create(kind, { title = null, members = [], key = randomName() } = {}) {
    const body = title === null ? { kind, members } : { kind, members, title };
    return roomOf(await this.#call("POST", "/rooms", { body, headers: { "Idempotency-Key": key } }));
  }

  /**
   * @param {string} id
   * @param {string} title
   * @returns {Promise<Written>}
   */
  async rename(id, title) {
    return writtenOf(await this.#call("PATCH", `/rooms/${id}`, { body: { title } }));
  }

  /**
   * Make plain members wait between two messages.
   *
   * @param {string} id
   * @param {number} seconds 0: no longer
   * @returns {Promise<Written>}
   */
  async slowMode(id, seconds) {
    return writtenOf(await this.#call("PATCH", `/rooms/${id}`, { body: { slow_mode: seconds } }));
  }

  /**
   * A part of a room's log, ascending; the newest events by default.
   *
   * @param {string} id
   * @param {import("./types.js").Bounds} [bounds]
   */
  async events(id, bounds = {}) {
    return pageOf(await this.#call("GET", `/rooms/${id}/events`, { params: { ...bounds } }));
  }

  /**
   * How far the members have got.
   *
   * @param {string} id
   * @returns {Promise<import("./types.js").Receipt[]>}
   */
  async receipts(id) {
    const { items } = await this.#call("GET", `/rooms/${id}/receipts`);
    return items.map((/** @type {any} */ receipt) => ({ read_seq: 0, delivered_seq: 0, ...receipt }));
  }

  /**
   * Say that everything up to `seq` has been read.
   *
   * @param {string} id
   * @param {number} seq
   */
  async read(id, seq) {
    await this.#call("PUT", `/rooms/${id}/read`, { body: { seq } });
  }

  /** Say that everything in all rooms has been read. */
  async readAll() {
    await this.#call("POST", "/me/read-all");
  }

  /**
   * @param {string} id
   * @param {import("./types.js").Level} level which messages one wants to be told about
   */
  async notify(id, level) {
    await this.#call("PATCH", `/rooms/${id}/me`, { body: { notify: level } });
  }

  /**
   * The pinned messages.
   *
   * @param {string} id
   * @returns {Promise<Message[]>}
   */
  async pins(id) {
    const { items: pins } = await this.#call("GET", `/rooms/${id}/pins`);
    return pins.map((/** @type {any} */ pin) => /** @type {Message} */ (entryOf(pin)));
  }

  /**
   * Search the messages of the rooms that one is in; a page, the best first.
   *
   * @param {string} text words, "phrases", -not, and filters such as from:ada, as
   *     /api/v1/docs says
   * @param {{in?: string, from?: string, before?: string, after?: string, cursor?: string | null,
   *     limit?: number}} [options] in the room with this id; from the account with this username;
   *     before and after a day or moment
   */
  async search(text, { cursor = null, limit = 20, ...filters } = {}) {
    const given = Object.entries(filters).filter(([, value]) => value);
    const q = [text, ...given.map(([name, value]) => `${name}:${value}`)].join(" ").trim();
    return pageWith(await this.#call("GET", "/search/messages", { params: { q, cursor, limit } }), foundOf);
  }
}

/**
 * @param {any} fields
 * @returns {Found}
 */
function foundOf({ room, message, fragments }) {
  const marked = fragments.map((/** @type {any} */ one) => ({ match: false, ...one }));
  return { room, message: /** @type {Message} */ (entryOf(message)), fragments: marked };
}
