/** What happened to a room, in words. */

import { clockOf } from "../text/time.js";

/**
 * @param {any} event an entry of the log that is no message
 * @param {(account: string) => string} name
 * @returns {string}
 */
export function noticeText(event, name) {
  const who = name(event.sender);
  switch (event.t) {
    case "created":
      return event.kind === "dm"
        ? `${who} began this conversation`
        : `${who} created ${event.title ?? "this room"}`;
    case "title":
      return `${who} renamed the room to ${event.title}`;
    case "slow_mode":
      return event.seconds
        ? `${who} set slow mode: a message every ${spanWords(event.seconds)}`
        : `${who} ended slow mode`;
    case "pin":
      return `${who} pinned a message`;
    case "mute":
      return event.until
        ? `${who} muted ${name(event.account)}${untilWords(event.until)}`
        : `${who} let ${name(event.account)} write again`;
    default:
      return memberText(event, who, name(event.account));
  }
}

/** @param {any} event @param {string} who @param {string} whom */
function memberText({ cause, role, until, account, sender }, who, whom) {
  switch (cause) {
    case "joined":
      return `${whom} joined`;
    case "left":
      return `${whom} left`;
    case "invited":
      return `${who} invited ${whom}`;
    case "kicked":
      return `${who} removed ${whom}`;
    case "banned":
      return `${who} banned ${whom}${until ? untilWords(until) : ""}`;
    case "unbanned":
      return `${who} lifted the ban on ${whom}`;
    default:
      return account === sender ? `${who} is now ${role}` : `${who} made ${whom} ${role}`;
  }
}

/** @param {string} until */
function untilWords(until) {
  const left = Date.parse(until) - Date.now();
  if (!(left < 366 * 86_400_000)) return "";
  return left > 0 && left < 86_400_000
    ? ` until ${clockOf(until)}`
    : ` until ${new Date(until).toLocaleDateString()}`;
}

/** @param {number} seconds */
export function spanWords(seconds) {
  if (seconds < 60) return seconds === 1 ? "second" : `${seconds} seconds`;
  if (seconds < 3600) return seconds < 120 ? "minute" : `${Math.round(seconds / 60)} minutes`;
  return seconds < 7200 ? "hour" : `${Math.round(seconds / 3600)} hours`;
}
