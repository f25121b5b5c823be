/** Says when there is no connection, and when the next try is. */

import { button, fill, h, icon } from "../dom/h.js";
import { say } from "../dom/announce.js";
import { Scope } from "../state/scope.js";

const TICK = 250; // of the countdown
const PATIENCE = 1500; // a blink of the network is not worth a banner

/** @param {import("../state/model.js").Model} model */
export function bannerView({ client }) {
  const scope = new Scope();
  const words = h("span");
  const again = button("Try now", () => client.reconnectNow(), { class: "small" });
  const element = h(
    "div",
    { class: "banner", hidden: true },
    icon("warning", "small"),
    words,
    again,
  );
  /** @type {number | null} */
  let since = null;
  /** @type {ReturnType<typeof setInterval> | undefined} runs only while there is no connection */
  let timer;

  const render = () => {
    const { state, error, retryAt } = client.status;
    const fine = state === "connected" || state === "closed";
    if (fine && !element.hidden) say("Connected again.");
    clearInterval(timer);
    if (!fine) timer = setInterval(render, TICK);
    since = fine ? null : (since ?? Date.now());
    const shown = since !== null && Date.now() - since >= PATIENCE;
    if (shown && element.hidden)
      say("The connection is lost. Messages are sent as soon as it is back.");
    element.hidden = !shown;
    if (!shown) return;
    const seconds = retryAt ? Math.max(0, Math.ceil((retryAt - Date.now()) / 1000)) : 0;
    const when = state === "waiting" && seconds > 0 ? `Next try in ${seconds} s.` : "Connecting …";
    const why = navigator.onLine
      ? error?.code === "overloaded"
        ? error.message
        : "No connection to the server."
      : "You are offline.";
    fill(words, `${why} ${when}`);
    again.hidden = state !== "waiting";
  };
  scope.on(client, "status", render);
  scope.on(window, "online", render);
  scope.on(window, "offline", render);
  return {
    element,
    close() {
      scope.close();
      clearInterval(timer);
    },
  };
}
