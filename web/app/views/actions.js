/** What can be done with a message: one list for the toolbar, the menu and the keys. */

import { confirmed } from "../dom/dialog.js";
import { openMenu } from "../dom/menu.js";
import { toast, tried } from "../dom/toast.js";
import { fullTime } from "../text/time.js";
import { openEmoji } from "./emoji.js";

export class MessageActions {
  /**
   * @param {import("../state/model.js").Model} model
   * @param {string} room
   * @param {import("./composer.js").Composer} composer
   * @param {boolean} inThread
   */
  constructor(model, room, composer, inThread) {
    this.model = model;
    this.roomId = room;
    this.composer = composer;
    this.inThread = inThread;
  }

  get room() {
    return this.model.client.rooms.get(this.roomId);
  }

  /** @param {any} message */
  isOwn(message) {
    return message.sender === this.model.own.id;
  }

  /** Admins may everywhere, and both in a dm. */
  get mayPin() {
    return this.room?.kind === "dm" || this.isAdmin;
  }

  get isAdmin() {
    return this.room?.role === "admin" || this.room?.role === "owner";
  }

  /** @param {any} message */
  mayDelete(message) {
    return this.isOwn(message) || (this.room?.kind !== "dm" && this.isAdmin);
  }

  /** @param {any} message */
  reply(message) {
    this.composer.reply(message);
  }

  /** @param {any} message */
  edit(message) {
    this.composer.edit(message);
  }

  /** @param {any} message */
  openThread(message) {
    this.model.route.openPanel(`thread/${message.seq}`);
  }

  /** Take one's reaction back, or react. @param {any} message @param {string} emoji */
  react(message, emoji) {
    const { client, own } = this.model;
    const mine = message.reactions
      .find((/** @type {any} */ one) => one.emoji === emoji)
      ?.accounts.includes(own.id);
    void tried(
      mine
        ? client.unreact(message.room, message.seq, emoji)
        : client.react(message.room, message.seq, emoji),
    );
  }

  /** @param {any} message @param {HTMLElement} anchor */
  chooseReaction(message, anchor) {
    openEmoji(anchor, (emoji) => this.react(message, emoji));
  }

  /** @param {any} message */
  async remove(message) {
    const sure = await confirmed(
      "Delete this message?",
      "Its text is gone for everybody. A line stays that it was here.",
      "Delete",
    );
    if (sure) await tried(this.model.client.remove(message.room, message.seq));
  }

  /** @param {any} message @param {HTMLElement} anchor */
  openMore(message, anchor) {
    const { client } = this.model;
    const { room, seq } = message;
    openMenu(anchor, "Message", [
      !this.inThread && {
        label: "Open thread",
        icon: "thread",
        action: () => this.openThread(message),
      },
      this.mayPin && {
        label: message.pinned ? "Unpin" : "Pin",
        icon: "pin",
        action: () => void tried(message.pinned ? client.unpin(room, seq) : client.pin(room, seq)),
      },
      {
        label: "Copy text",
        icon: "copy",
        action: () => void this.#copy(message.body, "Text copied."),
      },
      {
        label: "Copy link",
        icon: "copy",
        action: () =>
          void this.#copy(`${location.href.split("#")[0]}#/room/${room}/at/${seq}`, "Link copied."),
      },
      { label: "Who has seen it", icon: "checks", action: () => void this.#showReaders(message) },
      this.isOwn(message) && { label: "Edit", icon: "edit", action: () => this.edit(message) },
      this.mayDelete(message) && {
        label: "Delete",
        icon: "trash",
        danger: true,
        action: () => void this.remove(message),
      },
    ]);
  }

  /** @param {string} text @param {string} done */
  async #copy(text, done) {
    try {
      await navigator.clipboard.writeText(text);
      toast(done);
    } catch {
      toast("The browser does not allow copying here.", { bad: true });
    }
  }

  /** @param {any} message */
  async #showReaders(message) {
    const { client, people } = this.model;
    await tried(client.receipts.load(message.room));
    const readers = readersOf(client, message).map((id) => people.name(id));
    toast(
      readers.length
        ? `Seen by ${readers.join(", ")}. Sent ${fullTime(message.at)}.`
        : `Nobody else has seen it yet. Sent ${fullTime(message.at)}.`,
    );
  }
}

/**
 * Who else has read a message.
 *
 * @param {any} client
 * @param {any} message
 * @returns {string[]}
 */
export function readersOf(client, message) {
  return [...client.receipts.of(message.room).values()]
    .filter(
      ({ account, read_seq: read }) =>
        read >= message.seq && account !== client.user.id && account !== message.sender,
    )
    .map(({ account }) => account);
}
