/** The close codes of a WebSocket connection: protocol/close.py. */

/** RFC 6455 section 7.4.1: there was no close frame at all. */
export const ABNORMAL = 1006;

/** The session was revoked. */
export const SESSION_REVOKED = 4502;

// Of the codes below 4000 these say that the client itself sent something wrong.
const OURS = new Set([1002, 1003, 1007, 1008, 1009, 1010]);

const RETRY_AFTER = /retry_after=(\d{1,4}(?:\.\d{1,3})?)\b/;

/**
 * Whether a client that was closed with this code should connect again.
 *
 * @param {number} code
 */
export function mayReconnect(code) {
  return code >= 4000 ? code < 4500 : !OURS.has(code);
}

/**
 * The seconds that the reason of a close frame asks to wait; null: it does not say.
 *
 * @param {string} reason
 */
export function delayOf(reason) {
  const found = RETRY_AFTER.exec(reason);
  return found === null ? null : Number(found[1]);
}
