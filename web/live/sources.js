/** What is sent: camera and microphone, or the screen. */

import { choice } from "../app/dom/fields.js";
import { h } from "../app/dom/h.js";

const AUDIO = { echoCancellation: true, noiseSuppression: true };

/** @typedef {{element: HTMLElement, open: () => Promise<MediaStream>, quality: () => {codec: string, simulcast: boolean}}} Sources */

/** @returns {Sources} */
export function sources() {
  let from = "camera";
  let codec = "video/H264";
  let layers = "one";
  const element = h(
    "div",
    { class: "live-sources" },
    choice("Picture from", [["camera", "Camera"], ["screen", "Screen"]], from, (value) => (from = value)),
    choice(
      "Codec",
      [["video/H264", "H.264"], ["video/VP8", "VP8"], ["video/VP9", "VP9"], ["video/AV1", "AV1"]],
      codec,
      (value) => (codec = value),
    ),
    choice(
      "Sizes",
      [["one", "One for all"], ["three", "Three: each viewer gets what fits"]],
      layers,
      (value) => (layers = value),
    ),
  );
  return {
    element,
    open: () => (from === "screen" ? screen() : camera()),
    quality: () => ({ codec, simulcast: layers === "three" }),
  };
}

function camera() {
  needed();
  return navigator.mediaDevices.getUserMedia({
    video: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } },
    audio: AUDIO,
  });
}

/** The screen, with its sound where the browser gives it, else with the microphone. */
async function screen() {
  needed();
  const shown = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 30 }, audio: true });
  if (shown.getAudioTracks().length === 0) {
    const spoken = await navigator.mediaDevices.getUserMedia({ audio: AUDIO }).catch(() => null);
    for (const track of spoken?.getAudioTracks() ?? []) shown.addTrack(track);
  }
  return shown;
}

function needed() {
  if (navigator.mediaDevices) return;
  throw new Error("Browsers give the camera to pages of https and of localhost alone. Open this one there.");
}
