/** Time, as something that a test can hand in. */

/**
 * @typedef {object} Clock
 * @property {() => number} now Unix time in milliseconds
 * @property {(task: () => void, seconds: number) => unknown} after runs the task once, later
 * @property {(timer: any) => void} cancel what `after` returned
 */

/** @type {Clock} */
export const SYSTEM_CLOCK = {
  now: () => Date.now(),
  after: (task, seconds) => setTimeout(task, seconds * 1000),
  cancel: (timer) => clearTimeout(timer),
};

/**
 * A promise that is kept after so many seconds, or earlier by calling `end`.
 *
 * @param {Clock} clock
 * @param {number} seconds
 */
export function pause(clock, seconds) {
  /** @type {() => void} */
  let end = () => {};
  const over = new Promise((/** @type {(value: void) => void} */ resolve) => {
    const timer = clock.after(resolve, seconds);
    end = () => {
      clock.cancel(timer);
      resolve();
    };
  });
  return { over, end };
}
