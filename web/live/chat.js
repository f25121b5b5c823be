/** The chat beside a stream: a public room, read without joining it, joined by who first writes. */

import { button, fill, h, iconButton } from "../app/dom/h.js";
import { toast, tried } from "../app/dom/toast.js";
import { People } from "../app/state/people.js";
import { body } from "../app/text/body.js";
import { clockOf } from "../app/text/time.js";
import { applyTo, isPlazaError } from "../sdk/plaza.js";
import { logIn, rest } from "./page.js";

const SHOWN = 200; // messages; what is older is in the room's log
const NEAR = 80; // pixels from the end: whoever is as near reads along

/**
 * @param {string} room
 * @param {import("../sdk/plaza.js").Client | null} client null: nobody is logged in
 */
export function chat(room, client) {
  const list = h("ol", { class: "chat-log", "aria-label": "What is said", role: "log", tabIndex: 0 });
  const element = h(
    "section",
    { class: "chat", "aria-label": "Chat" },
    h("h2", {}, "Chat"),
    list,
    client === null ? stranger() : composer(room, client),
  );
  if (client !== null) void follow(room, client, list);
  return element;
}

function stranger() {
  return h(
    "div",
    { class: "chat-stranger" },
    h("p", {}, "Log in to read along and to say something."),
    button("Log in", () => logIn("The chat is for those who have an account."), { class: "primary" }),
  );
}

/**
 * @param {string} room
 * @param {import("../sdk/plaza.js").Client} client
 * @param {HTMLElement} list
 */
async function follow(room, client, list) {
  const people = new People(rest);
  /** @type {Map<number, any>} */
  const messages = new Map();
  /** @type {Map<number, HTMLElement>} */
  const rows = new Map();
  const own = client.user?.username ?? "";

  function show(/** @type {any} */ message) {
    const row = rows.get(message.seq) ?? h("li", { class: "chat-row" });
    const name = people.name(message.sender);
    fill(
      row,
      h("span", { class: "chat-name" }, name),
      h("time", { datetime: message.at }, clockOf(message.at)),
      message.deleted ? h("span", { class: "hint" }, "deleted") : body(message.body, own),
    );
    if (rows.has(message.seq)) return;
    rows.set(message.seq, row);
    const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR;
    list.append(row);
    if (atEnd) list.scrollTop = list.scrollHeight;
  }

  function take(/** @type {any} */ entry) {
    if (entry.room !== room) return;
    if (entry.t === "message") {
      messages.set(entry.seq, entry);
      show(entry);
      forgetOld(messages, rows);
    } else if (messages.has(entry.target)) {
      const changed = applyTo(messages.get(entry.target), entry);
      messages.set(entry.target, changed);
      show(changed);
    }
  }

  people.on("change", () => messages.forEach(show));
  const opened = await tried(client.subscribe(room));
  if (opened === undefined) return;
  /** @type {any[]} what comes while the past is being read */
  const since = [];
  const off = client.on("event", (entry) => since.push(entry));
  const page = await tried(client.history(room, { limit: 50 }));
  off();
  client.on("event", take);
  const past = page?.events ?? [];
  const known = new Set(past.map(({ seq }) => seq));
  for (const entry of [...past, ...since.filter(({ room: of, seq }) => of === room && !known.has(seq))]) {
    take(entry);
  }
}

/** @param {Map<number, any>} messages @param {Map<number, HTMLElement>} rows */
function forgetOld(messages, rows) {
  for (const seq of messages.keys()) {
    if (messages.size <= SHOWN) return;
    messages.delete(seq);
    rows.get(seq)?.remove();
    rows.delete(seq);
  }
}

/**
 * @param {string} room
 * @param {import("../sdk/plaza.js").Client} client
 */
function composer(room, client) {
  const input = /** @type {HTMLInputElement} */ (
    h("input", {
      class: "input",
      "aria-label": "Message",
      placeholder: "Say something",
      maxlength: 500,
      autocomplete: "off",
      enterkeyhint: "send",
    })
  );
  const form = h(
    "form",
    { class: "chat-form" },
    input,
    iconButton("send", "Send", () => {}, { type: "submit", class: "chat-send" }),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = input.value.trim();
    if (text === "") return;
    input.value = "";
    try {
      await say(room, client, text);
    } catch (error) {
      input.value ||= text;
      toast(/** @type {Error} */ (error).message, { bad: true });
    }
  });
  return form;
}

/**
 * @param {string} room
 * @param {import("../sdk/plaza.js").Client} client
 * @param {string} text
 */
async function say(room, client, text) {
  try {
    await client.send(room, text).promise;
  } catch (error) {
    if (!isPlazaError(error, "not_found")) throw error;
    await client.join(room); // only members write
    await client.send(room, text).promise;
  }
}
