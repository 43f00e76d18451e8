// Plots as SVG, drawn by hand; each has a name in words, and the figures stand in a table beside it.

import { svg } from "./dom.js";
import { stateOf } from "./parts.js";
import { day, full, now, span } from "./time.js";

const HIGH = 150,
  LEFT = 66,
  BELOW = 20,
  ABOVE = 8,
  RIGHT = 10,
  NARROW = 560;
const TAIL = 0.06;
const SHARES = [1, 5, 10, 25, 50, 100]; // Where the scale of a share may end: a canary's few percent are seen.

/** Units of a plot's width; fewer on a narrow screen, so that its letters stay as large as the page's. */
const wide = () => (innerWidth < NARROW ? 330 : 640);

/** How the new version's share of the traffic grew; up to now where it is `moving`. */
export function steps(weights, moving) {
  const WIDE = wide(),
    times = weights.map((each) => Date.parse(each.at)),
    first = times[0],
    ended = Math.max(times.at(-1), first + 1000);
  const until = moving ? Math.max(now(), ended) : ended + (ended - first) * TAIL;
  const top = SHARES.find((each) => each >= Math.max(...weights.map(({ green }) => green))) ?? 100;
  const x = (at) => LEFT + ((WIDE - LEFT - RIGHT) * (at - first)) / (until - first),
    y = (share) => ABOVE + (90 * (top - share)) / top;
  const line = weights
    .map(({ green }, number) =>
      number ? `H${x(times[number]).toFixed(1)}V${y(green).toFixed(1)}` : `M${x(first)} ${y(green).toFixed(1)}`,
    )
    .join("");
  const took = span(((moving ? until : ended) - first) / 1000);
  const whole = `${line}H${x(until).toFixed(1)}`;
  return svg(
    "svg",
    {
      class: "plot",
      viewBox: `0 0 ${WIDE} ${ABOVE + 90 + BELOW}`,
      role: "img",
      "aria-label": `Share of the new version: ${weights.map(({ green }) => `${green} %`).join(", ")}, in ${took}`,
    },
    [0, top / 2, top].map((share) => [
      svg("path", { class: "grid", d: `M${LEFT} ${y(share)}H${WIDE - RIGHT}` }),
      label(LEFT - 8, y(share) + 4, `${share} %`, "end"),
    ]),
    svg("path", { class: "area", d: `${whole}V${y(0)}H${LEFT}Z` }),
    svg("path", { class: "curve", d: whole }),
    label(LEFT, ABOVE + 90 + 16, "0 s"),
    label(x(moving ? until : ended), ABOVE + 90 + 16, moving ? `now, after ${took}` : took, "end"),
  );
}

/**
 * Each run's lead time over the days; one that did not go live has none, and is a cross on the ground line.
 * `runs`: {at, lead_seconds, outcome, address}.
 */
export function leads(runs) {
  const known = runs
    .filter((run) => run.at && (run.lead_seconds !== null || run.outcome !== "live"))
    .map((run) => ({ ...run, time: Date.parse(run.at) }));
  if (!known.length) return null;
  const WIDE = wide(),
    times = known.map((run) => run.time),
    first = Math.min(...times),
    last = Math.max(...times, first + 1);
  const longest = Math.max(0, ...known.map((run) => run.lead_seconds ?? 0)),
    failed = known.filter((run) => run.outcome !== "live").length;
  const top = nice(longest);
  const x = (at) => LEFT + 8 + ((WIDE - LEFT - RIGHT - 16) * (at - first)) / (last - first),
    y = (lead) => ABOVE + HIGH - (HIGH * lead) / top;
  return svg(
    "svg",
    {
      class: "plot",
      viewBox: `0 0 ${WIDE} ${ABOVE + HIGH + BELOW}`,
      role: "group",
      "aria-label": `Lead time of ${known.length - failed} runs, at most ${span(longest)}; ${failed} did not go live`,
    },
    [0, 0.5, 1].map((part) => [
      svg("path", { class: "grid", d: `M${LEFT} ${y(top * part)}H${WIDE - RIGHT}` }),
      label(LEFT - 8, y(top * part) + 4, span(top * part), "end"),
    ]),
    known.map((run) => {
      const lead = run.lead_seconds === null ? [] : [span(run.lead_seconds)];
      const words = [...lead, stateOf(run.outcome).word, full(run.at)];
      return svg(
        "a",
        { href: run.address, "aria-label": words.join(", ") },
        svg("title", {}, words.join(" · ")),
        point(x(run.time), y(run.lead_seconds ?? 0), run.outcome),
      );
    }),
    label(LEFT + 8, ABOVE + HIGH + 16, day(first)),
    label(WIDE - RIGHT, ABOVE + HIGH + 16, day(last), "end"),
  );
}

/** A stage's last durations as bars, the newest on the right. */
export function bars(name, seconds) {
  const top = Math.max(...seconds, 0.001),
    width = 200 / Math.max(30, seconds.length);
  return svg(
    "svg",
    {
      class: "spark",
      viewBox: "0 0 200 36",
      role: "img",
      preserveAspectRatio: "none",
      "aria-label": `${name}: the last ${seconds.length} took ${span(Math.min(...seconds))} to ${span(top)}`,
    },
    seconds.map((each, number) => {
      const height = Math.max(1, (34 * each) / top);
      return svg(
        "rect",
        { x: 200 - (seconds.length - number) * width, y: 36 - height, width: width * 0.72, height, rx: 0.8 },
        svg("title", {}, span(each)),
      );
    }),
  );
}

function point(x, y, outcome) {
  if (outcome === "live") return svg("circle", { class: "good", cx: x, cy: y, r: 4 });
  return svg("path", { class: "bad", d: `M${x - 4} ${y - 4}L${x + 4} ${y + 4}M${x - 4} ${y + 4}L${x + 4} ${y - 4}` });
}

function label(x, y, text, anchor = "start") {
  return svg("text", { x, y, "text-anchor": anchor }, text);
}

/** A round figure at or above the largest. */
function nice(largest) {
  return (
    [60, 300, 600, 1200, 1800, 3600, 7200, 14_400, 28_800, 86_400, 172_800, 604_800].find((each) => each >= largest) ??
    largest
  );
}
