// Applications × environments: what runs where, what is on its way, what needs a look.

import { h, link } from "./dom.js";
import { badge, button, empty, head, mark, sha, to, traffic } from "./parts.js";
import { ago } from "./time.js";
import { menu } from "./actions.js";

const PORTION = 60;
const TROUBLE = ["rolled_back", "failed", "refused", "stopped"];
const GROUPS = [["moving", "On the way"], ["trouble", "Needs a look"], ["steady", "Steady"]];
const FILTERS = [
  ["", "All", () => true],
  ["moving", "On the way", (each) => moves(each)],
  ["trouble", "Needs a look", (each) => troubled(each)],
  ["asked", "Asks people", (each) => each.environments.some((there) => there.running && asks(there.running))],
  ["drift", "Drift", (each) => each.environments.some((there) => there.drift)],
  ["unverified", "Not verified", (each) => each.environments.some((there) => there.live && !there.live.verified)],
];

export const title = () => "Overview";
export const seconds = 4;
export const source = () => "overview";

let portion = PORTION;
let drawn = new Map();

/** A new visit begins at the first portion, and with rows of its own. */
export function begin() {
  portion = PORTION;
  drawn = new Map();
}

export function view(told, { query, go, again, main }) {
  const wanted = query.get("q") ?? "", filter = query.get("show") ?? "";
  const change = (name, value) => {
    const next = new URLSearchParams(query);
    value ? next.set(name, value) : next.delete(name);
    portion = PORTION;
    go(`#/${next.size ? `?${next}` : ""}`);
  };
  const found = told.applications.filter((each) => matches(each, wanted) && passes(each, filter));
  return h("div", {}, head([], "Overview", [], []),
    search(wanted, (value) => change("q", value)),
    filters(told.applications.filter((each) => matches(each, wanted)), filter, (value) => change("show", value)),
    h("p", { class: "said", role: "status" }, `${found.length} of ${told.applications.length} applications`),
    told.applications.length === 0 ? nothing() : found.length === 0 ? noMatch(() => go("#/")) : table(found, main),
    found.length > portion && more(found.length, () => { portion += PORTION * 3; again(); }));
}

function search(wanted, oninput) {
  return h("form", { role: "search", class: "search", onsubmit: (event) => event.preventDefault() },
    h("label", { class: "said", for: "filter" }, "Filter by application, owner, commit, subject or author"),
    h("input", { id: "filter", type: "search", value: wanted, placeholder: "Filter: name, owner, commit, author …", autocomplete: "off", spellcheck: "false",
      oninput: (event) => oninput(event.target.value) }),
    h("kbd", { "aria-hidden": "true" }, "/"));
}

function filters(all, chosen, choose) {
  return h("div", { class: "chips", role: "group", "aria-label": "Show" }, FILTERS.map(([name, label, test]) =>
    button([label, " ", h("b", {}, String(all.filter(test).length))], () => choose(name), { class: "button chip", "aria-pressed": String(name === chosen), "data-key": `f-${name}` })));
}

function table(found, main) {
  const names = columns(found);
  const ordered = GROUPS.map(([name, label]) => [name, label, found.filter((each) => group(each) === name)]);
  let left = portion;
  return h("table", { class: "board", role: "table", "aria-rowcount": String(found.length + 1), "data-key": "board" },
    h("caption", { class: "said" }, "What runs in each environment of each application"),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ["Application", ...names].map((each) => h("th", { scope: "col", role: "columnheader" }, each)),
      h("th", { scope: "col", role: "columnheader" }, h("span", { class: "said" }, "Actions")))),
    ordered.filter(([, , rows]) => rows.length).map(([name, label, rows]) => {
      const shown = rows.slice(0, Math.max(0, left));
      left -= rows.length;
      return shown.length > 0 && h("tbody", { "data-key": name, role: "rowgroup" },
        h("tr", { class: "group", "data-key": "-", role: "row" }, h("th", { scope: "rowgroup", role: "rowheader", colspan: names.length + 2 }, label, " ", h("b", {}, String(rows.length)))),
        shown.map((each) => row(each, names, main)));
    }));
}

