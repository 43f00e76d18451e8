// What waits for somebody's word, with the evidence beside it.

import { h, link } from "./dom.js";
import { answer } from "./actions.js";
import { diff } from "./contents.js";
import { button, empty, head, icon, sha, to } from "./parts.js";
import { ago } from "./time.js";

export const seconds = 5;
export const source = () => "approvals";
export const title = () => "Approvals";

export function view(told, { look }) {
  return h(
    "div",
    {},
    head([], "Approvals"),
    told.approvals.length === 0
      ? empty("Nobody is asked", h("p", {}, "A release that needs an approval waits here, with what it changes."))
      : told.approvals.map((each) => question(each, look)),
  );
}

function question(each, look) {
  const key = `${each.dag_id} ${each.run_id} ${each.task_id} ${each.map_index}`;
  return h(
    "article",
    { class: "sheet question", "data-key": key, "aria-label": `${each.application} to ${each.environment}` },
    h(
      "header",
      {},
      h(
        "div",
        {},
        h("h2", {}, link(to.delivery(each.dag_id, each.run_id), each.application), ` to ${each.environment}`),
        h("p", {}, each.subject),
        h(
          "p",
          { class: "meta" },
          sha(each.commit),
          each.author && h("span", {}, each.author),
          h("span", {}, "asked ", ago(each.asked_at)),
          each.until && h("span", {}, "ends ", ago(each.until)),
          h("span", {}, approved(each)),
        ),
      ),
      each.may_answer
        ? h(
            "div",
            { class: "tools" },
            button("Refuse", () => answer(each, "Refuse", look), {
              class: "button danger",
              "aria-label": `Refuse ${each.application} for ${each.environment}`,
            }),
            button("Approve", () => answer(each, "Approve", look), {
              class: "button main",
              "aria-label": `Approve ${each.application} for ${each.environment}`,
            }),
          )
        : h("p", { class: "barred" }, icon("bar"), each.why_not || "You are not asked."),
    ),
    evidence(each.evidence, `${each.application} to ${each.environment}`),
  );
}

/** "1 of 2 have approved: alice". */
function approved({ approved_by: by, needed }) {
  if (!by.length) return needed === 1 ? "one has to approve" : `${needed} have to approve, nobody has yet`;
  return `${by.length} of ${needed} ${by.length === 1 ? "has" : "have"} approved: ${by.join(", ")}`;
}

/** What is told of the release, and below the first empty line what it changes. */
function evidence(lines, of) {
  const end = lines.indexOf(""),
    changes = end < 0 ? [] : lines.slice(end + 1);
  return [
    h(
      "pre",
      { tabindex: "0", role: "region", "aria-label": `Evidence for ${of}` },
      (end < 0 ? lines : lines.slice(0, end)).join("\n"),
    ),
    changes.length > 0 && diff(changes),
  ];
}
