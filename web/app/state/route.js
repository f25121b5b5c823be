/**
 * Where one is, kept in the address, so that Back works and an address can be kept:
 *
 *     #/                         the list
 *     #/room/ID                  a conversation
 *     #/room/ID/info             with a panel beside it: info, pins, search, thread/SEQ
 *     #/room/ID/at/SEQ           at a message
 */

import { Emitter } from "./emitter.js";

/** Emits `change`. */
export class Route extends Emitter {
  /** @type {string | null} */
  room = null;
  /** @type {"" | "info" | "pins" | "search" | "thread"} */
  panel = "";
  /** @type {number | null} the first message of the thread */
  thread = null;
  /** @type {number | null} the message to show */
  at = null;

  constructor() {
    super();
    this.#read();
    addEventListener("hashchange", this.#changed);
  }

  close() {
    removeEventListener("hashchange", this.#changed);
  }

  /** @param {string | null} room */
  openRoom(room) {
    location.hash = room ? `#/room/${room}` : "#/";
  }

  /** @param {string} panel such as `info` or `thread/12`; empty: none */
  openPanel(panel) {
    if (this.room) location.hash = `#/room/${this.room}${panel ? `/${panel}` : ""}`;
  }

  /** @param {string} room @param {number} seq */
  openAt(room, seq) {
    const hash = `#/room/${room}/at/${seq}`;
    if (location.hash === hash) this.#changed();
    else location.hash = hash;
  }

  #changed = () => {
    this.#read();
    this.emit("change");
  };

  #read() {
    const [, word, room = "", panel = "", number = ""] = location.hash.split("/");
    this.room = word === "room" && /^\d+$/.test(room) ? room : null;
    const seq = /^\d+$/.test(number) ? Number(number) : null;
    this.panel = "";
    this.thread = this.at = null;
    if (panel === "at") this.at = seq;
    else if (panel === "thread" && seq) [this.panel, this.thread] = ["thread", seq];
    else if (panel === "info" || panel === "pins" || panel === "search") this.panel = panel;
  }
}
