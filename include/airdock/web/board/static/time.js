// Times in the zone of whoever looks; "ago" is counted on the server's clock, for clocks of laptops are wrong.

import { h } from "./dom.js";

const MINUTE = 60,
  HOUR = 3600,
  DAY = 86400;
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DATE = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
let ahead = 0;

/** What the server's clock says now, as it said a moment ago. */
export function setClock(iso) {
  const told = Date.parse(iso);
  if (!Number.isNaN(told)) ahead = told - Date.now();
}

export function now() {
  return Date.now() + ahead;
}

/** "3 min ago", kept true by `tick`; the full time is one hover away. */
export function ago(iso) {
  const at = Date.parse(iso ?? "");
  if (Number.isNaN(at)) return h("span", { class: "faint" }, "–");
  return h("time", { datetime: iso, title: FULL.format(at), "data-ago": "" }, relative(at));
}

/** "14:03:12". */
export function clock(iso) {
  const at = Date.parse(iso ?? "");
  return Number.isNaN(at)
    ? h("span", { class: "faint" }, "–")
    : h("time", { datetime: iso, title: FULL.format(at) }, CLOCK.format(at));
}

/** "23 Nov". */
export function day(at) {
  return DATE.format(at);
}

export function full(iso) {
  const at = Date.parse(iso ?? "");
  return Number.isNaN(at) ? "" : FULL.format(at);
}

/** Seconds as two units at most: "42 s", "3 min 20 s", "1 h 05 min", "2 d 3 h"; "–" where nobody knows. */
export function span(seconds) {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return "–";
  const whole = Math.max(0, Math.round(seconds));
  if (seconds < 10 && seconds !== whole) return `${seconds.toFixed(1)} s`;
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return two(whole, MINUTE, "min", 1, "s");
  return whole < DAY ? two(whole, HOUR, "h", MINUTE, "min") : two(whole, DAY, "d", HOUR, "h");
}

/** Bring every relative time below `root` up to date. */
export function tick(root) {
  for (const element of root.querySelectorAll("time[data-ago]")) {
    const text = relative(Date.parse(element.dateTime));
    if (element.textContent !== text) element.textContent = text;
  }
}

function relative(at) {
  const seconds = (now() - at) / 1000;
  if (seconds < -5) return `in ${coarse(-seconds)}`;
  return seconds < 5 ? "just now" : `${coarse(seconds)} ago`;
}

function coarse(seconds) {
  if (seconds < MINUTE) return `${Math.round(seconds / 5) * 5} s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  return seconds < DAY ? `${Math.floor(seconds / HOUR)} h` : `${Math.floor(seconds / DAY)} d`;
}

function two(whole, large, first, small, second) {
  const rest = Math.floor((whole % large) / small);
  const more = rest ? ` ${String(rest).padStart(large === DAY ? 1 : 2, "0")} ${second}` : "";
  return `${Math.floor(whole / large)} ${first}${more}`;
}
