/** What is said of posts. */

import { randomName } from "./nonces.js";
import { pageWith } from "./pages.js";
import { commentOf } from "./posts.js";

/** @typedef {import("./types.js").Comment} Comment */

export class RestComments {
  #call;

  /** @param {import("./pages.js").Call} call */
  constructor(call) {
    this.#call = call;
  }

  /**
   * Comment on a post; with a key used before, the comment that was written with it is returned.
   *
   * @param {string} post
   * @param {string} content
   * @param {{parent?: string, key?: string}} [options] the comment that this answers
   * @returns {Promise<Comment>}
   */
  async write(post, content, { parent, key = randomName() } = {}) {
    const call = { body: { content, parent }, headers: { "Idempotency-Key": key } };
    return commentOf(await this.#call("POST", `/posts/${post}/comments`, call));
  }

  /**
   * A page of the comments on a post that answer no other one, or of the answers to one; the oldest
   * first.
   *
   * @param {string} post
   * @param {import("./pages.js").Place & {parent?: string}} [options]
   */
  async list(post, { parent, cursor, limit } = {}) {
    const params = { parent, cursor, limit };
    return pageWith(await this.#call("GET", `/posts/${post}/comments`, { params }), commentOf);
  }

  /**
   * A comment, or what is left of it.
   *
   * @param {string} id
   * @returns {Promise<Comment>}
   */
  async get(id) {
    return commentOf(await this.#call("GET", `/comments/${id}`));
  }

  /**
   * @param {string} id
   * @param {string} content
   * @returns {Promise<Comment>}
   */
  async edit(id, content) {
    return commentOf(await this.#call("PATCH", `/comments/${id}`, { body: { content } }));
  }

  /**
   * Delete one's comment, or one on one's own post.
   *
   * @param {string} id
   */
  async remove(id) {
    await this.#call("DELETE", `/comments/${id}`);
  }

  /**
   * @param {string} id
   * @returns {Promise<Comment>}
   */
  async like(id) {
    return commentOf(await this.#call("PUT", `/comments/${id}/like`));
  }

  /**
   * @param {string} id
   * @returns {Promise<Comment>}
   */
  async unlike(id) {
    return commentOf(await this.#call("DELETE", `/comments/${id}/like`));
  }
}
