/** What OBS and FFmpeg have to be told. */

import { button, fill, h } from "../app/dom/h.js";
import { tried } from "../app/dom/toast.js";
import { rest } from "./page.js";

/** @param {any} stream with its key */
export function details(stream) {
  const address = new URL(stream.publish_url, location.origin).href;
  const key = h("code", {}, "••••••••");
  let secret = stream.stream_key;
  const show = button("Show the key", () => fill(key, secret), { class: "small" });
  const renew = button(
    "New key",
    async () => {
      const renewed = await tried(rest.streams.rotateKey(stream.id));
      if (renewed === undefined) return;
      secret = renewed.stream_key;
      fill(key, secret);
    },
    { class: "small plain" },
  );
  return h(
    "details",
    { class: "live-encoder" },
    h("summary", {}, "Stream with OBS or FFmpeg"),
    h(
      "dl",
      {},
      h("div", {}, h("dt", {}, "Service"), h("dd", {}, "WHIP")),
      h("div", {}, h("dt", {}, "Server"), h("dd", {}, h("code", {}, address))),
      h("div", {}, h("dt", {}, "Bearer token"), h("dd", {}, key)),
    ),
    h("p", { class: "live-line" }, "H.264 without B-frames, a keyframe every 2 seconds, Opus."),
    h("p", {}, show, renew),
  );
}
