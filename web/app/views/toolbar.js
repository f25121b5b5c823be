/**
 * The buttons at the message under the pointer or with the focus. There is one set for the whole
 * conversation, so hundreds of messages do not mean thousands of buttons.
 */

import { h, iconButton } from "../dom/h.js";

export class Toolbar {
  /** @type {any} */
  #message = null;

  /**
   * @param {HTMLElement} rows
   * @param {(seq: number) => any} find the message of a seq
   * @param {import("./actions.js").MessageActions} actions
   */
  constructor(rows, find, actions) {
    this.rows = rows;
    this.find = find;
    this.actions = actions;
    const act =
      (/** @type {(message: any, anchor: HTMLElement) => void} */ action) =>
      (/** @type {Event} */ event) => {
        event.stopPropagation();
        if (this.#message) action(this.#message, /** @type {HTMLElement} */ (event.currentTarget));
      };
    this.react = iconButton(
      "smile",
      "React",
      act((message, anchor) => actions.chooseReaction(message, anchor)),
    );
    this.edit = iconButton(
      "edit",
      "Edit",
      act((message) => actions.edit(message)),
    );
    this.reply = iconButton(
      "reply",
      "Reply",
      act((message) => actions.reply(message)),
    );
    this.thread = iconButton(
      "thread",
      "Open thread",
      act((message) => actions.openThread(message)),
    );
    this.more = iconButton(
      "more",
      "More about this message",
      act((message, anchor) => actions.openMore(message, anchor)),
      { "aria-haspopup": "menu" },
    );
    this.element = h(
      "div",
      { class: "toolbar", role: "toolbar", "aria-label": "Message" },
      this.react,
      this.reply,
      this.thread,
      this.edit,
      this.more,
    );
    // Not pointerover: rows that move under a pointer that rests are not pointed at.
    rows.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse" && !this.#isHeld()) this.#showAt(event.target);
    });
    rows.addEventListener("pointerup", (event) => {
      if (
        event.pointerType !== "mouse" &&
        !(/** @type {Element} */ (event.target).closest("a, button"))
      )
        this.#showAt(event.target);
    });
    rows.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse" && !this.#isHeld()) this.hide();
    });
    rows.addEventListener("focusin", (event) => this.#showAt(event.target));
    rows.addEventListener("keydown", (event) => this.#key(event));
  }

  /** A row may have been made anew. */
  refresh() {
    if (!this.#message) return;
    const row = this.rows.querySelector(`[data-seq="${this.#message.seq}"]`);
    if (row) this.#showAt(row);
    else this.hide();
  }

  hide() {
    this.#message = null;
    this.element.remove();
  }

  /** While a menu of it is open, it stays where it is. */
  #isHeld() {
    return this.element.isConnected && !!this.element.querySelector("[aria-expanded=true]");
  }

  /** @param {EventTarget | null} target */
  #showAt(target) {
    const row = /** @type {HTMLElement | null} */ (
      /** @type {Element} */ (target).closest("[data-seq]")
    );
    const message = row && this.find(Number(row.dataset.seq));
    if (!row || !message || message.deleted) return this.hide();
    this.#message = message;
    this.edit.hidden = !this.actions.isOwn(message);
    this.thread.hidden = this.actions.inThread;
    if (this.element.parentElement !== row) row.append(this.element);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const row = /** @type {HTMLElement} */ (event.target);
    if (event.key === "Escape" && this.element.contains(row)) {
      event.preventDefault();
      return void this.element.parentElement?.focus();
    }
    if (
      !row.matches("[data-seq]") ||
      !this.#message ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey
    )
      return;
    const action = this.#keys[event.key];
    if (!action) return;
    event.preventDefault();
    action(this.#message);
  }

  /** @type {Record<string, (message: any) => void>} of a message with the focus */
  #keys = {
    Enter: () => this.react.focus(),
    r: (message) => this.actions.reply(message),
    t: (message) => !this.actions.inThread && this.actions.openThread(message),
    e: (message) => this.actions.isOwn(message) && this.actions.edit(message),
    "+": (message) => this.actions.chooseReaction(message, this.react),
    Delete: (message) => this.actions.mayDelete(message) && void this.actions.remove(message),
  };
}
