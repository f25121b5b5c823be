/** The feeds that a client watches: said to the server, and said again on each connection. */

/**
 * @typedef {import("./connection.js").Fields} Fields
 *
 * @typedef {object} FeedNames any of these
 * @property {boolean} [home] what whom one follows posts
 * @property {Iterable<string>} [authors] what these accounts post
 * @property {Iterable<string>} [tags] what is posted with these hashtags
 * @property {Iterable<string>} [posts] what becomes of these, their counters and comments
 */

/** What the server takes in one command. @type {[("authors" | "tags" | "posts"), number][]} */
const PARTS = [["authors", 100], ["tags", 20], ["posts", 100]];

export class Feeds {
  #request;
  #home = false;
  #watched = {
    authors: /** @type {Set<string>} */ (new Set()),
    tags: /** @type {Set<string>} */ (new Set()),
    posts: /** @type {Set<string>} */ (new Set()),
  };

  /** @param {(command: Fields) => Promise<Fields>} request */
  constructor(request) {
    this.#request = request;
  }

  /**
   * Be told what happens there, also after a reconnect. Read a feed after this has resolved: then
   * nothing is missed in between.
   *
   * @param {FeedNames} feeds
   */
  async watch(feeds) {
    const named = namesIn(feeds);
    if (named.home) this.#home = true;
    for (const [kind] of PARTS) for (const name of named[kind]) this.#watched[kind].add(name);
    await this.#say("watch", named);
  }

  /**
   * Be told no longer.
   *
   * @param {FeedNames} feeds
   */
  async unwatch(feeds) {
    const named = namesIn(feeds);
    if (named.home) this.#home = false;
    for (const [kind] of PARTS) for (const name of named[kind]) this.#watched[kind].delete(name);
    await this.#say("unwatch", named);
  }

  /**
   * On a new connection: watch again.
   *
   * @returns {Promise<boolean>} whether there was something to watch
   */
  async again() {
    const named = namesIn({ home: this.#home, ...this.#watched });
    return this.#say("watch", named);
  }

  /**
   * @param {"watch" | "unwatch"} t
   * @param {ReturnType<typeof namesIn>} named
   */
  async #say(t, named) {
    /** @type {Fields[]} */
    const commands = named.home ? [{ t, feed: "home" }] : [];
    for (const [kind, size] of PARTS) {
      for (let start = 0; start < named[kind].length; start += size) {
        commands.push({ t, [kind]: named[kind].slice(start, start + size) });
      }
    }
    await Promise.all(commands.map((command) => this.#request(command)));
    return commands.length > 0;
  }
}

/** @param {FeedNames} feeds */
function namesIn({ home = false, authors = [], tags = [], posts = [] }) {
  return { home, authors: [...authors], tags: [...tags], posts: [...posts] };
}
