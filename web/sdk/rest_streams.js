/** Live streams, found and made. `Whip` publishes them, `Whep` plays them. */

import { randomName } from "./nonces.js";
import { pageWith, wholeList } from "./pages.js";
import { healthOf, streamOf } from "./streams.js";

/**
 * @typedef {import("./types.js").Stream} Stream
 * @typedef {import("./types_rest.js").PublishAccess} PublishAccess
 *
 * @typedef {object} Listed which of the live streams, and which page
 * @property {"viewers" | "newest"} [order] `viewers`, by default: those that most watch first;
 *     `newest`: those that went live last
 * @property {string} [category] those of it alone
 * @property {boolean} [followed] those of accounts alone that one follows
 * @property {string | null} [cursor] `next_cursor` of the page before, of the same order
 * @property {number} [limit]
 */

export class RestStreams {
  #call;
  #visit;

  /**
   * @param {import("./pages.js").Call} call
   * @param {import("./pages.js").Call} visit makes a request with the access token, or without one
   */
  constructor(call, visit) {
    this.#call = call;
    this.#visit = visit;
  }

  /**
   * Make a stream and its chat; with a key used before, the stream that was made with it gets another
   * stream key.
   *
   * @param {string} title
   * @param {import("./types_rest.js").StreamFields & {key?: string}} [fields] the key, and what it
   *     has besides its title
   * @returns {Promise<Stream & PublishAccess>} the stream key is not shown again
   */
  async create(title, { key = randomName(), ...fields } = {}) {
    const body = { title, ...fields };
    const headers = { "Idempotency-Key": key };
    return /** @type {any} */ (streamOf(await this.#call("POST", "/streams", { body, headers })));
  }

  /**
   * Change a stream: what is left out stays. A thumbnail of null goes.
   *
   * @param {string} id
   * @param {import("./types_rest.js").StreamChanges} changes
   * @returns {Promise<Stream>}
   */
  async change(id, changes) {
    return streamOf(await this.#call("PATCH", `/streams/${id}`, { body: changes }));
  }

  /**
   * Give a stream another key; what is published with the one before ends.
   *
   * @param {string} id
   * @returns {Promise<PublishAccess>}
   */
  async rotateKey(id) {
    return this.#call("POST", `/streams/${id}/key`);
  }

  /**
   * End a stream that is on: one's own or, as a moderator, anybody's.
   *
   * @param {string} id
   * @returns {Promise<Stream>}
   */
  async end(id) {
    return streamOf(await this.#call("POST", `/streams/${id}/end`));
  }

  /**
   * Delete a stream: one's own or, as a moderator, anybody's.
   *
   * @param {string} id
   */
  async remove(id) {
    await this.#call("DELETE", `/streams/${id}`);
  }

  /**
   * A stream. Without a login: one that everybody may see.
   *
   * @param {string} id
   * @returns {Promise<Stream>}
   */
  async get(id) {
    return streamOf(await this.#visit("GET", `/streams/${id}`));
  }

  /**
   * How a stream of one's own is: what comes from its publisher, and what is wrong with it.
   *
   * @param {string} id
   * @returns {Promise<import("./types_rest.js").StreamHealth>}
   */
  async health(id) {
    return healthOf(await this.#call("GET", `/streams/${id}/health`));
  }

  /**
   * A page of the streams that are live and that one may see. Without a login: that everybody may.
   *
   * @param {Listed} [wish]
   */
  async live({ order, category, followed, cursor, limit } = {}) {
    const params = { order, category, followed, cursor, limit };
    return pageWith(await this.#visit("GET", "/streams", { params }), streamOf);
  }

  /**
   * One's streams, on or not, the newest first.
   *
   * @returns {Promise<Stream[]>}
   */
  async own() {
    return (await wholeList(this.#call, "/me/streams")).map(streamOf);
  }
}
