/** Ctrl+K: to any conversation or person by a few letters. */

import { openDialog } from "../dom/dialog.js";
import { fill, h } from "../dom/h.js";
import { tried } from "../dom/toast.js";
import { avatar, roomAvatar } from "./avatar.js";

const MOST = 8;
const PAUSE = 150;

let open = false;

/** @param {import("../state/model.js").Model} model */
export function openSwitcher(model) {
  if (open) return;
  open = true;
  openDialog("Go to", (close) => new Switcher(model, close).elements, {
    class: "switcher",
    onClose: () => (open = false),
  });
}

class Switcher {
  /** @type {{label: string, hint: string, avatar: Node, go: () => void}[]} */
  #found = [];
  #at = 0;
  #turn = 0;

  /** @param {import("../state/model.js").Model} model @param {() => void} close */
  constructor(model, close) {
    this.model = model;
    this.close = close;
    this.input = /** @type {HTMLInputElement} */ (
      h("input", {
        class: "input",
        type: "search",
        role: "combobox",
        autofocus: true,
        autocomplete: "off",
        autocapitalize: "none",
        spellcheck: "false",
        "aria-label": "Person or room",
        placeholder: "Person or room",
        "aria-controls": "switcher-list",
        "aria-expanded": "true",
        "aria-autocomplete": "list",
        on: {
          input: () => void this.#search(),
          keydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
        },
      })
    );
    this.list = h("ul", {
      class: "options",
      role: "listbox",
      id: "switcher-list",
      "aria-label": "Found",
    });
    this.elements = [this.input, this.list];
    this.#rooms("");
    this.#render();
  }

  async #search() {
    const turn = ++this.#turn;
    const text = this.input.value.trim().toLowerCase();
    this.#at = 0;
    this.#rooms(text);
    this.#render();
    if (!text) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    if (turn !== this.#turn) return;
    const users = await this.model.rest.accounts
      .search(text.replace(/^@/, ""), { limit: MOST })
      .catch(() => []);
    if (turn !== this.#turn) return;
    this.model.people.remember(users);
    this.#people(users);
    this.#render();
  }

  /** @param {string} text */
  #rooms(text) {
    const { model } = this;
    const ranked = model.rooms().filter((room) => model.titleOf(room).toLowerCase().includes(text));
    ranked.sort((one, other) => Number(begins(other)) - Number(begins(one)));
    /** @param {any} room */
    function begins(room) {
      return model.titleOf(room).toLowerCase().startsWith(text);
    }
    this.#found = ranked.slice(0, MOST).map((room) => ({
      label: model.titleOf(room),
      hint: room.unread ? `${room.unread} unread` : room.kind === "dm" ? "" : room.kind,
      avatar: roomAvatar(model, room, "small"),
      go: () => model.route.openRoom(room.id),
    }));
  }

  /** @param {any[]} users those that one has no conversation with yet */
  #people(users) {
    const { model } = this;
    const met = new Set([...model.client.rooms.values()].map((room) => room.peer?.id));
    for (const user of users) {
      if (user.id === model.own.id || met.has(user.id)) continue;
      this.#found.push({
        label: user.username,
        hint: "Begin a conversation",
        avatar: avatar(user.username, { size: "small" }),
        go: () => void tried(model.openDm(user.id)),
      });
    }
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "ArrowDown") this.#at = Math.min(this.#at + 1, this.#found.length - 1);
    else if (event.key === "ArrowUp") this.#at = Math.max(this.#at - 1, 0);
    else if (event.key === "Enter") this.#go(this.#at);
    else return;
    event.preventDefault();
    this.#render();
  }

  /** @param {number} at */
  #go(at) {
    const found = this.#found[at];
    if (!found) return;
    this.close();
    found.go();
  }

  #render() {
    this.input.setAttribute(
      "aria-activedescendant",
      this.#found.length ? `switcher-${this.#at}` : "",
    );
    const none = h(
      "li",
      { class: "option none", role: "option", "aria-disabled": "true", "aria-selected": "false" },
      "Nothing found.",
    );
    fill(
      this.list,
      this.#found.length
        ? this.#found.map((found, at) =>
            h(
              "li",
              {
                class: "option",
                role: "option",
                id: `switcher-${at}`,
                "aria-selected": String(at === this.#at),
                on: { click: () => this.#go(at) },
              },
              found.avatar,
              h("span", { dir: "auto" }, found.label),
              h("span", { class: "hint" }, found.hint),
            ),
          )
        : none,
    );
    this.list.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }
}
