// The releases of an application, newest first, and where each is and was.

import { h, link } from "./dom.js";
import { deployRelease } from "./actions.js";
import { badge, button, digest, empty, head, mark, sha, to } from "./parts.js";
import { ago, span } from "./time.js";

export const seconds = 10;
export const source = ({ parts: [name] }) => `releases/${encodeURIComponent(name ?? "")}`;
export const title = ({ parts: [name] }) => name ?? "Releases";

let chosen = [];

export function begin() {
  chosen = [];
}

export function view(told, { board, again }) {
  const app = board?.applications.find((each) => each.name === told.application);
  chosen = chosen.filter((key) => told.releases.some((each) => each.release === key));
  const choose = (key, on) => {
    chosen = on ? [...chosen, key].slice(-2) : chosen.filter((each) => each !== key);
    again();
  };
  const [newer, older] = told.releases.map((each) => each.release).filter((key) => chosen.includes(key));
  return h(
    "div",
    {},
    head([["#/", "Overview"]], told.application, app ? [app.description, app.owner] : [], [
      link(to.measures(told.application), "Measures", { class: "button" }),
      button(
        "Compare",
        () => {
          location.hash = to.compare(told.application, older, newer);
        },
        { disabled: chosen.length < 2, title: "Choose two releases", "data-key": "compare" },
      ),
    ]),
    h(
      "p",
      { class: "hint" },
      chosen.length < 2 ? `Choose ${chosen.length ? "one more" : "two releases"} to compare.` : "Two are chosen.",
    ),
    told.releases.length === 0
      ? empty("No release yet", h("p", {}, "The first delivery makes one."))
      : table(told, app, choose),
  );
}

function table(told, app, choose) {
  return h(
    "div",
    { class: "sheet cards" },
    h(
      "table",
      { role: "table" },
      h("caption", { class: "said" }, `Releases of ${told.application}`),
      h(
        "thead",
        {},
        h(
          "tr",
          { role: "row" },
          h("th", { scope: "col" }, h("span", { class: "said" }, "Compare")),
          ["Release", "Where it is and was"].map((each) => h("th", { scope: "col" }, each)),
          ["Build", "Lead time"].map((each) => h("th", { scope: "col", class: "figure" }, each)),
          h("th", { scope: "col" }, h("span", { class: "said" }, "Actions")),
        ),
      ),
      h(
        "tbody",
        {},
        told.releases.map((each, place) =>
          h(
            "tr",
            { "data-key": each.release, role: "row" },
            h(
              "td",
              { role: "cell", class: "pick" },
              h("input", {
                type: "checkbox",
                checked: chosen.includes(each.release),
                "aria-label": `Compare ${short(each)} ${each.subject ?? ""}`,
                onchange: (event) => choose(each.release, event.target.checked),
              }),
            ),
            h(
              "th",
              { scope: "row", role: "rowheader" },
              h("span", { class: "subject" }, each.subject || "(no message)"),
              h(
                "p",
                { class: "meta" },
                sha(each.commit),
                each.author && h("span", {}, each.author),
                ago(each.committed_at),
                digest(each.digest),
              ),
            ),
            h(
              "td",
              { role: "cell" },
              h(
                "ul",
                { class: "whereabouts" },
                each.environments.map((there) => whereabouts(there)),
              ),
            ),
            h("td", { role: "cell", class: "figure", "data-label": "Build" }, span(each.built_seconds)),
            h("td", { role: "cell", class: "figure", "data-label": "Lead time" }, span(each.lead_seconds)),
            h(
              "td",
              { role: "cell", class: "act" },
              h(
                "div",
                { class: "actions" },
                contents(told.application, told.releases[place + 1], each),
                app?.can_deploy && offers(app, each),
              ),
            ),
          ),
        ),
      ),
    ),
  );
}

const short = (release) => (release.commit ?? "").slice(0, 7);

/** What a release brings beyond the one before it. */
function contents(application, before, release) {
  const label = { class: "button", "aria-label": `What is in it: ${short(release)}` };
  return before && link(to.compare(application, before.release, release.release), "What is in it", label);
}

function whereabouts(there) {
  const state = [
    there.live ? mark("good", "check", "live now") : there.was_live && mark("quiet", "check", "was live"),
    there.outcome !== "live" && badge(there.outcome),
  ];
  return h(
    "li",
    { title: there.sentence || null },
    link(to.delivery(there.dag_id, there.run_id), [h("b", {}, there.name), state]),
    ago(there.at),
    there.was_live && !there.verified && mark("warn", "hand", "not verified"),
  );
}

/** The next environment after those where it was live, and those where it was and is not any more. */
function offers(app, release) {
  const been = new Map(
    release.environments.filter((there) => there.was_live).map((there) => [there.name, there]),
  );
  const names = app.environments.map((there) => there.name);
  const next = names.find((name, place) => place > 0 && !been.has(name) && been.has(names[place - 1]));
  return [
    next && button(`Promote to ${next}`, () => deployRelease(app, release, names[names.indexOf(next) - 1], next)),
    ...names
      .filter((name) => been.has(name) && !been.get(name).live)
      .map((name) =>
        button(`Back to ${name}`, () => deployRelease(app, release, name, name), {
          "aria-label": `Deploy ${short(release)} to ${name} again`,
        }),
      ),
  ];
}
