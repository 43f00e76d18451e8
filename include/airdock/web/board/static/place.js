// One environment of an application: what is live, what is on its way there, and how the last delivery ended.

import { asks } from "./choose.js";
import { h, link } from "./dom.js";
import { badge, mark, sha, to, traffic } from "./parts.js";
import { ago } from "./time.js";

export function place(there) {
  const { live, last, running, waiting, drift } = there;
  return h(
    "div",
    { class: "place" },
    live ? release(live) : h("p", { class: "faint" }, "nothing is live yet"),
    running && onTheWay(running),
    !running && last && last.outcome !== "live" && ended(last),
    drift &&
      h(
        "div",
        { class: "ended" },
        h("p", { class: "line" }, mark("warn", "drift", "drift")),
        h("p", { class: "two", title: drift }, drift),
      ),
    waiting > 0 && h("p", { class: "line faint" }, mark("quiet", "wait", `${waiting} on the way here`)),
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
        ? h(
            "span",
            { class: "ok", title: "verified" },
            badgeSign("live"),
            h("span", { class: "said" }, "live and verified"),
          )
        : mark("warn", "hand", "not verified"),
      sha(live.commit),
      h("span", { class: "cut" }, live.author),
      ago(live.at),
    ),
  );
}

function badgeSign(state) {
  return badge(state).firstChild;
}

function onTheWay(running) {
  const task = running.stage?.split(".").at(-1) ?? "";
  const state = asks(running) ? "awaiting_input" : (running.stage_state ?? "queued");
  return h(
    "div",
    { class: "coming" },
    h(
      "p",
      { class: "line" },
      link(to.delivery(running.dag_id, running.run_id), [badge(state), task.replaceAll("_", " ")]),
      h("span", { class: "cut" }),
      ago(running.since),
    ),
    running.weights &&
      h(
        "p",
        { class: "line" },
        traffic(running.weights),
        h("span", {}, h("b", {}, `${running.weights.green} %`), " new"),
      ),
    h(
      "p",
      { class: "line" },
      sha(running.commit),
      h("span", { class: "cut", title: running.subject }, running.subject),
    ),
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
      h("span", { class: "cut" }),
      ago(last.at),
    ),
    h("p", { class: "two", title: last.sentence }, last.sentence),
  );
}
