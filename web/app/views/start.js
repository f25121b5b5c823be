/** What is seen until the first connection stands. */

import { h } from "../dom/h.js";

/** @param {any} client of the SDK */
export function startView(client) {
  const line = h("p", { role: "status" }, "Opening Plaza …");
  client.on("status", (/** @type {any} */ { state, error }) => {
    if (state === "waiting")
      line.textContent = `${error?.message ?? "The server cannot be reached."} Trying again …`;
  });
  return h(
    "main",
    { class: "start" },
    h("img", { src: new URL("../plaza.svg", import.meta.url).href, alt: "", class: "mark" }),
    line,
  );
}
