// One delivery: the line as it runs, the traffic as it moves, and why it ended as it did.

import { h, link } from "./dom.js";
import { airflow } from "./api.js";
import { offered } from "./actions.js";
import { badge, button, doing, head, icon, mark, note, sha, stateOf, stopped, to } from "./parts.js";
import { evidence, shifting } from "./rollout.js";
import { difference, scan } from "./contents.js";
import { ago, clock, full, now, span } from "./time.js";

const BAD = ["failed", "rolled_back", "refused", "stopped"];
const LEVEL = { rolled_back: "bad", failed: "bad" };

export const seconds = 3;
export const source = ({ parts: [dag, run] }) =>
  `deliveries/${encodeURIComponent(dag ?? "")}/${encodeURIComponent(run ?? "")}`;
export const title = (_, told) => (told ? `${told.application} ${told.commit?.slice(0, 7) ?? ""}` : "Delivery");

export function view(told, { look, parts }) {
  const groups = grouped(told);
  return h(
    "article",
    {},
    head(
      [
        ["#/", "Overview"],
        [to.releases(told.application), told.application],
      ],
      told.subject || (told.commit ? "(no message)" : `Delivery of ${told.application}`),
      [badge(told.held ? "held" : told.state), sha(told.commit), told.author, told.trigger, ["started ", ago(told.started_at)], took(told)],
      told.actions.map((action) =>
        button(action.label, () => offered(action, source({ parts }), look), {
          class: `button ${["stop", "roll_back"].includes(action.name) ? "danger" : ""}`,
          "data-key": `act-${action.name}-${action.label}`,
        }),
      ),
    ),
    told.held && waits(told.held),
    why(told),
    h(
      "section",
      { class: "lines", "aria-label": "The line" },
      groups.map((each) => group(each)),
    ),
    [...told.environments].reverse().map((each) => rollout(each)),
    h("div", { class: "columns" }, difference(told.difference), told.scan && scan(told.scan)),
    stages(told),
    links(told),
    told.note && h("p", { class: "meta" }, `Note: ${told.note}`),
  );
}

function took(told) {
  if (!told.started_at) return null;
  return told.ended_at ? `took ${span((Date.parse(told.ended_at) - Date.parse(told.started_at)) / 1000)}` : null;
}

/** The line that is stopped, before which it waits. */
function waits(frozen) {
  return note(
    "warn",
    "pause",
    "Held",
    h("p", {}, stopped(frozen, [" ", ago(frozen.at)]), ". This delivery goes on by itself once the line runs again."),
  );
}

/** Why it did not go live: the sentence first, the lines behind it after. */
function why(told) {
  const ended = told.environments.filter((each) => BAD.includes(each.outcome) || each.outcome === "superseded");
  if (ended.length) {
    return ended.map((each) => {
      const { word, sign } = stateOf(each.outcome);
      return note(
        LEVEL[each.outcome] ?? "warn",
        sign,
        `${each.name}: ${word}`,
        h("p", {}, each.sentence),
        each.details.length > 0 &&
          h(
            "details",
            { "data-key": `why-${each.name}`, open: true },
            h("summary", {}, "What happened"),
            h(
              "ul",
              { class: "details" },
              each.details.map((line) => h("li", {}, line)),
            ),
          ),
      );
    });
  }
  const failed = told.stages.filter((stage) => stage.state === "failed" && stage.reason);
  const last = told.environments.at(-1);
  if (told.state === "success" && last?.outcome === "live")
    return note("good", "check", `${last.name}: live`, h("p", {}, last.sentence));
  return failed.map((stage) => note("bad", "cross", `${stage.label} failed`, h("p", {}, stage.reason)));
}

function grouped(told) {
  const names = [null, ...told.environments.map((each) => each.name)];
  for (const { environment } of told.stages) if (!names.includes(environment)) names.push(environment);
  return names
    .map((name) => {
      const there = told.environments.find((each) => each.name === name);
      const moves = there?.weights.length > 0;
      return { name, moves, stages: told.stages.filter((stage) => stage.environment === name), outcome: there?.outcome };
    })
    .filter((each) => each.stages.length);
}

