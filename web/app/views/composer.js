/** Where one writes: new messages, replies, and edits of one's own. */

import { fill, h, icon, iconButton } from "../dom/h.js";
import { tried } from "../dom/toast.js";
import { oneLine } from "../text/body.js";
import { fullTime } from "../text/time.js";
import { openEmoji } from "./emoji.js";
import { completeMentions } from "./mentions.js";
import { spanWords } from "./notice.js";
import { Tray } from "./tray.js";

const MOST = 8000; // characters, as the server counts them
const TALLEST = 220;
const HALF_A_LIFE = 366 * 86_400_000;

export class Composer {
  /** @type {{kind: "reply" | "edit", message: any} | null} */
  #mode = null;

  /**
   * @param {import("../state/model.js").Model} model
   * @param {string} room
   * @param {{thread?: number | null, lastOwn: () => any | null, sent: () => void}} options lastOwn:
   *   the message that the up arrow edits; sent: called when something has been sent
   */
  constructor(model, room, { thread = null, lastOwn, sent }) {
    this.model = model;
    this.room = room;
    this.thread = thread;
    this.lastOwn = lastOwn;
    this.sent = sent;
    this.draft = thread ? `${room}/${thread}` : room;
    this.text = /** @type {HTMLTextAreaElement} */ (
      h("textarea", {
        class: "composer-text",
        rows: 1,
        dir: "auto",
        enterkeyhint: "send",
        on: {
          input: () => this.#typed(),
          keydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
        },
      })
    );
    this.head = h("div", { class: "composer-head", hidden: true });
    this.note = h("p", { class: "composer-note", hidden: true });
    this.go = iconButton("send", "Send", () => this.#submit(), { class: "send" });
    this.smile = iconButton(
      "smile",
      "Insert an emoji",
      () => openEmoji(this.smile, (emoji) => this.#insert(emoji)),
      { "aria-haspopup": "dialog" },
    );
    this.tray = new Tray(model, () => this.render());
    this.box = h(
      "div",
      {
        class: "composer-box",
        on: {
          paste: (/** @type {ClipboardEvent} */ event) => this.#brought(event, event.clipboardData),
          drop: (/** @type {DragEvent} */ event) => this.#brought(event, event.dataTransfer),
          dragover: (/** @type {DragEvent} */ event) => event.preventDefault(),
        },
      },
      this.tray.button,
      this.smile,
      this.text,
      this.go,
    );
    this.element = h(
      "div",
      { class: "composer" },
      this.head,
      this.tray.list,
      this.box,
      this.note,
      this.tray.chooser,
    );
    this.text.value = model.drafts.get(this.draft) ?? "";
    /** Look again who may be meant: the members have become known. */
    this.complete = completeMentions(model, room, this.text, this.box);
    this.render();
  }

  /** @param {any} message */
  reply(message) {
    this.#enter({ kind: "reply", message });
  }

  /** @param {any} message */
  edit(message) {
    if (this.#mode?.kind !== "edit") this.model.drafts.set(this.draft, this.text.value);
    this.text.value = message.body;
    this.#enter({ kind: "edit", message });
  }

  /** What the room allows may have changed. */
  render() {
    const room = this.model.client.rooms.get(this.room);
    if (!room) return;
    const muted = room.muted_until && Date.parse(room.muted_until) > Date.now();
    this.text.disabled = this.smile.disabled = this.tray.button.disabled = !!muted;
    // What is on its way goes with the message, or has to be taken out first.
    this.go.disabled = !!muted || !(this.tray.empty || this.tray.ready);
    const title = this.model.titleOf(room);
    const label = this.thread ? "Reply in the thread" : `Message ${title}`;
    this.text.setAttribute("aria-label", label);
    this.text.placeholder = muted ? "" : label;
    const over = [...this.text.value.normalize()].length - MOST;
    const note = muted
      ? mutedWords(room)
      : over > 0
        ? `${over} characters too many`
        : slowWords(room);
    this.note.hidden = !note;
    this.note.textContent = note;
    this.#size();
  }

  focus() {
    // On a phone it would raise the keyboard over the conversation.
    if (matchMedia("(hover: hover)").matches) this.text.focus();
  }

  close() {
    if (this.#mode?.kind !== "edit") this.model.drafts.set(this.draft, this.text.value);
  }

  /** @param {{kind: "reply" | "edit", message: any} | null} mode */
  #enter(mode) {
    this.#mode = mode;
    this.head.hidden = !mode;
    if (mode) {
      const { kind, message } = mode;
      const who =
        kind === "edit"
          ? "Edit your message"
          : `Reply to ${this.model.people.name(message.sender)}`;
      fill(
        this.head,
        icon(kind === "edit" ? "edit" : "reply", "small"),
        h("div", {}, h("strong", {}, who), h("span", {}, oneLine(message.body))),
        iconButton("close", "Cancel", () => this.#cancel()),
      );
    }
    this.go.setAttribute("aria-label", mode?.kind === "edit" ? "Save" : "Send");
    this.render();
    this.text.focus();
  }

  #cancel() {
    if (this.#mode?.kind === "edit") this.text.value = this.model.drafts.get(this.draft) ?? "";
    this.#enter(null);
  }

  #typed() {
    const { client } = this.model;
    const options = this.thread ? { thread: this.thread } : {};
    if (this.#mode?.kind !== "edit")
      client.typing(this.room, { ...options, active: this.text.value !== "" });
    this.render();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.defaultPrevented || event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.#submit();
    } else if (event.key === "ArrowUp" && !this.text.value && !this.#mode) {
      const message = this.lastOwn();
      if (!message) return;
      event.preventDefault();
      this.edit(message);
    } else if (event.key === "Escape" && this.#mode) {
      event.preventDefault();
      this.#cancel();
    }
  }

  #submit() {
    const body = this.text.value.trim();
    const { client } = this.model;
    const mode = this.#mode;
    const some = body || (this.tray.ready && mode?.kind !== "edit");
    if (!some || this.go.disabled || [...body.normalize()].length > MOST) return;
    if (mode?.kind === "edit") {
      this.text.value = this.model.drafts.get(this.draft) ?? "";
      this.#enter(null);
      if (body !== mode.message.body) void tried(client.edit(this.room, mode.message.seq, body));
      return;
    }
    const replyTo = mode?.message.seq ?? this.thread ?? undefined;
    // What becomes of it is told by `pending`.
    const attachments = this.tray.take();
    client.send(this.room, body, { replyTo, attachments }).promise.catch(() => {});
    this.text.value = "";
    this.model.drafts.delete(this.draft);
    this.#enter(null);
    this.sent();
  }

  /** @param {Event} event @param {DataTransfer | null} brought */
  #brought(event, brought) {
    if (!brought?.files.length || this.tray.button.disabled) return;
    event.preventDefault();
    this.tray.add(brought.files);
  }

  /** @param {string} text */
  #insert(text) {
    this.text.focus();
    this.text.setRangeText(text, this.text.selectionStart, this.text.selectionEnd, "end");
    this.#typed();
  }

  #size() {
    this.text.style.height = "auto";
    this.text.style.height = `${Math.min(this.text.scrollHeight, TALLEST)}px`;
  }
}

/** @param {any} room */
function mutedWords({ kind, muted_until: until }) {
  if (kind === "dm") return "One of you has blocked the other: you cannot write to each other.";
  const left = Date.parse(until) - Date.now();
  return left < HALF_A_LIFE
    ? `You are muted here until ${fullTime(until)}.`
    : "You are muted here. Ask an admin of the room.";
}

/** @param {any} room */
const slowWords = ({ slow_mode: seconds, role }) =>
  seconds && role === "member" ? `Slow mode: a message every ${spanWords(seconds)}.` : "";
