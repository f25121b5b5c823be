/**
 * Where one is, kept in the address, so that Back works and an address can be kept:
 *
 *     #/                         the list
 *     #/room/ID                  a conversation
 *     #/room/ID/info             with a panel beside it: info, pins, search, thread/SEQ
 *     #/room/ID/at/SEQ           at a message
 *     #/room/ID/at/SEQ/search    at one that was found in a panel
 */

import { Emitter } from "./emitter.js";

const BESIDE = "(min-width: 1101px)"; // as in styles/shell.css

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

  /** Where there is room for both, the list that it was found in stays. @param {string} room @param {number} seq */
  openAt(room, seq) {
    const stays = room === this.room && this.panel && !this.thread && matchMedia(BESIDE).matches;
    const hash = `#/room/${room}/at/${seq}${stays ? `/${this.panel}` : ""}`;
    if (location.hash === hash) this.#changed();
    else location.hash = hash;
  }

  #changed = () => {
    this.#read();
    this.emit("change");
  };

  #read() {
    const [, word, room = "", panel = "", number = "", list = ""] = location.hash.split("/");
    this.room = word === "room" && /^\d+$/.test(room) ? room : null;
    const seq = /^\d+$/.test(number) ? Number(number) : null;
    this.panel = "";
    this.thread = this.at = null;
    if (panel === "at") {
      this.at = seq;
      if (list === "pins" || list === "search") this.panel = list;
    } else if (panel === "thread" && seq) [this.panel, this.thread] = ["thread", seq];
    else if (panel === "info" || panel === "pins" || panel === "search") this.panel = panel;
  }
}
