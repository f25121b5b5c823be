/**
 * Bring a container's children in line with a list, with as few changes as possible: an element
 * stays while its item is the same, so focus, selection and scroll position stay as well.
 *
 * @template T
 * @param {Element} container nothing else may put children into it
 * @param {T[]} items
 * @param {{
 *   key: (item: T) => string,
 *   same: (one: T, other: T) => boolean,
 *   make: (item: T) => HTMLElement,
 * }} how
 */
export function keyed(container, items, { key, same, make }) {
  const before = known.get(container) ?? new Map();
  const after = new Map();
  const focused = document.activeElement;
  let place = container.firstElementChild;
  for (const item of items) {
    const name = key(item);
    const old = before.get(name);
    const element = old && same(old.item, item) ? old.element : make(item);
    element.dataset.key = name;
    after.set(name, { item, element });
    if (old && old.element !== element) {
      handOver(old.element, element);
      if (place === old.element) place = element;
    }
    if (place === element) place = element.nextElementSibling;
    else container.insertBefore(element, place);
  }
  for (const [name, { element }] of before) {
    if (after.get(name)?.element !== element) element.remove();
  }
  known.set(container, after);
  // An element that was moved has lost the focus on the way.
  if (focused instanceof HTMLElement && container.contains(focused)) {
    focused.focus({ preventScroll: true });
  }
}

/** @type {WeakMap<Element, Map<string, {item: any, element: HTMLElement}>>} */
const known = new WeakMap();

/**
 * Take an element's place, and its focus.
 *
 * @param {HTMLElement} old
 * @param {HTMLElement} element
 */
function handOver(old, element) {
  const focused = old.contains(document.activeElement);
  if (old.isConnected) old.replaceWith(element);
  if (focused) element.focus({ preventScroll: true });
}
