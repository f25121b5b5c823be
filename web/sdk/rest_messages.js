/** What is said in a room. */

import { randomName } from "./nonces.js";
import { writtenOf } from "./records.js";

/** @typedef {import("./types.js").Written} Written */

export class RestMessages {
  #call;

  /** @param {import("./pages.js").Call} call */
  constructor(call) {
    this.#call = call;
  }

  /**
   * @param {string} room
   * @param {string} body
   * @param {{replyTo?: number | null, attachments?: Partial<import("./types.js").Attachment>[],
   *     nonce?: string}} [options]
   * @returns {Promise<Written>}
   */
  async send(room, body, { replyTo = null, attachments = [], nonce = randomName() } = {}) {
    const message = { body, reply_to: replyTo, attachments, nonce };
    return writtenOf(await this.#call("POST", `/rooms/${room}/messages`, { body: message }));
  }

  /**
   * @param {string} room
   * @param {number} seq
   * @param {string} body
   * @returns {Promise<Written>}
   */
  async edit(room, seq, body) {
    return writtenOf(await this.#call("PATCH", `/rooms/${room}/messages/${seq}`, { body: { body } }));
  }

  /**
   * @param {string} room
   * @param {number} seq
   * @returns {Promise<Written>}
   */
  async remove(room, seq) {
    return writtenOf(await this.#call("DELETE", `/rooms/${room}/messages/${seq}`));
  }

  /**
   * @param {string} room
   * @param {number} seq
   * @param {string} emoji
   * @returns {Promise<Written>}
   */
  async react(room, seq, emoji) {
    return writtenOf(await this.#call("PUT", reactionPath(room, seq, emoji)));
  }

  /**
   * @param {string} room
   * @param {number} seq
   * @param {string} emoji
   * @returns {Promise<Written>}
   */
  async unreact(room, seq, emoji) {
    return writtenOf(await this.#call("DELETE", reactionPath(room, seq, emoji)));
  }

  /**
   * @param {string} room
   * @param {number} seq
   * @returns {Promise<Written>}
   */
  async pin(room, seq) {
    return writtenOf(await this.#call("PUT", `/rooms/${room}/pins/${seq}`));
  }

  /**
   * @param {string} room
   * @param {number} seq
   * @returns {Promise<Written>}
   */
  async unpin(room, seq) {
    return writtenOf(await this.#call("DELETE", `/rooms/${room}/pins/${seq}`));
  }
}

/**
 * @param {string} room
 * @param {number} seq
 * @param {string} emoji
 */
function reactionPath(room, seq, emoji) {
  return `/rooms/${room}/messages/${seq}/reactions/${encodeURIComponent(emoji)}`;
}
