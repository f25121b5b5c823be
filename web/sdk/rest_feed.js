/** The home feed, and what trends. */

import { pageWith } from "./pages.js";
import { postOf } from "./posts.js";

/**
 * @typedef {import("./types_rest.js").Span} Span
 * @typedef {import("./types_rest.js").TagTrend} TagTrend
 * @typedef {import("./types_rest.js").PostTrend} PostTrend
 */

export class RestFeed {
  #call;

  /** @param {import("./pages.js").Call} call */
  constructor(call) {
    this.#call = call;
  }

  /**
   * A page of what one has published, and those whom one follows. It may be short, or empty, and yet
   * not the last: that is the one without `next_cursor`.
   *
   * @param {"latest" | "ranked"} [order]
   * @param {import("./pages.js").Place} [place] a cursor is good for the order that it came with
   */
  async read(order = "latest", { cursor, limit } = {}) {
    const params = { order, cursor, limit };
    return pageWith(await this.#call("GET", "/feed", { params }), postOf);
  }

  /**
   * The hashtags that trend, the strongest first.
   *
   * @param {Span} [span] the time up to now
   * @param {{limit?: number}} [options] up to 50
   * @returns {Promise<TagTrend[]>}
   */
  async trendingTags(span = "24h", { limit } = {}) {
    return (await this.#call("GET", "/trends/tags", { params: { span, limit } })).items;
  }

  /**
   * The posts that trend and that one may see, the strongest first.
   *
   * @param {Span} [span] the time up to now
   * @param {{limit?: number}} [options] up to 50
   * @returns {Promise<PostTrend[]>}
   */
  async trendingPosts(span = "24h", { limit } = {}) {
    const { items } = await this.#call("GET", "/trends/posts", { params: { span, limit } });
    return items.map((/** @type {any} */ trend) => ({ ...trend, post: postOf(trend.post) }));
  }
}
