// A rollout: how the traffic moved to the new version, step by step, and what was measured before each step.

import { h } from "./dom.js";
import { mark, traffic } from "./parts.js";
import { steps } from "./plot.js";
import { clock } from "./time.js";

const DECISIONS = {
  continue: ["good", "check", "goes on"],
  wait: ["busy", "wait", "waits"],
  hold: ["busy", "wait", "waits"],
  abort: ["bad", "back", "goes back"],
  stop: ["bad", "back", "goes back"],
  roll_back: ["bad", "back", "goes back"],
};

/** An environment's traffic: its `weights` so far, and the shares that are `planned` while it is under way. */
export function shifting({ weights, planned, outcome }) {
  const last = weights.at(-1);
  return h(
    "div",
    { class: "shift" },
    h(
      "div",
      { class: "split" },
      h("span", {}, h("b", {}, `${last.blue} %`), " old version"),
      h("span", {}, h("b", {}, `${last.green} %`), " new version"),
    ),
    large(last),
    steps(weights, !outcome),
    h(
      "ol",
      { class: "steps", "aria-label": "Steps" },
      weights.map((each, number) =>
        h("li", { "data-key": `${each.at}-${number}` }, clock(each.at), ` ${each.green} % new`),
      ),
      planned.length > 0 && h("li", { class: "planned" }, `then ${planned.map((each) => `${each} %`).join(", ")}`),
    ),
  );
}

function large(weights) {
  const bar = traffic(weights);
  bar.classList.add("large");
  return bar;
}

/** The answers of the analysis, the newest first. */
export function evidence(analysis) {
  return h(
    "div",
    {},
    h("h3", {}, "What was measured"),
    h(
      "ol",
      { class: "measured" },
      [...analysis].reverse().map((each) => {
        const [tone, sign, word] = DECISIONS[String(each.decision).toLowerCase()] ?? ["quiet", "dot", each.decision];
        return h(
          "li",
          { "data-key": `a-${each.at}-${each.step}` },
          h(
            "p",
            { class: "meta" },
            mark(tone, sign, word),
            clock(each.at),
            each.step !== null && each.step !== undefined && h("span", {}, `at ${each.step} % of the traffic`),
          ),
          each.sentence && h("p", {}, each.sentence),
          (each.measures ?? []).length > 0 &&
            h(
              "ul",
              { class: "measures" },
              each.measures.map((one) => h("li", {}, one)),
            ),
        );
      }),
    ),
  );
}
