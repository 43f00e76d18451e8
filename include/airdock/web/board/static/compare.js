// Two releases side by side: which commits and releases lie between them, what differs, and which findings came and went.

import { diff, findings } from "./contents.js";
import { h } from "./dom.js";
import { digest, head, icon, sha, to } from "./parts.js";
import { ago } from "./time.js";

export const seconds = 60;
export const source = ({ parts: [name], query }) => {
  const pair = new URLSearchParams({ from: query.get("from") ?? "", to: query.get("to") ?? "" });
  return `compare/${encodeURIComponent(name ?? "")}?${pair}`;
};
export const title = ({ parts: [name] }) => `Compare ${name ?? ""}`;
export const view = (told, { parts: [name] }) =>
  h(
    "div",
    {},
    head(
      [
        ["#/", "Overview"],
        [to.releases(name), name],
      ],
      "Two releases",
      [],
    ),
    h("div", { class: "pair" }, side("From", told.from), icon("over"), side("To", told.to)),
    brought(told.brought, told.brought_unknown),
    releases(told.commits),
    files(told.files),
    told.findings
      ? h(
          "div",
          { class: "columns" },
          vulnerabilities("New findings", told.findings.new),
          vulnerabilities("Findings that are gone", told.findings.gone),
        )
      : remark("Findings", "What the scan found is not known of both, so what came and went can't be told."),
  );

function side(label, release) {
  return h(
    "section",
    { class: "sheet" },
    h("h2", {}, label),
    h("p", { class: "pad" }, release.subject || "(no message)"),
    h(
      "p",
      { class: "pad meta" },
      sha(release.commit),
      release.author && h("span", {}, release.author),
      release.committed_at && ago(release.committed_at),
      digest(release.digest),
    ),
  );
}

/** What the newer of them brings, as git tells it; `unknown` says why there may be more. */
function brought(all, unknown) {
  if (!all) return remark("Commits", `Which commits came between is not known: ${unknown}.`);
  const rows = all.map((each) => [each.sha, each.subject, each.author]);
  return list(`Commits between them: ${all.length}`, rows, unknown && `There may be more: ${unknown}.`);
}

function releases(all) {
  const rows = all.map((each) => [each.commit, each.subject, [each.author, " ", ago(each.committed_at)]]);
  return list(`Releases between them: ${all.length}`, rows);
}

function list(heading, rows, more = "") {
  return h(
    "section",
    { class: "sheet" },
    h("h2", {}, heading),
    rows.length > 0 &&
      h(
        "ul",
        { class: "commits", "aria-label": heading },
        rows.map(([commit, subject, rest]) =>
          h("li", {}, sha(commit), h("span", {}, subject), h("small", {}, rest)),
        ),
      ),
    more && h("p", { class: "pad faint" }, more),
  );
}

function files(all) {
  if (!all) return remark("Files", "The files of one of them are not known, so whether they differ can't be told.");
  if (!all.length) return remark("Files", "The files that say how it is built and run are the same.");
  return all.map((each) =>
    h(
      "details",
      { class: "sheet fold", open: true, "data-key": `file-${each.path}` },
      h("summary", {}, h("h2", {}, each.path)),
      diff(each.diff),
    ),
  );
}

function remark(heading, text) {
  return h("section", { class: "sheet" }, h("h2", {}, heading), h("p", { class: "pad faint" }, text));
}

function vulnerabilities(heading, all) {
  return h(
    "section",
    { class: "sheet" },
    h("h2", {}, `${heading}: ${all.length}`),
    findings(all, heading) || h("p", { class: "pad faint" }, "None."),
  );
}
