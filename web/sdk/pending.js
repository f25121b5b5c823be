/**
 * Messages of one's own between the key press and the log.
 *
 *     sending --patience asked for--> waiting --> sending
 *        |                               |
 *        +--ok--> sent --event--> settled          (the event may come before the ok)
 *        +--refused--> failed --retry--> sending
 *                        +--discard--> discarded
 */

/**
 * @typedef {import("./types.js").PendingMessage} PendingMessage
 * @typedef {import("./errors.js").PlazaError} PlazaError
 */

export class PendingMessages {
  #changed;
  /** @type {Map<string, PendingMessage>} */
  #messages = new Map();

  /** @param {(message: PendingMessage) => void} changed */
  constructor(changed) {
    this.#changed = changed;
  }

  /**
   * Those of a room, oldest first.
   *
   * @param {string} room
   * @returns {PendingMessage[]}
   */
  of(room) {
    return [...this.#messages.values()].filter((message) => message.room === room);
  }

  /**
   * @param {string} nonce
   * @returns {PendingMessage | null}
   */
  get(nonce) {
    return this.#messages.get(nonce) ?? null;
  }

  /** @param {PendingMessage} message */
  put(message) {
    this.#messages.set(message.nonce, message);
    this.#changed(message);
    return message;
  }

  /**
   * @param {string} nonce
   * @param {Partial<PendingMessage>} change
   */
  update(nonce, change) {
    const message = this.#messages.get(nonce);
    if (message !== undefined) this.put({ ...message, ...change });
  }

  /**
   * It is not pending any more.
   *
   * @param {string} nonce
   * @param {"settled" | "discarded"} state
   * @param {number | null} [seq]
   */
  remove(nonce, state, seq = null) {
    const message = this.#messages.get(nonce);
    if (message === undefined) return;
    this.#messages.delete(nonce);
    this.#changed({ ...message, state, error: null, seq: seq ?? message.seq });
  }

  /**
   * Entries up to `seq` have been passed over: the events of what is in the log there do not come.
   *
   * @param {string} room
   * @param {number} seq
   */
  passed(room, seq) {
    for (const message of this.of(room)) {
      if (message.seq !== null && message.seq <= seq) this.remove(message.nonce, "settled");
    }
  }

  /**
   * A room is gone, and with it what was on its way there.
   *
   * @param {string} room
   */
  drop(room) {
    for (const message of this.of(room)) this.remove(message.nonce, "discarded");
  }
}
