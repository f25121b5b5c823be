/** /live/{stream}: watch a stream, and talk about it. */

import { h, icon } from "../app/dom/h.js";
import { avatar } from "../app/views/avatar.js";
import { chat } from "./chat.js";
import { connected, isKnown, logIn, notice, openPage, rest, showPage, viewersText } from "./page.js";
import { player } from "./player.js";

const LOOK_SECONDS = 10; // how often who has no socket asks
const FIRST_LOOK_SECONDS = 2;

const id = location.pathname.split("/").at(-1) ?? "";

openPage();
await start();

async function start() {
  let stream;
  try {
    stream = await rest.streams.get(id);
  } catch (error) {
    showPage(notice("Nothing to see here", /** @type {Error} */ (error).message));
    if (!isKnown()) logIn("Perhaps this stream is not for everybody.");
    return;
  }
  document.title = `${stream.title} · Plaza`;
  const client = await connected();
  const view = player(stream.play_url, rest.session.accessToken);
  const viewers = h("span", {}, viewersText(stream.viewers));
  const badge = h("span", { class: "live-badge" });
  const turn = (/** @type {string} */ state) => {
    badge.textContent = { live: "Live", interrupted: "Interrupted" }[state] ?? "Offline";
    badge.dataset.state = state;
    view.turn(state);
  };
  showPage(
    h(
      "div",
      { class: "live-stage" },
      h("div", { class: "live-theatre" }, view.element, about(stream, badge, viewers)),
      chat(stream.room, client),
    ),
  );
  turn(stream.state);
  const count = (/** @type {number} */ number) => (viewers.textContent = viewersText(number));
  if (client === null) look(turn, count);
  else listen(client, turn, count);
}

/**
 * @param {any} client
 * @param {(state: string) => void} turn
 * @param {(viewers: number) => void} count
 */
function listen(client, turn, count) {
  client.on("stream.viewers", (/** @type {any} */ event) => event.stream === id && count(event.viewers));
  client.on("stream.started", (/** @type {any} */ event) => event.stream.id === id && turn("live"));
  client.on("stream.changed", (/** @type {any} */ event) => event.stream === id && turn(event.state));
  client.on("stream.ended", (/** @type {any} */ event) => event.stream === id && turn("ended"));
  // What happened while there was no connection, nobody has told.
  client.on("ready", async () => {
    const stream = await rest.streams.get(id).catch(() => null);
    if (stream === null) return;
    turn(stream.state);
    count(stream.viewers);
  });
}

/**
 * @param {(state: string) => void} turn
 * @param {(viewers: number) => void} count
 */
function look(turn, count) {
  let state = "";
  const ask = async () => {
    const stream = await rest.streams.get(id).catch(() => null);
    if (stream === null) return;
    if (stream.state !== state) turn((state = stream.state));
    count(stream.viewers);
  };
  setTimeout(ask, FIRST_LOOK_SECONDS * 1000); // one is counted oneself by then
  setInterval(ask, LOOK_SECONDS * 1000);
}

/** @param {any} stream @param {HTMLElement} badge @param {HTMLElement} viewers */
function about(stream, badge, viewers) {
  const { username, display_name: shown } = stream.owner;
  return h(
    "section",
    { class: "live-about", "aria-label": "About this stream" },
    avatar(username),
    h(
      "div",
      { class: "live-words" },
      h("h1", {}, stream.title),
      h("p", { class: "live-line" }, shown || username, stream.category ? ` · ${stream.category}` : ""),
      stream.description ? h("p", {}, stream.description) : null,
    ),
    h("p", { class: "live-count", "aria-live": "off" }, badge, icon("eye", "small"), viewers),
  );
}
