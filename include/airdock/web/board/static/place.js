// One environment of an application: what is live, what is on its way there, and how the last delivery ended.

import { h, link } from "./dom.js";
import { badge, digest, doing, mark, sha, stopped, to, traffic } from "./parts.js";
import { ago } from "./time.js";

/** What is not told of `there` is not so. `frozen`: who stopped the line, and why; null while it runs. */
export function place(there, frozen) {
  const { live, last, running, drift } = there;
  return h(
    "div",
    { class: "place" },
    live ? release(live) : h("p", { class: "faint" }, "nothing is live yet"),
    running && onTheWay(running, frozen),
    !running && last && ended(last),
    drift &&
      h(
        "div",
        { class: "ended" },
        h("p", { class: "two", title: drift }, mark("warn", "drift", "drift"), " ", drift),
      ),
    there.waiting > 0 && waiting(there),
  );
}

function release(live) {
  return h(
    "p",
    { class: "live" },
    h(
      "span",
      { class: "subject" },
      link(to.delivery(live.dag_id, live.run_id), live.subject || "(no message)", { title: live.subject }),
    ),
    h(
      "span",
      { class: "meta" },
      live.verified
        ? h("span", { class: "badge good", title: "live and verified" }, badge("live").firstChild, "live")
        : mark("warn", "hand", "not verified"),
      sha(live.commit),
      digest(live.digest, 7),
      h("span", { class: "cut", title: live.author }, live.author),
      ago(live.at),
    ),
  );
}

function onTheWay(running, frozen) {
  const held = running.stage_state === "held";
  const { word, sign, tone } = doing(running.stage, running.stage_state ?? "queued", Boolean(running.weights));
  return h(
    "div",
    { class: held ? "coming held" : "coming" },
    h(
      "p",
      { class: "line" },
      link(to.delivery(running.dag_id, running.run_id), mark(tone, sign, word)),
      running.weights && [traffic(running.weights), h("span", {}, h("b", {}, `${running.weights.green} %`), " new")],
      !running.weights && h("span", { class: "cut" }),
      ago(running.since),
    ),
    h(
      "p",
      { class: "line" },
      sha(running.commit),
      h("span", { class: "cut", title: running.subject }, running.subject),
    ),
    held && frozen && h("p", { class: "two", title: frozen.reason }, stopped(frozen)),
  );
}

/** What comes here next, each by name, and how many more there are. */
function waiting({ waiting: number, coming }) {
  const more = number - coming.length;
  return h(
    "div",
    { class: "coming later" },
    coming.map((each) =>
      h(
        "p",
        { class: "line", "data-key": `${each.dag_id} ${each.run_id}` },
        link(to.delivery(each.dag_id, each.run_id), [
          mark("quiet", "wait", each.stage ? doing(each.stage, each.stage_state).word : "queued"),
          each.commit && sha(each.commit),
        ]),
        h("span", { class: "cut", title: each.subject }, each.subject ?? "comes here"),
      ),
    ),
    more > 0 && h("p", { class: "line" }, `and ${more} more on the way here`),
  );
}

/** How the last delivery ended, where it is not what is live. */
function ended(last) {
  return h(
    "div",
    { class: "ended" },
    h(
      "p",
      { class: "line" },
      link(to.delivery(last.dag_id, last.run_id), badge(last.outcome)),
      sha(last.commit),
      h("span", { class: "cut", title: last.subject }, last.subject),
      ago(last.at),
    ),
    h("p", { class: "two", title: last.sentence }, why(last.sentence)),
  );
}

/** The reason in the sentence of an outcome, whose beginning says what stands beside it already. */
function why(sentence) {
  const [, reason] = /^[^:]* (?:was rolled back|failed|was refused|was overtaken|was stopped): (.+)$/.exec(sentence) ?? [];
  return reason ?? sentence;
}
