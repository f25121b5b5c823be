/**
 * From entries to what is shown: days, the line above what is unread, messages of one person in
 * groups, hidden ones behind a line. Pure.
 *
 * @typedef {{
 *   key: string,
 *   kind: "day" | "unread" | "notice" | "message" | "pending" | "hidden",
 *   entry?: any,
 *   text?: string,
 *   first?: boolean,
 *   last?: boolean,
 *   own?: boolean,
 *   tick?: string,
 *   found?: boolean,
 *   name?: string,
 *   quote?: any,
 * }} Row  first, last: of a group
 */

import { dayOf, sameDay } from "../text/time.js";

const TOGETHER = 5 * 60_000; // messages this close to each other form a group

/**
 * @param {{
 *   entries: any[],
 *   pending: any[],
 *   own: string,
 *   unreadAfter: number | null,
 *   isHidden: (account: string) => boolean,
 *   isRevealed: (seq: number) => boolean,
 *   tickOf: (entry: any) => string,
 *   nameOf: (account: string) => string,
 *   quoteOf: (seq: number) => any,
 *   found: number | null,
 * }} given
 * @returns {Row[]}
 */
export function rowsOf(given) {
  /** @type {Row[]} */
  const rows = [];
  let at = "";
  let marked = given.unreadAfter === null;
  for (const entry of given.entries) {
    if (!at || !sameDay(at, entry.at)) rows.push(day(entry.at));
    at = entry.at;
    if (!marked && entry.seq > Number(given.unreadAfter) && entry.sender !== given.own) {
      marked = true;
      if (entry.t === "message") rows.push({ key: "unread", kind: "unread" });
      else marked = false;
    }
    rows.push(rowOf(entry, given));
  }
  for (const entry of given.pending) {
    if (!at || !sameDay(at, entry.at)) rows.push(day(entry.at));
    at = entry.at;
    rows.push({
      key: `pending-${entry.nonce}`,
      kind: "pending",
      entry,
      own: true,
      quote: entry.reply_to ? given.quoteOf(entry.reply_to) : null,
    });
  }
  group(rows);
  return rows;
}

/** Whether a row looks the same as before. @param {Row} one @param {Row} other */
export function sameRow(one, other) {
  return (
    one.kind === other.kind &&
    one.entry === other.entry &&
    one.text === other.text &&
    one.first === other.first &&
    one.last === other.last &&
    one.tick === other.tick &&
    one.found === other.found &&
    one.name === other.name &&
    one.quote === other.quote
  );
}

/** @param {any} entry @param {any} given @returns {Row} */
function rowOf(entry, given) {
  const key = `seq-${entry.seq}`;
  if (entry.t !== "message") {
    const names = [entry.sender, entry.account].filter(Boolean).map(given.nameOf);
    return { key, kind: "notice", entry, name: names.join() };
  }
  if (given.isHidden(entry.sender) && !given.isRevealed(entry.seq)) {
    return { key, kind: "hidden", entry };
  }
  return {
    key,
    kind: "message",
    entry,
    own: entry.sender === given.own,
    tick: given.tickOf(entry),
    found: entry.seq === given.found,
    name: given.nameOf(entry.sender),
    quote: entry.reply_to ? given.quoteOf(entry.reply_to) : null,
  };
}

/** @param {string} at @returns {Row} */
function day(at) {
  const text = dayOf(at);
  return { key: `day-${at.slice(0, 10)}-${text}`, kind: "day", text };
}

/** @param {Row[]} rows */
function group(rows) {
  rows.forEach((row, at) => {
    if (!isMessage(row)) return;
    row.first = !together(rows[at - 1], row);
    row.last = !together(row, rows[at + 1]);
  });
}

/** @param {Row | undefined} row */
const isMessage = (row) => row?.kind === "message" || row?.kind === "pending";

/** @param {Row | undefined} one @param {Row | undefined} next */
function together(one, next) {
  if (!one || !next || !isMessage(one) || !isMessage(next)) return false;
  return (
    one.entry.sender === next.entry.sender &&
    Date.parse(next.entry.at) - Date.parse(one.entry.at) < TOGETHER
  );
}
