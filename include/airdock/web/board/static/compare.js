// Two releases side by side: what lies between them, what differs, and which findings came and went.

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
    commits(told.commits),
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

function commits(all) {
  return h(
    "section",
    { class: "sheet" },
    h("h2", {}, `Releases between them: ${all.length}`),
    all.length > 0 &&
      h(
        "ul",
        { class: "commits" },
        all.map((each) =>
          h(
            "li",
            {},
            sha(each.commit),
            h("span", {}, each.subject),
            h("small", {}, each.author, " ", ago(each.committed_at)),
          ),
        ),
      ),
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