/** One application; the row that stands there stays while nothing about it has changed. */
function row(each, names, main) {
  const text = JSON.stringify([each, names]), key = each.name;
  if (drawn.get(key)?.text === text && main.contains(drawn.get(key).node)) return h("tr", { "data-key": key, "data-keep": "" });
  const places = new Map(each.environments.map((there) => [there.name, there]));
  const node = h("tr", { "data-key": key, role: "row" },
    h("th", { scope: "row", role: "rowheader" }, link(to.releases(each.name), each.name),
      h("small", {}, each.owner && h("span", {}, each.owner), each.description && h("span", { title: each.description }, each.description))),
    names.map((name) => h("td", { role: "cell", "data-label": name }, places.has(name) ? place(places.get(name)) : h("span", { class: "faint" }, "–"))),
    h("td", { class: "act", role: "cell" }, menu(each)));
  drawn.set(key, { text, get node() { return main.querySelector(`tr[data-key="${CSS.escape(key)}"]`); } });
  return node;
}

function place(there) {
  const { live, last, running, waiting, drift } = there;
  return h("div", { class: "place" },
    live ? release(live) : h("p", { class: "faint" }, "nothing is live yet"),
    running && onTheWay(running),
    !running && last && last.outcome !== "live" && ended(last),
    drift && h("div", { class: "ended" }, h("p", { class: "line" }, mark("warn", "drift", "drift")), h("p", { class: "two", title: drift }, drift)),
    waiting > 0 && h("p", { class: "line faint" }, mark("quiet", "wait", `${waiting} on the way here`)));
}

function release(live) {
  return h("p", { class: "live" },
    h("span", { class: "subject" }, link(to.delivery(live.dag_id, live.run_id), live.subject || "(no message)", { title: live.subject })),
    h("span", { class: "meta" }, live.verified ? h("span", { class: "ok", title: "verified" }, badgeSign("live"), h("span", { class: "said" }, "live and verified")) : mark("warn", "hand", "not verified"),
      sha(live.commit), h("span", { class: "cut" }, live.author), ago(live.at)));
}

function badgeSign(state) {
  return badge(state).firstChild;
}

function onTheWay(running) {
  const task = running.stage?.split(".").at(-1) ?? "";
  const state = asks(running) ? "awaiting_input" : running.stage_state ?? "queued";
  return h("div", { class: "coming" },
    h("p", { class: "line" }, link(to.delivery(running.dag_id, running.run_id), [badge(state), task.replaceAll("_", " ")]), h("span", { class: "cut" }), ago(running.since)),
    running.weights && h("p", { class: "line" }, traffic(running.weights), h("span", {}, h("b", {}, `${running.weights.green} %`), " new")),
    h("p", { class: "line" }, sha(running.commit), h("span", { class: "cut", title: running.subject }, running.subject)));
}

/** How the last delivery ended, where it is not what is live. */
function ended(last) {
  return h("div", { class: "ended" },
    h("p", { class: "line" }, link(to.delivery(last.dag_id, last.run_id), badge(last.outcome)), sha(last.commit), h("span", { class: "cut" }), ago(last.at)),
    h("p", { class: "two", title: last.sentence }, last.sentence));
}

function more(number, onclick) {
  return h("p", { class: "more" }, button(`Show more (${number - portion} left)`, onclick, { "data-more": "" }));
}

function nothing() {
  return empty("No application yet", h("p", {}, "An application appears here once its pipeline file lies in the DAG folder and you may see its DAG."));
}

function noMatch(onclick) {
  return empty("Nothing matches", h("p", {}, "No application, owner, commit, subject or author is like what you typed."), button("Show all", onclick));
}

/** The environments' names: in the order of the applications, each after the one that it stands after there. */
function columns(found) {
  const names = [];
  for (const each of found) {
    let after = 0;
    for (const { name } of each.environments) {
      if (!names.includes(name)) names.splice(after, 0, name);
      after = names.indexOf(name) + 1;
    }
  }
  return names;
}

function matches(each, wanted) {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return true;
  const releases = each.environments.flatMap((there) => [there.live, there.running, there.last]).filter(Boolean);
  const text = [each.name, each.owner, each.description, ...releases.flatMap((one) => [one.commit, one.subject, one.author])].join("\n").toLowerCase();
  return words.every((word) => text.includes(word));
}

function passes(each, filter) {
  return (FILTERS.find(([name]) => name === filter) ?? FILTERS[0])[2](each);
}

const asks = (running) => running.stage?.endsWith(".approve") && running.stage_state === "deferred";
const moves = (each) => each.environments.some((there) => there.running || there.waiting > 0);
const troubled = (each) => each.environments.some((there) => there.drift || (!there.running && TROUBLE.includes(there.last?.outcome)));
const group = (each) => (moves(each) ? "moving" : troubled(each) ? "trouble" : "steady");

