/** A field that finds people by the beginning of their names (WAI-ARIA: combobox with a listbox). */

import { fill, h } from "../dom/h.js";
import { avatar } from "./avatar.js";

let numbers = 0;
const PAUSE = 150;

/**
 * @param {import("../state/model.js").Model} model
 * @param {string} label
 * @param {(user: {id: string, username: string}) => void} choose
 * @param {{hint?: string, without?: () => string[], autofocus?: boolean}} [options] without: ids not to offer
 */
export function peoplePicker(
  model,
  label,
  choose,
  { hint = "", without = () => [], autofocus = false } = {},
) {
  const name = `picker-${++numbers}`;
  const list = h("ul", {
    class: "options",
    role: "listbox",
    id: `${name}-list`,
    "aria-label": label,
  });
  const note = h("p", { class: "hint", role: "status" }, hint);
  const input = /** @type {HTMLInputElement} */ (
    h("input", {
      id: name,
      class: "input",
      type: "search",
      role: "combobox",
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
      "aria-expanded": "false",
      "aria-controls": `${name}-list`,
      "aria-autocomplete": "list",
      placeholder: "Beginning of a username",
      autofocus,
    })
  );
  /** @type {any[]} */
  let found = [];
  let at = 0;
  let turn = 0;
  const render = () => {
    input.setAttribute("aria-expanded", String(found.length > 0));
    input.setAttribute("aria-activedescendant", found.length ? `${name}-${at}` : "");
    fill(
      list,
      found.map((user, index) => option(user, index)),
    );
  };
  const option = (/** @type {any} */ user, /** @type {number} */ index) =>
    h(
      "li",
      {
        class: "option",
        role: "option",
        id: `${name}-${index}`,
        "aria-selected": String(index === at),
        on: {
          pointerdown: (/** @type {Event} */ event) => event.preventDefault(),
          click: () => take(index),
        },
      },
      avatar(user.username, { size: "small", presence: model.client.presence.of(user.id).state }),
      user.username,
    );
  const take = (/** @type {number} */ index) => {
    const user = found[index];
    if (!user) return;
    input.value = "";
    found = [];
    render();
    input.focus();
    choose(user);
  };
  const search = async () => {
    const mine = ++turn;
    const prefix = input.value.trim().replace(/^@/, "").toLowerCase();
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    if (mine !== turn) return;
    const users = prefix
      ? await model.rest.accounts.search(prefix, { limit: 8 }).catch(() => [])
      : [];
    if (mine !== turn) return;
    model.people.remember(users);
    found = users.filter(
      (/** @type {any} */ user) => user.id !== model.own.id && !without().includes(user.id),
    );
    at = 0;
    note.textContent = prefix && !found.length ? "Nobody found." : hint;
    render();
  };
  input.addEventListener("input", search);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") at = Math.min(at + 1, found.length - 1);
    else if (event.key === "ArrowUp") at = Math.max(at - 1, 0);
    else if (event.key === "Enter" && found.length) take(at);
    else return;
    event.preventDefault();
    render();
  });
  return h("div", { class: "field picker" }, h("label", { for: name }, label), input, note, list);
}