function group({ name, moves, stages: all, outcome }) {
  const heading = name ?? "Release";
  return h(
    "section",
    { class: "stretch", "data-key": `g-${heading}`, "aria-label": heading },
    h("h2", {}, heading, " ", outcome && badge(outcome)),
    h(
      "ol",
      {},
      all.map((stage) => stop(stage, moves)),
    ),
  );
}

function stop(stage, moves) {
  const { word, sign, tone } = doing(stage.task_id, stage.state, moves);
  const begun = stage.started_at && !["skipped", "removed", "upstream_failed"].includes(stage.state);
  const running = begun && !stage.ended_at;
  return h(
    "li",
    { class: `stop ${tone}`, "data-key": stage.task_id, title: stage.reason || null },
    h("span", { class: "knob" }, icon(sign)),
    link(airflow(stage.url), stage.label, { target: "_top" }),
    !running && h("span", { class: "said" }, `: ${word}`),
    h(
      "small",
      {},
      running ? [h("span", { class: "doing" }, word), "began ", ago(stage.started_at)] : begun ? span(stage.seconds) : word,
      stage.try_number > 1 && ` · try ${stage.try_number}`,
    ),
  );
}

function rollout(each) {
  const parts = [
    each.weights.length > 0 && shifting(each),
    each.analysis.length > 0 && evidence(each.analysis),
  ].filter(Boolean);
  return (
    parts.length > 0 &&
    h(
      "details",
      { class: "sheet fold", "data-key": `r-${each.name}`, open: each.outcome !== "live" },
      h("summary", {}, h("h2", {}, `Traffic in ${each.name}`), each.outcome && badge(each.outcome)),
      h("div", { class: "rollout" }, parts),
    )
  );
}

/** Every stage with its times, as bars on one scale. */
function stages(told) {
  const from = Date.parse(told.started_at ?? ""),
    until = told.ended_at ? Date.parse(told.ended_at) : now();
  const begun = told.stages.filter((stage) => stage.started_at);
  return (
    begun.length > 0 &&
    h(
      "details",
      { class: "sheet fold", "data-key": "times" },
      h("summary", {}, h("h2", {}, "Times of every stage")),
      h(
        "div",
        { class: "wide-table" },
        h(
          "table",
          {},
          h(
            "thead",
            {},
            h(
              "tr",
              {},
              ["Stage", "State", "Began", "Took", "Tries"].map((each) => h("th", { scope: "col" }, each)),
              h("th", { scope: "col", class: "chart" }, "When"),
            ),
          ),
          h(
            "tbody",
            {},
            begun.map((stage) =>
              h(
                "tr",
                { "data-key": stage.task_id },
                h(
                  "th",
                  { scope: "row" },
                  link(airflow(stage.url), stage.environment ? `${stage.environment}: ${stage.label}` : stage.label, {
                    target: "_top",
                  }),
                ),
                h("td", {}, atWork(stage)),
                h("td", {}, clock(stage.started_at)),
                h("td", {}, stage.seconds === null ? "…" : span(stage.seconds)),
                h("td", {}, String(stage.try_number ?? "")),
                h("td", { class: "chart" }, duration(stage, from, until)),
              ),
            ),
          ),
        ),
      ),
    )
  );
}

function atWork(stage) {
  const { word, sign, tone } = doing(stage.task_id, stage.state);
  return mark(tone, sign, word);
}

function duration(stage, from, until) {
  const begin = Date.parse(stage.started_at),
    end = stage.ended_at ? Date.parse(stage.ended_at) : until,
    whole = Math.max(1, until - from);
  return h(
    "span",
    { class: "track", "aria-hidden": "true" },
    h("span", {
      class: `length ${stateOf(stage.state).tone}`,
      title: full(stage.started_at),
      style: {
        "margin-left": `${Math.min(99, Math.max(0, (100 * (begin - from)) / whole))}%`,
        width: `${Math.min(100, Math.max(0.6, (100 * (end - begin)) / whole))}%`,
      },
    }),
  );
}

function links(told) {
  return (
    told.links.length > 0 &&
    h(
      "section",
      {},
      h("h2", {}, "Elsewhere"),
      h(
        "ul",
        { class: "links" },
        told.links.map((each) =>
          h("li", {}, link(airflow(each.url), each.label, { target: "_blank", rel: "noopener noreferrer" })),
        ),
      ),
    )
  );
}
