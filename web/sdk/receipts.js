/** How far others have got: what they have read, and what has reached their devices. */

/** @typedef {import("./types.js").Receipt} Receipt */

export class Receipts {
  #read;
  /** @type {Map<string, Map<string, Receipt>>} */
  #rooms = new Map();

  /** @param {(room: string) => Promise<Receipt[]>} read asks the server */
  constructor(read) {
    this.#read = read;
  }

  /**
   * What is known of a room's members, by account.
   *
   * @param {string} room
   * @returns {ReadonlyMap<string, Receipt>}
   */
  of(room) {
    return this.#rooms.get(room) ?? new Map();
  }

  /**
   * Ask the server how far everybody has got; events keep it up from then on.
   *
   * @param {string} room
   * @returns {Promise<ReadonlyMap<string, Receipt>>}
   */
  async load(room) {
    for (const receipt of await this.#read(room)) this.#merge(room, receipt);
    return this.of(room);
  }

  /**
   * @param {string} room
   * @param {string} account
   * @param {number} seq
   */
  read(room, account, seq) {
    this.#merge(room, { account, read_seq: seq, delivered_seq: seq });
  }

  /**
   * @param {string} room
   * @param {string} account
   * @param {number} seq
   */
  delivered(room, account, seq) {
    this.#merge(room, { account, read_seq: 0, delivered_seq: seq });
  }

  /** @param {string} room */
  forget(room) {
    this.#rooms.delete(room);
  }

  /**
   * Markers never move back.
   *
   * @param {string} room
   * @param {Receipt} receipt
   */
  #merge(room, { account, read_seq, delivered_seq }) {
    let receipts = this.#rooms.get(room);
    if (receipts === undefined) this.#rooms.set(room, (receipts = new Map()));
    const known = receipts.get(account);
    receipts.set(account, {
      account,
      read_seq: Math.max(read_seq, known?.read_seq ?? 0),
      // What was read was delivered.
      delivered_seq: Math.max(delivered_seq, read_seq, known?.delivered_seq ?? 0),
    });
  }
}
