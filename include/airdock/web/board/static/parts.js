// The pieces that every view is made of: states in a sign and a word, commits, notes, pages that are empty or failed.

import { h, link, svg } from "./dom.js";
import { signIn } from "./api.js";

const SIGNS = {
  check: "M3.5 8.5 6.5 11.5 12.5 4.5",
  cross: "M4.5 4.5 11.5 11.5M11.5 4.5 4.5 11.5",
  back: "M6 3.5 3 6.5 6 9.5M3 6.5H10A3 3 0 0 1 10 12.5H7",
  bar: "M4 8H12",
  over: "M3.5 4 7.5 8 3.5 12M8.5 4 12.5 8 8.5 12",
  pause: "M5.8 4.2V11.8M10.2 4.2V11.8",
  square: "M4.5 4.5H11.5V11.5H4.5Z",
  go: "M5 3.5 12 8 5 12.5Z",
  wait: "M8 4.5V8L10.5 10M8 2.2A5.8 5.8 0 1 0 8 13.8 5.8 5.8 0 1 0 8 2.2",
  hand: "M8 3.4V9M8 12.3V12.5",
  dot: "M8 7.9V8.1",
  drift: "M3 6H13M3 10H13M10.5 3 5.5 13",
};

/** What a state is called, its sign, and its tone; by Airflow's words, the outcomes' of a delivery, and the board's. */
const STATES = {
  live: ["live", "check", "good"],
  success: ["done", "check", "good"],
  rolled_back: ["rolled back", "back", "bad"],
  failed: ["failed", "cross", "bad"],
  refused: ["refused", "bar", "warn"],
  superseded: ["superseded", "over", "quiet"],
  stopped: ["stopped", "square", "warn"],
  upstream_failed: ["not reached", "dot", "quiet"],
  skipped: ["skipped", "over", "quiet"],
  removed: ["removed", "over", "quiet"],
  running: ["running", "go", "busy"],
  deferred: ["waiting", "wait", "busy"],
  held: ["held", "pause", "warn"],
  awaiting_input: ["asks people", "hand", "warn"],
  queued: ["queued", "wait", "quiet"],
  scheduled: ["queued", "wait", "quiet"],
  restarting: ["restarting", "go", "busy"],
  up_for_retry: ["tries again", "wait", "warn"],
  up_for_reschedule: ["waiting", "wait", "busy"],
};

export function stateOf(state) {
  const [word, sign, tone] =
    STATES[state] ?? (state ? [String(state).replaceAll("_", " "), "dot", "quiet"] : ["not yet", "dot", "quiet"]);
  return { word, sign, tone };
}

/** What a task that is at work does; Airflow calls most of them deferred, for they wait for AWS. */
const DOING = {
  clone_source: "reads the source",
  choose_release: "chooses",
  build: "builds",
  wait_for_scan: "is scanned",
  approve: "asks people",
  hold: "waits its turn",
  preflight: "looks ahead",
  register: "registers",
  deploy: "deploys",
  verify: "is verified",
  roll_back: "goes back",
  verdict: "ends",
};
const AT_WORK = ["running", "deferred", "up_for_reschedule"];

/** A task's state as `stateOf` tells it, in words of what it does: `task` is its id; `moves`: its traffic is seen. */
export function doing(task, state, moves = false) {
  const verb = String(task ?? "").split(".").at(-1);
  const of = stateOf(verb === "approve" && state === "deferred" ? "awaiting_input" : state);
  if (!AT_WORK.includes(state)) return of;
  return { ...of, word: verb === "deploy" && moves ? "shifts traffic" : (DOING[verb] ?? of.word) };
}

export function icon(name) {
  return svg(
    "svg",
    { viewBox: "0 0 16 16", class: "icon", "aria-hidden": "true" },
    svg("path", { d: SIGNS[name] ?? SIGNS.dot }),
  );
}

/** A state in a sign and a word. */
export function badge(state, more = "") {
  const { word, sign, tone } = stateOf(state);
  return h("span", { class: `badge ${tone}` }, icon(sign), more ? `${word} ${more}` : word);
}

/** A mark that is no state: `tone` is good, bad, warn, busy or quiet. */
export function mark(tone, sign, ...words) {
  return h("span", { class: `badge ${tone}` }, icon(sign), words);
}

export function sha(commit) {
  return commit ? h("code", { class: "sha", title: commit }, String(commit).slice(0, 7)) : null;
}

/** A digest's first characters, the whole in the title. */
export function digest(text, length = 12) {
  const short = text?.replace(/^sha256:/, "").slice(0, length);
  return text ? h("code", { class: "sha digest", title: text }, length < 12 ? `@${short}` : short) : null;
}

/** The traffic as a bar of two parts; the new version's is hatched, and both are told in words. */
export function traffic(weights) {
  const { blue = 0, green = 0 } = weights;
  const whole = Math.max(1, blue + green);
  return h(
    "span",
    { class: "traffic", role: "img", "aria-label": `Traffic: ${blue} % to the old version, ${green} % to the new one` },
    h("span", { class: "old", style: { width: `${(100 * blue) / whole}%` } }),
    h("span", { class: "new", style: { width: `${(100 * green) / whole}%` } }),
  );
}

/** A note that stands out: what is the matter, and what to do. */
export function note(tone, sign, heading, ...rest) {
  return h("section", { class: `note ${tone}` }, icon(sign), h("div", {}, h("h2", {}, heading), rest));
}

/** Who stopped the line, and why; `when` is what stands between. */
export function stopped({ by, reason }, when = []) {
  return [`${by} stopped the line`, when, `: ${reason || "no reason given"}`];
}

export function empty(heading, ...rest) {
  return h("div", { class: "empty" }, h("h2", {}, heading), rest);
}

export function loading() {
  return h(
    "div",
    { class: "loading", "aria-busy": "true" },
    h("p", { class: "said" }, "Loading"),
    [90, 70, 80, 60].map((width) => h("div", { class: "bone", style: { width: `${width}%` } })),
  );
}

/** A page that could not be had. */
export function failure(problem, again) {
  return h(
    "div",
    { class: "empty", role: "alert" },
    h("h2", {}, problem.message),
    h("p", {}, problem.advice),
    problem.status === 401
      ? link(signIn(), "Sign in", { class: "button", target: "_top" })
      : h("button", { type: "button", class: "button", onclick: again }, "Try again"),
  );
}

/** Head of a page: where one is, what it is called, what can be done. The heading takes the focus of a new page. */
export function head(trail, heading, meta = [], tools = []) {
  return h(
    "header",
    { class: "head" },
    trail.length > 0 &&
      h(
        "nav",
        { "aria-label": "You are here", class: "trail" },
        trail.map(([address, label]) => link(address, label)),
      ),
    h("div", { class: "row" }, h("h1", { tabindex: "-1" }, heading), h("div", { class: "tools" }, tools)),
    meta.length > 0 &&
      h(
        "p",
        { class: "meta" },
        meta.filter(Boolean).map((each) => h("span", {}, each)),
      ),
  );
}

export function button(label, onclick, attributes = {}) {
  return h("button", { type: "button", class: "button", onclick, ...attributes }, label);
}

/** Addresses of the board's pages. */
export const to = {
  delivery: (dag, run) => `#/deliveries/${encodeURIComponent(dag)}/${encodeURIComponent(run)}`,
  releases: (name) => `#/releases/${encodeURIComponent(name)}`,
  compare: (name, from, until) => `#/compare/${encodeURIComponent(name)}?${new URLSearchParams({ from, to: until })}`,
  measures: (name) => (name ? `#/measures/${encodeURIComponent(name)}` : "#/measures"),
};
