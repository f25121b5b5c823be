/**
 * One tab stop for a list; arrow keys, Home and End move inside (WAI-ARIA: roving tabindex).
 *
 * @param {HTMLElement} list
 * @param {string} selector of its items
 * @param {{horizontal?: boolean, columns?: number}} [options] columns: of a grid; arrows to the
 *   sides then move by one and those up and down by a row
 */
export function roving(list, selector, { horizontal = false, columns = 0 } = {}) {
  const items = () =>
    /** @type {HTMLElement[]} */ ([...list.querySelectorAll(selector)]).filter(
      (item) => item.offsetParent !== null,
    );
  list.addEventListener("keydown", (event) => {
    const all = items();
    const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (at < 0) return;
    const to = moved(event.key, at, all.length, { horizontal, columns });
    if (to === null) return;
    event.preventDefault();
    focusItem(all, all[to]);
  });
  list.addEventListener("focusin", (event) => {
    const item = /** @type {HTMLElement} */ (event.target).closest(selector);
    if (item) mark(items(), /** @type {HTMLElement} */ (item));
  });
}

/**
 * After the items have changed: exactly one of them is a tab stop.
 *
 * @param {HTMLElement} list
 * @param {string} selector
 * @param {string} [preferred] selector of the item that is to be it, if none is yet
 */
export function keepOneStop(list, selector, preferred = selector) {
  const all = /** @type {HTMLElement[]} */ ([...list.querySelectorAll(selector)]);
  const now = all.find((item) => item.contains(document.activeElement));
  const wanted = now ?? all.find((item) => item.matches(preferred)) ?? all[0];
  if (wanted) mark(all, wanted);
}

/** @param {HTMLElement[]} all @param {HTMLElement} item */
function focusItem(all, item) {
  mark(all, item);
  item.focus();
  item.scrollIntoView({ block: "nearest" });
}

/** @param {HTMLElement[]} all @param {HTMLElement} item */
function mark(all, item) {
  for (const other of all) other.tabIndex = other === item ? 0 : -1;
}

/**
 * @param {string} key
 * @param {number} at
 * @param {number} length
 * @param {{horizontal: boolean, columns: number}} shape
 */
function moved(key, at, length, { horizontal, columns }) {
  const step = columns || 1;
  const sideways = horizontal || columns > 0;
  const steps = {
    ArrowDown: horizontal ? 0 : step,
    ArrowUp: horizontal ? 0 : -step,
    ArrowRight: sideways ? 1 : 0,
    ArrowLeft: sideways ? -1 : 0,
  };
  if (key === "Home") return 0;
  if (key === "End") return length - 1;
  const by = steps[/** @type {keyof typeof steps} */ (key)];
  return by ? Math.min(length - 1, Math.max(0, at + by)) : null;
}
