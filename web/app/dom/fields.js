/** Form fields with their label, hint and error tied together. */

import { h } from "./h.js";

let numbers = 0;

/**
 * @typedef {{
 *   element: HTMLElement,
 *   input: HTMLInputElement,
 *   fail: (message: string) => void,
 * }} Field  fail: shows an error at the field; an empty one takes it back
 */

/**
 * @param {string} label
 * @param {import("./h.js").Props} [props] of the input
 * @param {string} [hint]
 * @returns {Field}
 */
export function field(label, props = {}, hint = "") {
  const name = `field-${++numbers}`;
  const error = h("p", { class: "error", id: `${name}-error`, role: "alert" });
  const input = /** @type {HTMLInputElement} */ (
    h("input", {
      id: name,
      class: "input",
      "aria-describedby": `${name}-error ${name}-hint`,
      ...props,
    })
  );
  const element = h(
    "div",
    { class: "field" },
    h("label", { for: name }, label),
    input,
    error,
    h("p", { class: "hint", id: `${name}-hint` }, hint),
  );
  const fail = (/** @type {string} */ message) => {
    error.textContent = message;
    input.setAttribute("aria-invalid", String(!!message));
  };
  input.addEventListener("input", () => fail(""));
  return { element, input, fail };
}

/**
 * @param {string} label
 * @param {[value: string, text: string][]} options
 * @param {string} value
 * @param {(value: string) => void} change
 */
export function choice(label, options, value, change) {
  const name = `field-${++numbers}`;
  const select = /** @type {HTMLSelectElement} */ (
    h(
      "select",
      { id: name, class: "input" },
      options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)),
    )
  );
  select.addEventListener("change", () => change(select.value));
  return h("div", { class: "field" }, h("label", { for: name }, label), select);
}
