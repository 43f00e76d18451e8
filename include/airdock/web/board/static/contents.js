// What is in a release: the difference of its task definition, and what the scan of its image found.

import { h } from "./dom.js";
import { mark } from "./parts.js";

const SEVERITIES = {
  CRITICAL: "bad",
  HIGH: "bad",
  MEDIUM: "warn",
  LOW: "quiet",
  INFORMATIONAL: "quiet",
  UNTRIAGED: "quiet",
  UNDEFINED: "quiet",
};
const RANK = Object.keys(SEVERITIES);
const MOST_FINDINGS = 50;
const KINDS = { "+": ["added", "Added: "], "-": ["gone", "Removed: "], "~": ["other", "Changed: "] };

/** Lines that begin with +, - or ~. */
export function difference(lines, heading = "What it changes") {
  return lines.length > 0 && h("section", { class: "sheet" }, h("h2", {}, heading), diff(lines));
}

export function diff(lines) {
  return h(
    "ul",
    { class: "diff", tabindex: "0", "aria-label": "Changes" },
    lines.map((line) => {
      const [kind, word] = KINDS[line[0]] ?? ["", ""];
      return h("li", { class: kind }, word && h("span", { class: "said" }, word), line);
    }),
  );
}

export function scan(told) {
  const counts = Object.entries(told.counts ?? {})
    .filter(([, number]) => number)
    .sort(([one], [other]) => RANK.indexOf(one) - RANK.indexOf(other));
  return h(
    "section",
    { class: "sheet" },
    h("h2", {}, "What the scan found"),
    told.sentence && h("p", { class: "pad" }, told.sentence),
    h(
      "p",
      { class: "pad marks" },
      counts.length
        ? counts.map(([severity, number]) => severityMark(severity, ` ${number}`))
        : mark("good", "check", told.status === "COMPLETE" ? "no findings" : String(told.status ?? "").toLowerCase()),
    ),
    findings(told.findings ?? []),
  );
}

export function findings(all, name = "Findings") {
  const worst = [...all]
    .sort((one, other) => RANK.indexOf(one.severity) - RANK.indexOf(other.severity))
    .slice(0, MOST_FINDINGS);
  return (
    worst.length > 0 &&
    h(
      "div",
      { class: "wide-table", tabindex: "0", role: "region", "aria-label": name },
      h(
        "table",
        {},
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            ["Finding", "Severity", "Package", "Fixed in"].map((each) => h("th", { scope: "col" }, each)),
          ),
        ),
        h(
          "tbody",
          {},
          worst.map((each) =>
            h(
              "tr",
              {},
              h("th", { scope: "row" }, each.name),
              h("td", {}, severityMark(each.severity)),
              h("td", {}, each.package),
              h("td", {}, each.fix || h("span", { class: "faint" }, "no fix yet")),
            ),
          ),
        ),
      ),
      all.length > worst.length && h("p", { class: "pad faint" }, `and ${all.length - worst.length} more`),
    )
  );
}

function severityMark(severity, more = "") {
  return mark(
    SEVERITIES[severity] ?? "quiet",
    SEVERITIES[severity] === "quiet" ? "dot" : "hand",
    `${String(severity).toLowerCase()}${more}`,
  );
}
