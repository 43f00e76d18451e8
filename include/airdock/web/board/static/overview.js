// Applications × environments: what runs where, what is on its way, what needs a look.

import { h, link } from "./dom.js";
import { menu } from "./actions.js";
import { FILTERS, GROUPS, columns, group, matches, passes } from "./choose.js";
import { button, empty, head, to } from "./parts.js";
import { place } from "./place.js";

const PORTION = 60;
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
  const wanted = query.get("q") ?? "",
    filter = query.get("show") ?? "";
  const change = (name, value) => {
    const next = new URLSearchParams(query);
    value ? next.set(name, value) : next.delete(name);
    portion = PORTION;
    go(`#/${next.size ? `?${next}` : ""}`);
  };
  const found = told.applications.filter((each) => matches(each, wanted) && passes(each, filter));
  return h(
    "div",
    {},
    h(
      "div",
      { class: "find" },
      head([], "Overview", [], []),
      search(wanted, (value) => change("q", value)),
      filters(
        told.applications.filter((each) => matches(each, wanted)),
        filter,
        (value) => change("show", value),
      ),
    ),
    h("p", { class: "said", role: "status" }, `${found.length} of ${told.applications.length} applications`),
    told.applications.length === 0 ? nothing() : found.length === 0 ? noMatch(() => go("#/")) : table(found, main, told.frozen),
    found.length > portion &&
      more(found.length, () => {
        portion += PORTION * 3;
        again();
      }),
  );
}

function search(wanted, oninput) {
  return h(
    "form",
    { role: "search", class: "search", onsubmit: (event) => event.preventDefault() },
    h("label", { class: "said", for: "filter" }, "Filter by application, owner, commit, subject or author"),
    h("input", {
      id: "filter",
      type: "search",
      value: wanted,
      placeholder: "Filter: name, owner, commit, author …",
      autocomplete: "off",
      spellcheck: "false",
      oninput: (event) => oninput(event.target.value),
    }),
    h("kbd", { "aria-hidden": "true" }, "/"),
  );
}

function filters(all, chosen, choose) {
  return h(
    "div",
    { class: "chips", role: "group", "aria-label": "Show" },
    FILTERS.map(([name, label, test]) =>
      button([label, " ", h("b", {}, String(all.filter(test).length))], () => choose(name), {
        class: "button chip",
        "aria-pressed": String(name === chosen),
        "data-key": `f-${name}`,
      }),
    ),
  );
}

function table(found, main, frozen) {
  const names = columns(found);
  const ordered = GROUPS.map(([name, label]) => [name, label, found.filter((each) => group(each) === name)]);
  let left = portion;
  return h(
    "table",
    { class: "board", role: "table", "aria-rowcount": String(found.length + 1), "data-key": "board" },
    h("caption", { class: "said" }, "What runs in each environment of each application"),
    h(
      "thead",
      { role: "rowgroup" },
      h(
        "tr",
        { role: "row" },
        ["Application", ...names].map((each) => h("th", { scope: "col", role: "columnheader" }, each)),
        h("th", { scope: "col", role: "columnheader" }, h("span", { class: "said" }, "Actions")),
      ),
    ),
    ordered
      .filter(([, , rows]) => rows.length)
      .map(([name, label, rows]) => {
        const shown = rows.slice(0, Math.max(0, left));
        left -= rows.length;
        return (
          shown.length > 0 &&
          h(
            "tbody",
            { "data-key": name, role: "rowgroup" },
            h(
              "tr",
              { class: "group", "data-key": "-", role: "row" },
              h(
                "th",
                { scope: "rowgroup", role: "rowheader", colspan: names.length + 2 },
                label,
                " ",
                h("b", {}, String(rows.length)),
              ),
            ),
            shown.map((each) => row(each, names, main, frozen)),
          )
        );
      }),
  );
}

/** One application; the row that stands there stays while nothing about it has changed. */
function row(each, names, main, frozen) {
  const text = JSON.stringify([each, names, frozen]),
    key = each.name;
  if (drawn.get(key)?.text === text && main.contains(drawn.get(key).node))
    return h("tr", { "data-key": key, "data-keep": "" });
  const places = new Map(each.environments.map((there) => [there.name, there]));
  const node = h(
    "tr",
    { "data-key": key, role: "row" },
    h(
      "th",
      { scope: "row", role: "rowheader" },
      link(to.releases(each.name), each.name),
      h(
        "small",
        {},
        each.owner && h("span", {}, each.owner),
        each.description && h("span", { title: each.description }, each.description),
      ),
    ),
    names.map((name) =>
      h(
        "td",
        { role: "cell", "data-label": name },
        places.has(name) ? place(places.get(name), frozen) : h("span", { class: "faint" }, "–"),
      ),
    ),
    h("td", { class: "act", role: "cell" }, menu(each)),
  );
  drawn.set(key, {
    text,
    get node() {
      return main.querySelector(`tr[data-key="${CSS.escape(key)}"]`);
    },
  });
  return node;
}

function more(number, onclick) {
  return h("p", { class: "more" }, button(`Show more (${number - portion} left)`, onclick, { "data-more": "" }));
}

function nothing() {
  return empty(
    "No application yet",
    h("p", {}, "An application appears here once its pipeline file lies in the DAG folder and you may see its DAG."),
  );
}

function noMatch(onclick) {
  return empty(
    "Nothing matches",
    h("p", {}, "No application, owner, commit, subject or author is like what you typed."),
    button("Show all", onclick),
  );
}
