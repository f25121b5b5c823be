/*
 * How things look: colours of the theme in force, numbers, times.
 *
 * These files are one module: loadtest/report/page.py puts them one after the other.
 */

const probe = document.body.appendChild(document.createElement("i"));
probe.hidden = true;

/** The colour of a custom property now: canvases know nothing of light-dark(). */
function colour(name) {
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';

/** A number with three digits, or all that stand before the point. */
function short(value) {
  if (value === null || value === undefined) return "-";
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}

/** As short as an axis needs it: 12k, 1.5M. */
function terse(value) {
  const size = Math.abs(value);
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(3))}k`;
  return Number(value.toPrecision(3)).toLocaleString("en");
}

/** Seconds as m:ss, below two minutes as they are. */
function clock(seconds) {
  if (Math.abs(seconds) < 120) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** A level of a distribution as a percentile: 100 is 99 %. */
function percentile(level) {
  const digits = Math.max(0, Math.ceil(Math.log10(level)) - 1);
  const share = 100 * (1 - 1 / level);
  return `${Number(share.toFixed(Math.max(digits, level > 1 ? 1 : 0)))} %`;
}

/** An element with a class and text. */
function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}
