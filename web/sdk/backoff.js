/**
 * How long to wait before the next try: exponential backoff with full jitter, a uniform draw from
 * zero to the exponential bound. After a restart all clients of a server come back; what spreads
 * them is randomness, not waiting.
 */
export class FullJitter {
  #random;
  #base;
  #cap;
  #bound;

  /**
   * @param {() => number} random uniform on [0, 1)
   * @param {number} base bound of the first delay, in seconds; it doubles with every try
   * @param {number} cap bound of all delays, in seconds
   */
  constructor(random, base, cap) {
    if (!(base > 0 && base <= cap)) {
      throw new RangeError(`0 < base <= cap must hold, not ${base} and ${cap}`);
    }
    this.#random = random;
    this.#base = base;
    this.#cap = cap;
    this.#bound = base;
  }

  /** The seconds to wait before the next try. */
  next() {
    const bound = this.#bound;
    this.#bound = Math.min(this.#cap, 2 * bound);
    return this.#random() * bound;
  }

  /** Start over: a try has succeeded. */
  reset() {
    this.#bound = this.#base;
  }
}

/** Bound of what is waited because the server asks for it, in seconds. */
const HEED = 120;

/**
 * How long to wait when the server asks to wait so long: that, and up to half as much. Whoever was
 * told the same should not come at the same moment.
 *
 * @param {number} retryAfter in seconds
 * @param {{random: () => number, backoffBase: number}} options
 */
export function heed(retryAfter, { random, backoffBase }) {
  const seconds = Math.min(retryAfter, HEED);
  return seconds + random() * Math.max(backoffBase, seconds / 2);
}
