/**
 * The messages of a conversation, and the scrolling: older pages in front without a jump, at the
 * newest message while one is there, a way back when one is not.
 */

import { button, h, icon } from "../dom/h.js";
import { keyed } from "../dom/keyed.js";
import { later } from "../dom/later.js";
import { keepOneStop, roving } from "../dom/roving.js";
import { rowsOf, sameRow } from "../state/rows.js";
import { rowView } from "./message.js";
import { Toolbar } from "./toolbar.js";

const NEAR = 48; // pixels from the end that count as being there
const AHEAD = 900; // pixels before the edge at which the next page is loaded
const FLASH = 2500;
const ANCHORS = 4;

export class Log {
  #stuck = true; // at the newest message, and to stay there
  /** @type {number | null} */
  #wanted = null; // the message to bring into view once it is there
  /** @type {number | null} */
  #found = null;
  /** @type {Set<number>} */
  #revealed = new Set();
  /** @type {number | null} */
  #unreadAfter = null;
  #toUnread = false;
  #frame;

  /**
   * @param {import("./message.js").Place} place
   * @param {import("../state/timeline.js").Timeline} timeline
   * @param {import("./actions.js").MessageActions} actions
   * @param {{
   *   pending: () => any[],
   *   quoteOf: (seq: number) => any,
   *   tickOf: (message: any) => string,
   *   seenBy: (message: any) => string,
   *   seen: (seq: number) => void,
   *   unread: () => number,
   * }} given seenBy: a line under the newest message; seen: called when entries up to a seq have
   *   been in view; unread: what the button to the newest message shows
   */
  constructor(place, timeline, actions, given) {
    this.place = { ...place, reveal: (/** @type {number} */ seq) => this.#reveal(seq) };
    this.timeline = timeline;
    this.given = given;
    this.rows = h("div", { class: "log-rows" });
    this.top = h("p", { class: "log-edge hint", role: "status" });
    this.foot = h("p", { class: "seen" });
    this.scroller = h(
      "div",
      { class: "log", role: "log", "aria-live": "off", "aria-label": "Messages", tabIndex: 0 },
      this.top,
      this.rows,
      this.foot,
    );
    this.count = h("span", { class: "badge strong" });
    this.down = h(
      "button",
      { type: "button", class: "to-newest", hidden: true, on: { click: () => this.toNewest() } },
      icon("down"),
      this.count,
      h("span", { class: "unseen" }, "To the newest message"),
    );
    this.element = h("div", { class: "log-frame" }, this.scroller, this.down);
    this.toolbar = new Toolbar(this.rows, (seq) => this.timeline.find(seq), actions);
    this.render = later(() => this.#render());
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    roving(this.rows, "[data-stop]");
    this.#frame = new ResizeObserver(() => this.#stuck && this.#toEnd());
    this.#frame.observe(this.scroller);
    this.#frame.observe(this.rows);
  }

  /** Begin below what has been read. @param {number | null} seq the last one read; null: at the end */
  startAfter(seq) {
    this.#unreadAfter = seq;
    this.#toUnread = seq !== null;
    this.#stuck = seq === null;
  }

  /** Forget the line above what was new. */
  endUnread() {
    this.#unreadAfter = null;
    this.render();
  }

  toNewest() {
    this.#stuck = true;
    this.#wanted = null;
    if (this.timeline.atEnd) this.#toEnd();
    else void this.timeline.newest();
  }

  /** Bring a message into view, wherever it is. @param {number} seq */
  jump(seq) {
    this.#stuck = false;
    this.#toUnread = false;
    this.#wanted = seq;
    if (this.timeline.find(seq)) this.#render();
    else void this.timeline.around(seq);
  }

  /** The one that the up arrow edits. */
  lastOwn() {
    return (
      this.timeline.entries.findLast(
        ({ t, sender, deleted }) =>
          t === "message" && !deleted && sender === this.place.model.own.id,
      ) ?? null
    );
  }

  close() {
    this.#frame.disconnect();
  }

  #render() {
    const { timeline, given, place } = this;
    const { model } = place;
    const anchors = this.#anchors();
    const rows = rowsOf({
      entries: timeline.entries,
      pending: timeline.atEnd ? given.pending() : [],
      own: model.own.id,
      unreadAfter: this.#unreadAfter,
      isHidden: (account) => model.isHidden(account),
      isRevealed: (seq) => this.#revealed.has(seq),
      tickOf: given.tickOf,
      nameOf: (account) => model.people.name(account),
      quoteOf: given.quoteOf,
      found: this.#found,
    });
    keyed(this.rows, rows, {
      key: (row) => row.key,
      same: sameRow,
      make: (row) => rowView(this.place, row),
    });
    keepOneStop(this.rows, "[data-stop]", "[data-stop]:last-child");
    this.toolbar.refresh();
    this.#edges();
    this.#place(anchors);
    this.#scrolled();
  }

  #edges() {
    const { timeline } = this;
    const last = timeline.atEnd ? timeline.entries.at(-1) : null;
    this.foot.textContent = last?.t === "message" ? this.given.seenBy(last) : "";
    this.top.replaceChildren();
    if (timeline.error) {
      this.top.append(
        `${timeline.error.message} `,
        button("Try again", () => this.#retry(), { class: "small" }),
      );
    } else if (timeline.loading && timeline.loading !== "newer") {
      this.top.append("Loading …");
    }
  }

  #retry() {
    if (!this.timeline.entries.length) void this.timeline.newest();
    else void this.timeline.older();
  }

