/** /live: who is live now. */

import { h, icon } from "../app/dom/h.js";
import { avatar } from "../app/views/avatar.js";
import { notice, openPage, rest, showPage, viewersText } from "./page.js";

openPage();
try {
  const { items } = await rest.streams.live();
  showPage(
    items.length === 0
      ? notice("Nobody is live", "Be the first: your camera, or OBS, is all it takes.",
          h("a", { href: "/live/new", class: "button primary" }, "Go live"))
      : [h("h1", { class: "live-heading" }, "Live now"), h("ul", { class: "live-cards" }, items.map(card))],
  );
} catch (error) {
  showPage(notice("Live", /** @type {Error} */ (error).message));
}

/** @param {any} stream */
function card(stream) {
  const { username, display_name: shown } = stream.owner;
  return h(
    "li",
    {},
    h(
      "a",
      { href: `/live/${stream.id}`, class: "live-card" },
      h(
        "span",
        { class: "live-thumb" },
        stream.thumbnail?.url ? h("img", { src: stream.thumbnail.url, alt: "" }) : icon("camera"),
        h("span", { class: "live-badge", dataset: { state: stream.state } },
          stream.state === "live" ? "Live" : "Interrupted"),
      ),
      h(
        "span",
        { class: "live-card-words" },
        avatar(username, { size: "small" }),
        h("span", {}, h("strong", {}, stream.title), h("span", { class: "live-line" }, shown || username)),
        h("span", { class: "live-count" }, viewersText(stream.viewers)),
      ),
    ),
  );
}
