/** What the pages of live streams have in common: the login, the socket, the bar at the top. */

import { openRegions } from "../app/dom/announce.js";
import { openDialog } from "../app/dom/dialog.js";
import { button, fill, h } from "../app/dom/h.js";
import { loadIcons } from "../app/dom/icons.js";
import { entryCard } from "../app/views/entry.js";
import { Client, LocalTokens, Rest } from "../sdk/plaza.js";

/** The same tokens as the application's: who is logged in there is logged in here. */
export const rest = new Rest(location.origin, { tokens: new LocalTokens("plaza") });

/** @type {Client | null} */
let client = null;

/**
 * The account's connection.
 *
 * @returns {Promise<Client | null>} null: nobody is logged in
 */
export async function connected() {
  if (!rest.session.active) return null;
  client ??= new Client(rest, { delivered: false });
  await client.connect();
  return client;
}

/** Whether somebody is logged in. */
export const isKnown = () => rest.session.active;

/**
 * Ask somebody to log in, and begin anew when they have.
 *
 * @param {string} reason
 */
export function logIn(reason) {
  openDialog("Log in", () => entryCard(rest.session, () => location.reload(), reason), {
    class: "live-entry",
  });
}

/**
 * Show a page.
 *
 * @param {...import("../app/dom/h.js").Child} content
 */
export function showPage(...content) {
  const root = /** @type {HTMLElement} */ (document.getElementById("live"));
  fill(root, bar(), h("main", { class: "live-main" }, content));
}

/** Puts into the page what is there once. */
export function openPage() {
  loadIcons();
  openRegions();
}

function bar() {
  return h(
    "header",
    { class: "live-bar" },
    h(
      "a",
      { href: "/live", class: "live-brand" },
      h("img", { src: "/app/plaza.svg", alt: "" }),
      h("span", {}, "Plaza live"),
    ),
    h(
      "nav",
      { "aria-label": "Live" },
      h("a", { href: "/", class: "button plain small" }, "Chat"),
      h("a", { href: "/live/new", class: "button small" }, "Go live"),
      isKnown() ? null : button("Log in", () => logIn(""), { class: "primary small" }),
    ),
  );
}

/**
 * A message in place of a page.
 *
 * @param {string} title
 * @param {string} text
 * @param {...import("../app/dom/h.js").Child} more
 */
export function notice(title, text, ...more) {
  return h("div", { class: "empty" }, h("h1", {}, title), h("p", {}, text), more);
}

/** @param {number} count */
export const viewersText = (count) =>
  count === 1 ? "1 viewer" : `${count.toLocaleString()} viewers`;
