/**
 * The one way elements are made. Text becomes text nodes, never markup.
 */

const SVG = "http://www.w3.org/2000/svg";

/** What an element has as a property rather than as an attribute. */
const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "selected", "tabIndex"]);

/**
 * @typedef {Node | string | number | null | undefined | false | any[]} Child
 * @typedef {Record<string, unknown> & {
 *   class?: string,
 *   dataset?: Record<string, string>,
 *   on?: Record<string, (event: any) => void>,
 * }} Props
 */

/**
 * Make an element.
 *
 * @param {string} tag its name
 * @param {Props} [props] attributes, a few properties, `dataset`, and listeners in `on`. `null`,
 *   `undefined` and `false` leave an attribute out; `true` sets it empty.
 * @param {...Child} children strings become text; null, undefined and false nothing
 * @returns {HTMLElement}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) set(element, name, value);
  append(element, children);
  return element;
}

/**
 * Replace everything in an element.
 *
 * @param {Element} element
 * @param {...Child} children
 */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
}

/**
 * An icon of icons.svg; decoration, so name the button that contains it.
 *
 * @param {string} name
 * @param {string} [size] "small", or the default
 */
export function icon(name, size = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon ${size}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/**
 * A button that shows an icon and is called by its label.
 *
 * @param {string} name of the icon
 * @param {string} label
 * @param {(event: MouseEvent) => void} action
 * @param {Props} [props]
 * @returns {HTMLButtonElement}
 */
export function iconButton(name, label, action, props = {}) {
  const { class: extra = "", ...rest } = props;
  const element = h(
    "button",
    {
      type: "button",
      class: `icon-button ${extra}`.trim(),
      "aria-label": label,
      title: label,
      on: { click: action },
      ...rest,
    },
    icon(name),
  );
  return /** @type {HTMLButtonElement} */ (element);
}

/**
 * A button with words.
 *
 * @param {string} label
 * @param {(event: MouseEvent) => void} action
 * @param {Props} [props]
 */
export function button(label, action, props = {}) {
  const { class: extra = "", ...rest } = props;
  return h(
    "button",
    { type: "button", class: `button ${extra}`.trim(), on: { click: action }, ...rest },
    label,
  );
}

/** @param {Element} element @param {string} name @param {unknown} value */
function set(element, name, value) {
  if (name === "on") {
    for (const [event, listener] of Object.entries(/** @type {object} */ (value))) {
      element.addEventListener(event, listener);
    }
  } else if (name === "dataset") {
    Object.assign(/** @type {HTMLElement} */ (element).dataset, value);
  } else if (PROPERTIES.has(name)) {
    /** @type {any} */ (element)[name] = value;
  } else if (value !== null && value !== undefined && value !== false) {
    element.setAttribute(name, value === true ? "" : String(value));
  }
}

/** @param {Element} element @param {Child[]} children */
function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}
