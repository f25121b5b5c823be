/** Posts, and lists of them. */

import { randomName } from "./nonces.js";
import { pageWith, wholeList } from "./pages.js";
import { postOf, versionOf } from "./posts.js";

/**
 * @typedef {import("./pages.js").Place} Place
 * @typedef {import("./types.js").Post} Post
 */

export class RestPosts {
  #call;

  /** @param {import("./pages.js").Call} call */
  constructor(call) {
    this.#call = call;
  }

  /**
   * Write a post; with a key used before, the post that was written with it is returned.
   *
   * @param {string} content
   * @param {import("./types_rest.js").PostFields & {key?: string}} [fields] the key, and what the
   *     post has besides its content
   * @returns {Promise<Post>}
   */
  async create(content, { key = randomName(), ...fields } = {}) {
    const body = { type: "text", content, ...fields };
    return postOf(await this.#call("POST", "/posts", { body, headers: { "Idempotency-Key": key } }));
  }

  /**
   * Change a post. Its type and poll stay.
   *
   * @param {string} id
   * @param {import("./types_rest.js").PostChanges} changes
   * @returns {Promise<Post>}
   */
  async edit(id, changes) {
    return postOf(await this.#call("PATCH", `/posts/${id}`, { body: changes }));
  }

  /**
   * Delete a post: one's own or, as a moderator, anybody's.
   *
   * @param {string} id
   */
  async remove(id) {
    await this.#call("DELETE", `/posts/${id}`);
  }

  /**
   * Share a post without a text, once. `create` quotes it, with `shared`.
   *
   * @param {string} id
   * @returns {Promise<Post>} the share
   */
  async share(id) {
    return postOf(await this.#call("POST", `/posts/${id}/share`));
  }

  /**
   * Share a post no longer; quotes stay.
   *
   * @param {string} id
   */
  async unshare(id) {
    await this.#call("DELETE", `/posts/${id}/share`);
  }

  /**
   * @param {string} id
   * @returns {Promise<Post>}
   */
  async get(id) {
    return postOf(await this.#call("GET", `/posts/${id}`));
  }

  /**
   * Those of up to 100 posts that one may see, in this order.
   *
   * @param {string[]} ids
   * @returns {Promise<Post[]>}
   */
  async several(ids) {
    if (ids.length === 0) return [];
    return (await this.#call("GET", "/posts", { params: { ids } })).items.map(postOf);
  }

  /**
   * The former versions of a post, the newest first.
   *
   * @param {string} id
   * @returns {Promise<import("./types_rest.js").PostVersion[]>}
   */
  async versions(id) {
    return (await wholeList(this.#call, `/posts/${id}/edits`)).map(versionOf);
  }

  /**
   * A page of what an account has published, the newest first. It may be short, or empty, and yet
   * not the last: that is the one without `next_cursor`.
   *
   * @param {string} account
   * @param {Place} [place]
   */
  async of(account, place = {}) {
    return this.#page(`/accounts/${account}/posts`, place);
  }

  /**
   * A page of what has been published with a hashtag, as `of`.
   *
   * @param {string} tag without its #
   * @param {Place} [place]
   */
  async tagged(tag, place = {}) {
    return this.#page(`/tags/${encodeURIComponent(tag)}/posts`, place);
  }

  /**
   * One's drafts and scheduled posts, the newest first.
   *
   * @returns {Promise<Post[]>}
   */
  async drafts() {
    return (await wholeList(this.#call, "/me/drafts")).map(postOf);
  }

  /**
   * @param {string} path
   * @param {Place} place
   */
  async #page(path, { cursor, limit }) {
    return pageWith(await this.#call("GET", path, { params: { cursor, limit } }), postOf);
  }
}
