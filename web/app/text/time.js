/** Times as people read them, in the browser's language and time zone. */

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const dateOfYear = new Intl.DateTimeFormat(undefined, {
  day: "numeric",
  month: "short",
  year: "numeric",
});
const longDay = new Intl.DateTimeFormat(undefined, {
  weekday: "long",
  day: "numeric",
  month: "long",
});
const everything = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

const DAY = 86_400_000;

/** @param {string} at RFC 3339 */
export const clockOf = (at) => clock.format(new Date(at));

/** @param {string} at RFC 3339 */
export const fullTime = (at) => everything.format(new Date(at));

/**
 * A word for the day: today, yesterday, Monday 3 March ...
 *
 * @param {string} at RFC 3339
 * @param {Date} [now]
 */
export function dayOf(at, now = new Date()) {
  const days = daysBetween(new Date(at), now);
  if (days <= 1 && days >= 0) return capital(relative.format(-days, "day"));
  const then = new Date(at);
  return then.getFullYear() === now.getFullYear() ? longDay.format(then) : dateOfYear.format(then);
}

/** Whether two times are on one day here. @param {string} one @param {string} other */
export const sameDay = (one, other) => daysBetween(new Date(one), new Date(other)) === 0;

/**
 * As short as a list wants it.
 *
 * @param {string} at RFC 3339
 * @param {Date} [now]
 */
export function shortTime(at, now = new Date()) {
  const then = new Date(at);
  const days = daysBetween(then, now);
  if (days <= 0) return clock.format(then);
  if (days < 7) return weekday.format(then);
  return then.getFullYear() === now.getFullYear() ? date.format(then) : dateOfYear.format(then);
}

/**
 * How long ago: "5 minutes ago".
 *
 * @param {string} at RFC 3339
 * @param {number} [now] milliseconds
 */
export function ago(at, now = Date.now()) {
  const seconds = Math.max(0, (now - Date.parse(at)) / 1000);
  if (seconds < 60) return "just now";
  if (seconds < 3600) return relative.format(-Math.floor(seconds / 60), "minute");
  if (seconds < 86_400) return relative.format(-Math.floor(seconds / 3600), "hour");
  return relative.format(-Math.floor(seconds / 86_400), "day");
}

/** @param {Date} then @param {Date} now */
function daysBetween(then, now) {
  const start = (/** @type {Date} */ day) =>
    Date.UTC(day.getFullYear(), day.getMonth(), day.getDate());
  return Math.round((start(now) - start(then)) / DAY);
}

/** @param {string} word */
const capital = (word) => word.charAt(0).toLocaleUpperCase() + word.slice(1);
