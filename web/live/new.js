/** /live/new: go live from the camera or the screen, or get what OBS and FFmpeg want to know. */

import { choice, field } from "../app/dom/fields.js";
import { button, fill, h } from "../app/dom/h.js";
import { tried } from "../app/dom/toast.js";
import { chat } from "./chat.js";
import { details } from "./encoder.js";
import { healthView } from "./health.js";
import { connected, isKnown, logIn, notice, openPage, rest, showPage } from "./page.js";
import { sources } from "./sources.js";
import { studio } from "./studio.js";

const KEPT = "plaza.stream"; // the key is shown once: a page that is loaded anew still has it

openPage();
if (isKnown()) await start();
else {
  showPage(notice("Go live", "Log in to stream."));
  logIn("Streams belong to somebody: log in to begin one.");
}

async function start() {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  const stream = kept && (await rest.streams.get(kept.id).catch(() => null));
  if (stream) await open({ ...kept, ...stream });
  else showPage(form());
}

function form() {
  const title = field("Title", { required: true, maxlength: 140, autofocus: true });
  const category = field("Category", { maxlength: 50 }, "Games, music, looms …");
  const description = field("Description", { maxlength: 1000 });
  let visibility = "public";
  const go = /** @type {HTMLButtonElement} */ (h("button", { class: "button primary wide" }, "Continue"));
  const element = h(
    "form",
    { class: "live-form", novalidate: true },
    h("h1", {}, "Go live"),
    title.element,
    category.element,
    description.element,
    choice(
      "Who may watch",
      [["public", "Everybody"], ["followers", "Followers"], ["friends", "Friends"], ["private", "Only you"]],
      visibility,
      (value) => (visibility = value),
    ),
    go,
  );
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    title.fail(title.input.validationMessage);
    if (!title.input.checkValidity()) return title.input.focus();
    go.disabled = true;
    const stream = await tried(
      rest.streams.create(title.input.value.trim(), {
        category: category.input.value.trim(),
        description: description.input.value.trim(),
        visibility,
      }),
    );
    go.disabled = false;
    if (stream === undefined) return;
    const { id, stream_key, publish_url } = stream;
    sessionStorage.setItem(KEPT, JSON.stringify({ id, stream_key, publish_url }));
    await open(stream);
  });
  return element;
}

/** @param {any} stream with its key */
async function open(stream) {
  const client = await connected();
  const health = healthView(stream.id);
  const source = sources();
  const desk = studio(stream, source, health);
  showPage(
    h(
      "div",
      { class: "live-stage" },
      h(
        "div",
        { class: "live-theatre" },
        desk.element,
        h(
          "section",
          { class: "live-desk", "aria-label": "Stream" },
          h("h1", {}, stream.title),
          link(stream.id),
          source.element,
          health.element,
          details(stream),
          button("Another stream", () => leave(desk), { class: "plain small" }),
        ),
      ),
      chat(stream.room, client),
    ),
  );
  health.start();
}

/** @param {string} id */
function link(id) {
  const address = `${location.origin}/live/${id}`;
  const copied = h("span", { class: "hint", role: "status" });
  return h(
    "p",
    { class: "live-link" },
    h("a", { href: address, target: "_blank", rel: "noopener" }, address),
    button(
      "Copy",
      async () => {
        await navigator.clipboard?.writeText(address).catch(() => {});
        fill(copied, "Copied");
      },
      { class: "plain small" },
    ),
    copied,
  );
}

/** @param {{stop: () => Promise<void>}} desk */
async function leave(desk) {
  await desk.stop();
  sessionStorage.removeItem(KEPT);
  location.reload();
}
