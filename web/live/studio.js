/** The preview, and the button that makes it live. */

import { button, h } from "../app/dom/h.js";
import { toast } from "../app/dom/toast.js";
import { Whip } from "../sdk/plaza.js";
const WORDS = {
  idle: "",
  connecting: "Connecting …",
  connected: "You are live.",
  waiting: "The connection was lost. Connecting again …",
  ended: "",
};

/**
 * @param {any} stream with its key
 * @param {import("./sources.js").Sources} source
 * @param {{turn: (live: boolean) => void}} health
 */
export function studio(stream, source, health) {
  /** @type {Whip | null} */
  let whip = null;
  /** @type {MediaStream | null} */
  let media = null;
  const video = /** @type {HTMLVideoElement} */ (
    h("video", { class: "player-video", playsinline: true, "aria-label": "Preview" })
  );
  video.muted = true; // one does not want to hear oneself
  const state = h("p", { class: "player-state", role: "status", hidden: true });
  const go = button("Go live", () => void (whip === null ? begin() : stop()), { class: "primary live-go" });
  const element = h("section", { class: "player", "aria-label": "Studio" }, video, state, go);

  async function begin() {
    try {
      media = await source.open();
    } catch (error) {
      toast(/** @type {Error} */ (error).message, { bad: true });
      return;
    }
    video.srcObject = media;
    void video.play();
    for (const track of media.getVideoTracks()) track.addEventListener("ended", () => void stop());
    whip = new Whip({ url: stream.publish_url, token: stream.stream_key, stream: media, ...source.quality() });
    whip.on("state", ({ state: now, error }) => {
      state.textContent = error?.message ?? WORDS[now];
      state.hidden = state.textContent === "";
      element.dataset.state = now;
      health.turn(now === "connected");
      if (now === "ended" && error !== null) release();
    });
    whip.start();
    go.textContent = "End the stream";
  }

  async function stop() {
    if (whip === null) return;
    const ending = whip;
    release();
    const ended = new Promise((resolve) => ending.on("state", resolve));
    ending.end();
    await ended;
  }

  function release() {
    whip = null;
    for (const track of media?.getTracks() ?? []) track.stop();
    video.srcObject = media = null;
    go.textContent = "Go live";
  }

  return { element, stop };
}
