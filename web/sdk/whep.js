/** Watch a live stream: WHEP. */

import { MediaLink } from "./media_link.js";
import { ask } from "./signalling.js";

/**
 * One layer of a simulcast.
 *
 * @typedef {object} StreamLayer
 * @property {string} rid its name
 * @property {number} bitrate in bits per second
 * @property {number | null} [width]
 * @property {number | null} [height]
 */

const EXTENSION = "urn:ietf:params:whep:ext:core";
/** What an event is waited for, in milliseconds: without a choice of layers none comes. */
const PATIENCE = 2_000;

/**
 * One viewer of one stream.
 *
 *     const whep = new Whep({ url: "/whep/118", token: rest.session.accessToken });
 *     whep.on("stream", (stream) => (video.srcObject = stream));
 *     whep.start();
 */
export class Whep extends MediaLink {
  #options;
  /** The layer that was chosen by hand. @type {string | null} */
  layer = null;

  /** @param {import("./media_link.js").MediaOptions} options */
  constructor(options) {
    super(options, (peer) => {
      const stream = new MediaStream();
      for (const kind of ["video", "audio"]) peer.addTransceiver(kind, { direction: "recvonly" });
      peer.addEventListener("track", ({ track }) => {
        stream.addTrack(track);
        this.emit("stream", stream);
      });
    });
    this.#options = options;
  }

  /**
   * The layers that there are to choose from, low to high.
   *
   * @returns {Promise<StreamLayer[]>} none: there is no choice, or no connection
   */
  async layers() {
    const url = this.resource?.links[`${EXTENSION}:server-sent-events`];
    if (url === undefined) return [];
    const made = await ask(this.#options, "POST", url, {
      headers: { "Content-Type": "application/json" },
      body: '["layers"]',
    });
    const events = new URL(made.headers.get("Location") ?? "", url).href;
    try {
      return await firstLayers(await ask(this.#options, "GET", events, {}));
    } finally {
      await ask(this.#options, "DELETE", events, {}).catch(() => {});
    }
  }

  /**
   * Have one layer, also after a reconnect, for as long as it is sent.
   *
   * @param {string | null} rid null: whichever suits the line
   */
  async choose(rid) {
    this.layer = rid;
    const url = this.resource?.links[`${EXTENSION}:layer`];
    if (url === undefined) return;
    await ask(this.#options, "POST", url, {
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(rid === null ? {} : { rid }),
    });
  }

  /** A new session knows nothing of what was chosen in the one before. */
  opened() {
    if (this.layer !== null) this.choose(this.layer).catch(() => {});
  }
}

/**
 * The first event of a stream that has events about layers alone.
 *
 * @param {Response} response
 * @returns {Promise<StreamLayer[]>}
 */
async function firstLayers(response) {
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  const timer = setTimeout(() => void reader.cancel(), PATIENCE);
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return [];
      text += decoder.decode(value, { stream: true });
      const found = /^data: ?(.*)\n\n/m.exec(text);
      if (found !== null) return Object.values(JSON.parse(found[1])).flat();
    }
  } finally {
    clearTimeout(timer);
    void reader.cancel().catch(() => {});
  }
}
