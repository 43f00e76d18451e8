// The four DORA figures, per application and for all; lead times and durations of stages; and the runs behind them.

import { h, link } from "./dom.js";
import { badge, button, empty, head, to } from "./parts.js";
import { bars, leads } from "./plot.js";
import { ago, span } from "./time.js";

const DAYS = ["7", "30", "90"];
const FIGURES = [
  ["Deployments a day", (each) => rate(each.deployments_per_day), "How often a release goes live."],
  ["Lead time", (each) => span(each.lead_seconds_median), "From the commit to live, the median."],
  ["Failures", (each) => percent(each.change_failure_rate), "The part of all deployments that failed or went back."],
  [
    "Time to restore",
    (each) => span(each.restore_seconds_median),
    "From a failure to the next release that is live, the median.",
  ],
];
const MOST_RUNS = 40,
  MOST_ROWS = 500;

export const seconds = 30;
export const title = ({ parts: [name] }) => (name ? `Measures of ${name}` : "Measures");
export const source = ({ parts: [name], query }) =>
  `measures?${new URLSearchParams({ days: days(query), ...(name && { application: name }) })}`;

const days = (query) => (DAYS.includes(query.get("days")) ? query.get("days") : "30");

export function view(told, { parts: [name], query, go }) {
  const one = name && told.applications.find((each) => each.name === name);
  const at = `${to.measures(name)}?days=`;
  return h(
    "div",
    {},
    head(
      name
        ? [
            ["#/", "Overview"],
            ["#/measures", "Measures"],
          ]
        : [],
      name ?? "Measures",
      [],
      [
        h(
          "div",
          { class: "chips", role: "group", "aria-label": "Period" },
          DAYS.map((each) =>
            button(`${each} days`, () => go(at + each), {
              class: "button chip",
              "aria-pressed": String(each === days(query)),
              "data-key": each,
            }),
          ),
        ),
      ],
    ),
    name && !one
      ? empty("Nothing was measured", h("p", {}, `${name} had no delivery in these ${told.days} days.`))
      : [tiles(one || told.all), one ? [plots(one), runs(one)] : table(told.applications)],
  );
}

function tiles(all) {
  return h(
    "dl",
    { class: "tiles" },
    FIGURES.map(([label, figure, meaning]) =>
      h(
        "div",
        { class: "sheet" },
        h("dt", {}, label),
        h("dd", { class: "large" }, figure(all)),
        h("dd", { class: "faint" }, meaning),
      ),
    ),
  );
}

function table(all) {
  if (!all.length) return empty("Nothing was measured", h("p", {}, "No delivery ended in this time."));
  return h(
    "div",
    { class: "sheet" },
    h(
      "div",
      { class: "wide-table", tabindex: "0", role: "region", "aria-label": "Figures of each application" },
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("th", { scope: "col" }, "Application"),
            FIGURES.map(([label]) => h("th", { scope: "col", class: "figure" }, label)),
            h("th", { scope: "col", class: "figure" }, "Deployments"),
            h("th", { scope: "col", class: "figure" }, "Failed"),
          ),
        ),
        h(
          "tbody",
          {},
          all.slice(0, MOST_ROWS).map((each) =>
            h(
              "tr",
              { "data-key": each.name },
              h("th", { scope: "row" }, link(to.measures(each.name), each.name)),
              FIGURES.map(([, figure]) => h("td", { class: "figure" }, figure(each))),
              h("td", { class: "figure" }, String(each.deployments)),
              h("td", { class: "figure" }, String(each.failures)),
            ),
          ),
        ),
      ),
    ),
  );
}

function plots(one) {
  const plot = leads(one.runs.map((run) => ({ ...run, address: to.delivery(run.dag_id, run.run_id) })));
  return h(
    "div",
    { class: "columns" },
    plot &&
      h(
        "section",
        { class: "sheet" },
        h("h2", {}, "Lead time"),
        h(
          "figure",
          { class: "pad" },
          plot,
          h("figcaption", { class: "faint" }, "A dot went live after so long; a cross at the bottom did not go live."),
        ),
      ),
    one.stages.length > 0 &&
      h(
        "section",
        { class: "sheet" },
        h("h2", {}, "How long the stages take"),
        h(
          "table",
          { class: "stages" },
          h(
            "thead",
            { class: "said" },
            h(
              "tr",
              {},
              ["Stage", "The last runs", "Median"].map((each) => h("th", { scope: "col" }, each)),
            ),
          ),
          h(
            "tbody",
            {},
            one.stages
              .filter((stage) => stage.seconds.length)
              .map((stage) =>
                h(
                  "tr",
                  { "data-key": stage.label },
                  h("th", { scope: "row" }, stage.label),
                  h("td", {}, bars(stage.label, stage.seconds)),
                  h("td", { class: "figure" }, span(median(stage.seconds))),
                ),
              ),
          ),
        ),
      ),
  );
}

function runs(one) {
  return (
    one.runs.length > 0 &&
    h(
      "section",
      { class: "sheet runs" },
      h("h2", {}, `Runs behind the figures: ${one.runs.length}`),
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("th", { scope: "col" }, "Run"),
            h("th", { scope: "col" }, "Ended as"),
            h("th", { scope: "col", class: "figure" }, "Lead time"),
            h("th", { scope: "col", class: "figure" }, "When"),
          ),
        ),
        h(
          "tbody",
          {},
          one.runs
            .slice(0, MOST_RUNS)
            .map((run) =>
              h(
                "tr",
                { "data-key": `${run.dag_id} ${run.run_id} ${run.at}` },
                h("th", { scope: "row" }, link(to.delivery(run.dag_id, run.run_id), run.run_id)),
                h("td", {}, badge(run.outcome)),
                h("td", { class: "figure" }, span(run.lead_seconds)),
                h("td", { class: "figure" }, ago(run.at)),
              ),
            ),
        ),
      ),
    )
  );
}

function median(all) {
  const sorted = [...all].sort((one, other) => one - other),
    middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const rate = (each) => (each === null || each === undefined ? "–" : each < 10 ? each.toFixed(2) : each.toFixed(1));
const percent = (each) => ((each ?? null) === null ? "–" : `${(100 * each).toFixed(each < 0.1 ? 1 : 0)} %`);
