/** Full-text search, in this conversation or everywhere. */

import { choice, field } from "../dom/fields.js";
import { button, fill, h } from "../dom/h.js";
import { foundMessage } from "./found.js";
import { enterPanel, panel } from "./panel.js";

const PAUSE = 250;

/** @param {import("../state/model.js").Model} model @param {string} room */
export function searchPanel(model, room) {
  const search = new Search(model, room);
  return {
    element: search.element,
    start: () => enterPanel(search.form),
    close: () => search.close(),
  };
}

class Search {
  #turn = 0;
  #everywhere = false;

  /** @param {import("../state/model.js").Model} model @param {string} room */
  constructor(model, room) {
    this.model = model;
    this.room = room;
    this.words = field("Words", { type: "search", autocomplete: "off" });
    this.from = field("From", {
      placeholder: "username",
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
    });
    this.before = field("Before", { type: "date" });
    const where = choice(
      "In",
      [
        ["here", "this conversation"],
        ["all", "all conversations"],
      ],
      "here",
      (value) => {
        this.#everywhere = value === "all";
        void this.#search();
      },
    );
    this.list = h("ul", { class: "found-list" });
    this.note = h("p", { class: "hint pad", role: "status" }, "Type a word that was said.");
    this.more = h("div", { class: "pad" });
    this.form = h(
      "form",
      { class: "search-form", role: "search" },
      this.words.element,
      h("div", { class: "row" }, where, this.from.element, this.before.element),
    );
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#search();
    });
    this.form.addEventListener("input", () => void this.#search());
    this.element = panel(
      model,
      "Search",
      this.form,
      h("div", { class: "panel-scroll" }, this.note, this.list, this.more),
    );
  }

  close() {
    this.#turn++;
  }

  async #search() {
    const turn = ++this.#turn;
    const text = this.words.input.value.trim();
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    if (turn !== this.#turn) return;
    fill(this.list);
    fill(this.more);
    this.note.textContent = text ? "Searching …" : "Type a word that was said.";
    if (text) await this.#page(turn, text);
  }

  /** @param {number} turn @param {string} text @param {string} [cursor] */
  async #page(turn, text, cursor) {
    try {
      const page = await this.model.rest.rooms.search(text, {
        ...this.#filters(),
        cursor,
        limit: 20,
      });
      if (turn !== this.#turn) return;
      for (const hit of page.items) this.list.append(this.#hit(hit));
      this.note.textContent = this.list.hasChildNodes() ? "" : "Nothing found.";
      fill(
        this.more,
        page.next_cursor
          ? button("More", () => this.#page(turn, text, page.next_cursor), { class: "small" })
          : null,
      );
    } catch (error) {
      if (turn === this.#turn) this.note.textContent = /** @type {Error} */ (error).message;
    }
  }

  #filters() {
    const name = this.from.input.value.trim().replace(/^@/, "").toLowerCase();
    const before = this.before.input.value;
    return {
      in: this.#everywhere ? undefined : this.room,
      from: /^\w+$/.test(name) ? name : undefined,
      // A day here, not in Greenwich.
      before: before ? new Date(`${before}T00:00`).toISOString() : undefined,
    };
  }

  /** @param {any} hit */
  #hit({ room, message, fragments }) {
    const known = this.model.client.rooms.get(typeof room === "string" ? room : room.id);
    return foundMessage(this.model, message, {
      fragments,
      where: known && this.#everywhere ? this.model.titleOf(known) : "",
    });
  }
}
