/** What a view has begun and must end with it: listeners and timers. */
export class Scope {
  /** @type {(() => void)[]} */
  #ends = [];

  /**
   * Listen to an emitter of ours, the SDK's client, or anything of the DOM.
   *
   * @param {{on: Function} | EventTarget} source
   * @param {string} type
   * @param {(detail: any) => void} listener
   */
  on(source, type, listener) {
    if (source instanceof EventTarget) {
      source.addEventListener(type, listener);
      this.#ends.push(() => source.removeEventListener(type, listener));
    } else {
      this.#ends.push(source.on(type, listener));
    }
  }

  /** @param {number} milliseconds @param {() => void} action */
  every(milliseconds, action) {
    const timer = setInterval(action, milliseconds);
    this.#ends.push(() => clearInterval(timer));
  }

  /** @param {() => void} end called by close */
  add(end) {
    this.#ends.push(end);
  }

  close() {
    for (const end of this.#ends.splice(0)) end();
  }
}
