/**
 * A media session that is made again whenever it is lost, for as long as that can help.
 *
 *     connecting --DTLS is through--> connected
 *         |                               |
 *         | refused                       | lost
 *         v                               v
 *       waiting <-------------------------+        both: unless another try is useless
 *         |
 *         +--delay--> connecting                   any state: ended
 */

import { FullJitter, heed } from "./backoff.js";
import { SYSTEM_CLOCK, pause } from "./clock.js";
import { Emitter } from "./emitter.js";
import { PlazaError } from "./errors.js";
import { connect, disconnect } from "./signalling.js";

/**
 * @typedef {"idle" | "connecting" | "connected" | "waiting" | "ended"} MediaState
 *
 * @typedef {object} MediaEvents
 * @property {{state: MediaState, error: PlazaError | null}} state
 * @property {MediaStream} stream what comes from the server; of Whep alone
 *
 * @typedef {import("./signalling.js").Endpoint & {
 *   RTCPeerConnection?: typeof RTCPeerConnection,
 *   clock?: import("./clock.js").Clock,
 *   random?: () => number,
 * }} MediaOptions
 */

/** How long a connection may be without a sign of life before it is made anew, in seconds. */
const PATIENCE = 6;

/** @extends {Emitter<MediaEvents>} */
export class MediaLink extends Emitter {
  #options;
  #prepare;
  #backoff;
  #ended = false;
  #wake = () => {};
  /** The end of the connection before. @type {Promise<void>} */
  #leaving = Promise.resolve();
  /** @type {MediaState} */
  state = "idle";
  /** The connection there is. @type {RTCPeerConnection | null} */
  peer = null;
  /** Its session on the server. @type {import("./signalling.js").Resource | null} */
  resource = null;

  /**
   * @param {MediaOptions} options
   * @param {(peer: RTCPeerConnection) => void} prepare adds the transceivers
   */
  constructor(options, prepare) {
    super();
    this.#options = {
      RTCPeerConnection: globalThis.RTCPeerConnection,
      clock: SYSTEM_CLOCK,
      random: Math.random,
      ...options,
    };
    this.#prepare = prepare;
    this.#backoff = new FullJitter(this.#options.random, 0.5, 8);
  }

  /** Connect, and stay connected until `end`. Returns at once: listen to `state`. */
  start() {
    if (this.state === "idle") void this.#run();
  }

  /** End it, here and on the server. Idempotent. */
  end() {
    this.#ended = true;
    this.#wake();
  }

  /** Try now, if it is waiting. */
  retry() {
    if (this.state === "waiting") this.#wake();
  }

  /**
   * A session has begun: for subclasses.
   *
   * @param {import("./signalling.js").Resource} _resource
   */
  opened(_resource) {}

  async #run() {
    while (!this.#ended) {
      const error = await this.#attempt();
      if (this.#ended) break;
      if (error !== null && !error.mayRetry) {
        this.#ended = true;
        this.#report("ended", error);
        return;
      }
      this.#report("waiting", error);
      const asked = error?.retryAfter ?? null;
      const seconds =
        asked === null
          ? this.#backoff.next()
          : heed(asked, { random: this.#options.random, backoffBase: 0.5 });
      await this.#pause(seconds);
    }
    await this.#leaving;
    this.#report("ended", null);
  }

  /** Connect, and resolve when the connection is lost or was ended. */
  async #attempt() {
    this.#report("connecting", null);
    const peer = new this.#options.RTCPeerConnection({ bundlePolicy: "max-bundle" });
    this.peer = peer;
    let resource = null;
    try {
      this.#prepare(peer);
      resource = await connect(peer, this.#options);
      this.resource = resource;
      this.opened(resource);
      const gone = await this.#lost(peer);
      if (gone) resource = null;
      return null;
    } catch (error) {
      return error instanceof PlazaError
        ? error
        : new PlazaError("wire", `The browser refused: ${/** @type {Error} */ (error).message}`);
    } finally {
      this.peer = this.resource = null;
      // In this order: DELETE says that it is over, DTLS alone might be an accident.
      const told = resource === null ? Promise.resolve() : disconnect(resource, this.#options);
      this.#leaving = told.then(() => peer.close());
    }
  }

  /**
   * Wait until the connection is lost, or to be ended.
   *
   * @param {RTCPeerConnection} peer
   * @returns {Promise<boolean>} whether the server has ended the session
   */
  #lost(peer) {
    return new Promise((resolve) => {
      const { clock } = this.#options;
      // A server that ends a session closes DTLS, which connectionState does not show.
      const dtls = peer.getTransceivers()[0]?.receiver.transport ?? null;
      /** @type {unknown} */
      let timer = null;
      const over = () => {
        clock.cancel(timer);
        resolve(dtls?.state === "closed");
      };
      const look = () => {
        clock.cancel(timer);
        timer = null;
        const states = [peer.connectionState, dtls?.state];
        if (states.includes("failed") || states.includes("closed")) {
          over();
        } else if (peer.connectionState === "connected") {
          this.#backoff.reset();
          this.#report("connected", null);
        } else {
          timer = clock.after(over, PATIENCE);
        }
      };
      peer.addEventListener("connectionstatechange", look);
      dtls?.addEventListener("statechange", look);
      this.#wake = over;
      if (this.#ended) over();
      else look();
    });
  }

  /** @param {number} seconds */
  async #pause(seconds) {
    const waiting = pause(this.#options.clock, seconds);
    this.#wake = waiting.end;
    if (this.#ended) waiting.end();
    await waiting.over;
    this.#wake = () => {};
  }

  /** @param {MediaState} state @param {PlazaError | null} error */
  #report(state, error) {
    if (state === this.state && error === null) return;
    this.state = state;
    this.emit("state", { state, error });
  }
}
