/** The REST interface: the session, accounts, rooms, posts, and all the rest of it. */

import { SYSTEM_CLOCK } from "./clock.js";
import { Http } from "./http.js";
import { RestAccounts } from "./rest_accounts.js";
import { RestComments } from "./rest_comments.js";
import { RestEngagement } from "./rest_engagement.js";
import { RestFeed } from "./rest_feed.js";
import { RestGraph } from "./rest_graph.js";
import { RestMembers } from "./rest_members.js";
import { RestMessages } from "./rest_messages.js";
import { RestPosts } from "./rest_posts.js";
import { RestProfiles } from "./rest_profiles.js";
import { RestRooms } from "./rest_rooms.js";
import { RestStreams } from "./rest_streams.js";
import { RestUploads } from "./rest_uploads.js";
import { Session } from "./session.js";
import { MemoryTokens } from "./tokens.js";

/**
 * @typedef {object} RestOptions
 * @property {import("./tokens.js").TokenStore} [tokens] where they are kept
 * @property {string} [accessToken] of a session that exists already, instead of what is kept
 * @property {string} [refreshToken] likewise
 * @property {number} [timeout] of a request, in seconds
 * @property {typeof fetch} [fetch]
 * @property {import("./clock.js").Clock} [clock]
 */

export class Rest {
  /**
   * @param {string} [url] of the server; by default the one that the page came from
   * @param {RestOptions} [options]
   */
  constructor(url = globalThis.location?.origin, options = {}) {
    const {
      tokens = new MemoryTokens(),
      accessToken,
      refreshToken,
      timeout = 30,
      fetch = globalThis.fetch.bind(globalThis),
      clock = SYSTEM_CLOCK,
    } = options;
    if (accessToken !== undefined || refreshToken !== undefined) {
      const [access_token, refresh_token] = [accessToken ?? null, refreshToken ?? null];
      tokens.write({ account: null, access_token, refresh_token });
    }
    this.url = url;
    const session = new Session(new Http(url, fetch, timeout, clock), tokens);
    /** The login. */
    this.session = session;
    /** @type {import("./pages.js").Call} */
    const call = (method, path, more) => session.call(method, path, more);
    this.accounts = new RestAccounts(call);
    this.rooms = new RestRooms(call);
    this.messages = new RestMessages(call);
    this.members = new RestMembers(call);
    this.profiles = new RestProfiles(call);
    this.graph = new RestGraph(call);
    this.posts = new RestPosts(call);
    this.engagement = new RestEngagement(call);
    this.comments = new RestComments(call);
    this.feed = new RestFeed(call);
    this.uploads = new RestUploads(call, clock);
    this.streams = new RestStreams(call, (method, path, more) => session.visit(method, path, more));
  }
}