  /**
   * The first rows in view, and where they are.
   *
   * @returns {{key: string, top: number}[]} several, because one of them may go
   */
  #anchors() {
    const edge = this.scroller.getBoundingClientRect().top;
    const found = [];
    for (const row of /** @type {Iterable<HTMLElement>} */ (this.rows.children)) {
      const { top, bottom } = row.getBoundingClientRect();
      if (bottom > edge) found.push({ key: row.dataset.key ?? "", top });
      if (found.length === ANCHORS) break;
    }
    return found;
  }

  /** @param {{key: string, top: number}[]} anchors from before the change */
  #place(anchors) {
    if (this.#wanted !== null && this.#show(this.#wanted)) return;
    if (this.#toUnread && this.timeline.entries.length && !this.timeline.loading) {
      this.#toUnread = false;
      const line = this.rows.querySelector(".unread-line");
      if (line) line.scrollIntoView({ block: "start" });
      else this.#stuck = true;
      if (line) this.scroller.scrollTop -= 24;
    }
    if (this.#stuck) return this.#toEnd();
    for (const { key, top } of anchors) {
      const row = this.rows.querySelector(`[data-key="${key}"]`);
      if (!row) continue;
      this.scroller.scrollTop += row.getBoundingClientRect().top - top;
      return;
    }
  }

  /** @param {number} seq */
  #show(seq) {
    const row = /** @type {HTMLElement | null} */ (this.rows.querySelector(`[data-seq="${seq}"]`));
    if (!row) {
      if (!this.timeline.loading) this.#wanted = null;
      return false;
    }
    this.#wanted = null;
    row.scrollIntoView({ block: "center" });
    row.focus({ preventScroll: true });
    this.#found = seq;
    row.classList.add("found");
    setTimeout(() => {
      this.#found = null;
      this.render();
    }, FLASH);
    return true;
  }

  #toEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  #scrolled() {
    const { scroller, timeline } = this;
    const below = scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;
    const atEnd = timeline.atEnd && below < NEAR;
    if (!timeline.loading && timeline.entries.length && this.#wanted === null) {
      this.#stuck = atEnd;
      if (scroller.scrollTop < AHEAD) void timeline.older();
      if (below < AHEAD) void timeline.newer();
    }
    this.down.hidden = atEnd || !timeline.entries.length || (timeline.atEnd && below < 200);
    const unread = this.given.unread();
    this.count.hidden = !unread;
    this.count.textContent = String(unread);
    const seen = atEnd ? timeline.high : this.#lastInView();
    if (seen) this.given.seen(seen);
  }

  /** The seq of the last message whose end is in view. */
  #lastInView() {
    const edge = this.scroller.getBoundingClientRect().bottom;
    const rows = /** @type {NodeListOf<HTMLElement>} */ (this.rows.querySelectorAll("[data-seq]"));
    for (let at = rows.length - 1; at >= 0; at--) {
      if (rows[at].getBoundingClientRect().bottom <= edge) return Number(rows[at].dataset.seq);
    }
    return 0;
  }

  /** @param {number} seq */
  #reveal(seq) {
    this.#revealed.add(seq);
    this.render();
  }
}
