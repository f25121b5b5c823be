/** What one does with posts: likes, bookmarks, votes. */

import { pageWith } from "./pages.js";
import { authorOf, pollOf, postOf } from "./posts.js";

/**
 * @typedef {import("./pages.js").Place} Place
 * @typedef {import("./types.js").Poll} Poll
 * @typedef {import("./types_rest.js").Counters} Counters
 */

export class RestEngagement {
  #call;

  /** @param {import("./pages.js").Call} call */
  constructor(call) {
    this.#call = call;
  }

  /**
   * Like a post; once, however often it is asked.
   *
   * @param {string} post
   * @returns {Promise<Counters>}
   */
  async like(post) {
    return this.#call("PUT", `/posts/${post}/like`);
  }

  /**
   * @param {string} post
   * @returns {Promise<Counters>}
   */
  async unlike(post) {
    return this.#call("DELETE", `/posts/${post}/like`);
  }

  /**
   * A page of those who like a post, the newest like first.
   *
   * @param {string} post
   * @param {Place} [place]
   */
  async likers(post, { cursor, limit } = {}) {
    const params = { cursor, limit };
    return pageWith(await this.#call("GET", `/posts/${post}/likes`, { params }), authorOf);
  }

  /**
   * Keep a post to find it again.
   *
   * @param {string} post
   */
  async bookmark(post) {
    await this.#call("PUT", `/posts/${post}/bookmark`);
  }

  /** @param {string} post */
  async unbookmark(post) {
    await this.#call("DELETE", `/posts/${post}/bookmark`);
  }

  /**
   * A page of what one keeps and may see, the last one kept first. It may be short, or empty, and
   * yet not the last.
   *
   * @param {Place} [place]
   */
  async bookmarks({ cursor, limit } = {}) {
    return pageWith(await this.#call("GET", "/me/bookmarks", { params: { cursor, limit } }), postOf);
  }

  /**
   * Vote in a poll, instead of what one has voted before.
   *
   * @param {string} post
   * @param {number[]} options positions of the answers, from 0; of a single choice one
   * @returns {Promise<Poll>}
   */
  async vote(post, options) {
    return pollOf(await this.#call("PUT", `/posts/${post}/vote`, { body: { options } }));
  }

  /**
   * Take one's votes back.
   *
   * @param {string} post
   * @returns {Promise<Poll>}
   */
  async withdrawVote(post) {
    return pollOf(await this.#call("DELETE", `/posts/${post}/vote`));
  }
}
