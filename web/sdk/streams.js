/** Live streams and what happens to them, from the wire: what is at its default is left out there. */

import { authorOf, mediaOf } from "./posts.js";

/** @typedef {Record<string, any>} Fields */

const STREAM = {
  thumbnail: null, started_at: null, ended_at: null, viewers: 0, peak_viewers: 0, total_viewers: 0,
};
const HEALTH = {
  bitrate: 0, duration: 0, viewers: 0, peak_viewers: 0, total_viewers: 0, tracks: [], warnings: [],
};
const TRACK = {
  rid: "", bitrate: 0, packets: 0, loss: 0, jitter: 0, frame_rate: null, width: null, height: null,
  keyframe_interval: null, round_trip: null,
};

/**
 * @param {Fields} fields
 * @returns {import("./types.js").Stream}
 */
export function streamOf(fields) {
  /** @type {Fields} */
  const stream = { ...STREAM, ...fields, owner: authorOf(fields.owner) };
  if (stream.thumbnail !== null) stream.thumbnail = mediaOf(stream.thumbnail);
  return /** @type {any} */ (stream);
}

/**
 * @param {Fields} fields
 * @returns {import("./types_rest.js").StreamHealth}
 */
export function healthOf(fields) {
  /** @type {Fields} */
  const health = { ...HEALTH, ...fields };
  health.tracks = health.tracks.map((/** @type {Fields} */ track) => ({ ...TRACK, ...track }));
  return /** @type {any} */ (health);
}

/**
 * What an event of a stream tells; null: it is none.
 *
 * @param {Fields} fields
 * @returns {Fields | null}
 */
export function streamEventOf({ t, ...fields }) {
  switch (t) {
    case "stream.started":
      return { stream: streamOf(fields.stream) };
    case "stream.changed":
    case "stream.ended":
    case "stream.viewers":
      return fields;
    default:
      return null;
  }
}
