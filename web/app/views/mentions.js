/** While an @ is being typed: who of the room may be meant. */

import { fill, h } from "../dom/h.js";
import { avatar } from "./avatar.js";

const MOST = 6;
let numbers = 0;

/**
 * @param {import("../state/model.js").Model} model
 * @param {string} room
 * @param {HTMLTextAreaElement} text
 * @param {HTMLElement} box the list is shown above it
 * @returns {() => void} looks again: the members have become known
 */
export function completeMentions(model, room, text, box) {
  const name = `mentions-${++numbers}`;
  const list = h("ul", {
    class: "options mentions",
    role: "listbox",
    id: name,
    "aria-label": "Members",
    hidden: true,
  });
  box.append(list);
  text.setAttribute("aria-controls", name);
  /** @type {string[]} */
  let found = [];
  let at = 0;
  const render = () => {
    list.hidden = !found.length;
    if (found.length) text.setAttribute("aria-activedescendant", `${name}-${at}`);
    else text.removeAttribute("aria-activedescendant");
    fill(
      list,
      found.map((username, index) =>
        h(
          "li",
          {
            class: "option",
            role: "option",
            id: `${name}-${index}`,
            "aria-selected": String(index === at),
            on: {
              pointerdown: (/** @type {Event} */ event) => {
                event.preventDefault();
                take(index);
              },
            },
          },
          avatar(username, { size: "small" }),
          username,
        ),
      ),
    );
  };
  const look = () => {
    const begun = begunMention(text);
    found =
      begun === null
        ? []
        : model.members
            .of(room)
            .filter(
              ({ account, username }) => account !== model.own.id && username.startsWith(begun),
            )
            .slice(0, MOST)
            .map(({ username }) => username);
    at = 0;
    render();
  };
  const take = (/** @type {number} */ index) => {
    const end = text.selectionStart;
    const from = end - (begunMention(text)?.length ?? 0);
    text.setRangeText(`${found[index]} `, from, end, "end");
    found = [];
    render();
    text.dispatchEvent(new Event("input"));
  };
  text.addEventListener("input", look);
  text.addEventListener("blur", () => {
    found = [];
    render();
  });
  // Before the composer's own listener: Enter then chooses, and does not send.
  text.addEventListener(
    "keydown",
    (event) => {
      if (!found.length) return;
      if (event.key === "ArrowDown") at = (at + 1) % found.length;
      else if (event.key === "ArrowUp") at = (at + found.length - 1) % found.length;
      else if (event.key === "Enter" || event.key === "Tab") take(at);
      else if (event.key === "Escape") found = [];
      else return;
      event.preventDefault();
      event.stopImmediatePropagation();
      render();
    },
    { capture: true },
  );
  return () => {
    if (document.activeElement === text) look();
  };
}

/** The letters after an @ at the caret; null: none. @param {HTMLTextAreaElement} text */
function begunMention(text) {
  const before = text.value.slice(0, text.selectionStart);
  const match = /(?:^|[^\w@])@(\w{0,30})$/.exec(before);
  return match && text.selectionStart === text.selectionEnd ? match[1].toLowerCase() : null;
}
