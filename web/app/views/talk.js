/** Messages and composer of a room, or of a thread in it. */

import { h } from "../dom/h.js";
import { Quotes } from "../state/quotes.js";
import { Scope } from "../state/scope.js";
import { Timeline } from "../state/timeline.js";
import { MessageActions, readersOf } from "./actions.js";
import { Composer } from "./composer.js";
import { Log } from "./log.js";
import { typingLine } from "./typing.js";

const MANY = 40; // unread ones that are not all on the newest page
const NAMED = 4;

export class Talk {
  /**
   * @param {import("../state/model.js").Model} model
   * @param {string} room
   * @param {number | null} [thread] the seq of its first message
   */
  constructor(model, room, thread = null) {
    this.model = model;
    this.roomId = room;
    this.thread = thread;
    this.scope = new Scope();
    this.timeline = new Timeline(model.client, room, thread);
    this.quotes = new Quotes(model.client, room);
    this.composer = new Composer(model, room, {
      thread,
      lastOwn: () => this.log.lastOwn(),
      sent: () => {
        this.log.endUnread();
        this.log.toNewest();
      },
    });
    const actions = new MessageActions(model, room, this.composer, thread !== null);
    /** @type {Log} */
    this.log = new Log(this.#place(actions), this.timeline, actions, {
      pending: () => this.#pending(),
      quoteOf: (seq) => this.timeline.find(seq) ?? this.quotes.of(seq),
      tickOf: (message) => this.#tick(message),
      seenBy: (message) => this.#seenBy(message),
      seen: (seq) => this.#seen(seq),
      unread: () => (thread === null ? (this.room?.unread ?? 0) : 0),
    });
    const typing = typingLine(model, room, thread, this.scope);
    this.element = h("div", { class: "talk" }, this.log.element, typing, this.composer.element);
    this.#follow();
  }

  get room() {
    return this.model.client.rooms.get(this.roomId);
  }

  /** @param {number | null} [at] the message to begin with */
  start(at = null) {
    const { room } = this;
    this.composer.render(); // only in the page has it a size
    void this.model.client.receipts.load(this.roomId).catch(() => {});
    if (at !== null) return this.log.jump(at);
    if (this.thread === null && room?.unread) this.log.startAfter(room.read_seq);
    if (this.thread === null && room?.unread > MANY && room.read_seq)
      void this.timeline.around(room.read_seq);
    else void this.timeline.newest();
  }

  close() {
    this.scope.close();
    this.composer.close();
    this.log.close();
  }

  #follow() {
    const { client, people } = this.model;
    const { log, scope } = this;
    const mine = (/** @type {(detail: any) => void} */ action) => (/** @type {any} */ detail) => {
      if (detail.room === this.roomId || detail.id === this.roomId) action(detail);
    };
    scope.on(this.timeline, "change", log.render);
    scope.on(this.quotes, "change", log.render);
    scope.on(people, "change", log.render);
    scope.on(
      client,
      "event",
      mine((event) => {
        this.timeline.apply(event);
        this.quotes.apply(event);
      }),
    );
    scope.on(
      client,
      "gap",
      mine(() => void this.timeline.newest()),
    );
    for (const type of ["pending", "read", "delivered"]) scope.on(client, type, mine(log.render));
    scope.on(client, "relation", log.render);
    scope.on(
      client,
      "room",
      mine(() => {
        this.composer.render();
        log.render();
      }),
    );
    scope.on(client, "status", ({ state }) => {
      if (state === "connected" && this.timeline.error) void this.timeline.newest();
    });
    scope.on(document, "visibilitychange", log.render);
    scope.on(window, "focus", log.render);
    scope.every(30_000, () => this.composer.render()); // a mute may have run out
    scope.on(this.model.members, "change", (/** @type {string} */ id) => {
      if (id === this.roomId) this.composer.complete();
    });
  }

  /** @param {MessageActions} actions @returns {import("./message.js").Place} */
  #place(actions) {
    const talk = this;
    return {
      model: this.model,
      get room() {
        return talk.room ?? { kind: "group" };
      },
      inThread: this.thread !== null,
      react: (message, emoji) => actions.react(message, emoji),
      openThread: (seq) => this.model.route.openPanel(`thread/${seq}`),
      jump: (seq) => this.log.jump(seq),
      reveal: () => {},
    };
  }

  /** What is shown until the log has it. */
  #pending() {
    const known = new Set(
      this.timeline.entries.filter(({ nonce }) => nonce).map(({ nonce }) => nonce),
    );
    return this.model.client.pending
      .of(this.roomId)
      .filter(
        (/** @type {any} */ one) =>
          !["settled", "discarded"].includes(one.state) && !known.has(one.nonce),
      )
      .filter(
        (/** @type {any} */ one) =>
          this.thread === null || one.reply_to === this.thread || this.timeline.find(one.reply_to),
      );
  }

  /** @param {any} message */
  #tick(message) {
    if (message.sender !== this.model.own.id) return "";
    const { room, model } = this;
    if (room?.kind !== "dm") return readersOf(model.client, message).length ? "read" : "sent";
    const receipt = model.client.receipts.of(this.roomId).get(room.peer?.id);
    if (receipt?.read_seq >= message.seq) return "read";
    return receipt?.delivered_seq >= message.seq ? "delivered" : "sent";
  }

  /** @param {any} message */
  #seenBy(message) {
    if (this.thread !== null || this.room?.kind === "dm") return "";
    const names = readersOf(this.model.client, message).map((id) => this.model.people.name(id));
    if (!names.length) return "";
    const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : "";
    return `Seen by ${names.slice(0, NAMED).join(", ")}${more}`;
  }

  /** @param {number} seq */
  #seen(seq) {
    if (this.thread !== null || document.hidden || !document.hasFocus()) return;
    const { room } = this;
    if (!room || seq <= room.read_seq) return;
    // Reading on when nothing is unread would only move the marker over joins and reactions.
    if (room.unread || room.mentions) this.model.client.read(this.roomId, seq).catch(() => {});
  }
}
