// What somebody can do to an application, each told in words before it happens.

import { Problem, ask } from "./api.js";
import { h } from "./dom.js";
import { choice, confirm, field } from "./confirm.js";
import { button, sha, to } from "./parts.js";

let board = { frozen: null };
let notify = () => {};

/** What the page knows of the line, and how it tells what was done. */
export function connect(told, tell) {
  board = told ?? board;
  notify = tell ?? notify;
}

/** The actions of an application's row. */
export function menu(app) {
  if (!app.can_deploy)
    return h(
      "span",
      { class: "faint", title: "You may look, but not deploy" },
      h("span", { class: "said" }, "You may look, but not deploy"),
      "view only",
    );
  return h(
    "div",
    { class: "actions" },
    button("Deliver", () => deliver(app), { "aria-label": `Deliver ${app.name}` }),
    app.environments.some((there) => there.live) &&
      button("Roll back", () => rollBack(app), { "aria-label": `Roll back ${app.name}` }),
  );
}

export function deliver(app) {
  const names = app.environments.map((there) => there.name);
  confirm({
    heading: `Deliver ${app.name}`,
    label: "Deliver",
    says: [
      "The newest commit of its branch is built and scanned, then goes through the environments in their order.",
      "Each environment is verified; what fails there goes back by itself, and the line ends.",
      held(),
    ],
    fields: [
      choice("environment", "As far as", names, names.at(-1)),
      field(
        "revision",
        "Revision",
        { maxlength: 250, placeholder: "newest commit of its branch" },
        "A branch, a tag, or a full commit id.",
      ),
    ],
    request: ({ environment, revision }) =>
      start(`deliver_${app.name}`, { ...(revision.trim() && { revision: revision.trim() }), environment }),
    done: (run) => started(run, `Delivery of ${app.name} has started.`),
  });
}

/** The way back, as it would go now: what the page shows may have been overtaken. */
export async function rollBack(app) {
  try {
    const { environments } = await ask(`ways-back/${encodeURIComponent(app.name)}`);
    if (!document.querySelector("dialog[open]")) goBack(app, environments);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    notify(`${problem.message} ${problem.advice}`);
  }
}

function goBack(app, places) {
  const names = places.map((there) => there.name);
  confirm({
    heading: `Roll back ${app.name}`,
    label: "Roll back",
    tone: "bad",
    says: [
      ...places.map((there) => h("span", {}, h("b", {}, there.name), ": ", replaced(there))),
      "Nothing is built. Traffic moves as in every deployment: the old version answers as soon as it is healthy.",
      "If something else is live there when its turn comes, it gives way and changes nothing.",
      through(),
    ],
    fields: [choice("environment", "Where", names, names.at(-1))],
    request: ({ environment }) => {
      const { live, before } = places.find((there) => there.name === environment);
      const conf = { release: before?.release ?? null, environment, from_environment: null };
      return start(`deploy_${app.name}`, { ...conf, instead_of: live.release });
    },
    done: (run) => started(run, `${app.name} is on its way back.`),
  });
}

/** What comes back in place of what. */
function replaced({ live, before }) {
  return [
    ...(before
      ? [sha(before.commit), ` ${before.subject ?? ""} comes back`]
      : ["the last good release in its records comes back, if there is one"]),
    ", and ",
    sha(live.commit),
    ` ${live.subject ?? ""} goes.`,
  ];
}

/** Bring a release that was live in one environment to another, or to the same once more. */
export function deployRelease(app, release, from, environment) {
  const again = from === environment;
  const last = release.environments.find((there) => there.name === environment && there.outcome !== "live");
  confirm({
    heading: again ? `Deploy to ${environment} again` : `Promote to ${environment}`,
    label: again ? "Deploy again" : "Promote",
    says: [
      h("span", {}, sha(release.commit), ` ${release.subject ?? ""}`),
      again
        ? `It was live in ${environment} before, and goes there again; nothing is built.`
        : `It is the image that ran in ${from}, to the byte; nothing is built. ${environment} verifies it.`,
      last?.sentence && `It did not stay in ${environment} before: ${last.sentence}`,
      again ? through() : held(),
    ],
    request: () =>
      start(`deploy_${app.name}`, { release: release.release, environment, from_environment: again ? null : from }),
    done: (run) => started(run, `${app.name} is on its way to ${environment}.`),
  });
}

/** An action as the server describes it, told in its own words; `address` is where the server tells of it. */
export function offered(action, address, done) {
  confirm({
    heading: action.label,
    label: action.label,
    tone: ["stop", "roll_back"].includes(action.name) ? "bad" : "",
    says: [action.says, action.name !== "stop" && (action.waits ? held() : through())],
    request: () => still(action, address),
    done: (answer) =>
      action.name === "stop"
        ? (notify("It is being stopped."), done())
        : started(answer, `${action.label}: it has started.`),
  });
}

/** The action's requests, while it still does what the dialog says: deliveries move on while people read. */
async function still(action, address) {
  const now = (await ask(address)).actions.find((each) => each.name === action.name && each.label === action.label);
  if (JSON.stringify(now) !== JSON.stringify(action))
    throw new Problem(409, "It has moved on since you were asked.", "Look at how it stands now, and decide again.");
  return action.requests;
}

export function freeze(done) {
  confirm({
    heading: "Stop the line",
    label: "Stop the line",
    tone: "bad",
    says: [
      "No delivery of any application enters an environment until the line runs again; builds and scans go on.",
      "What is in the middle of its traffic ends as it would have. A way back is let through.",
      "Everybody sees who stopped it, and why.",
    ],
    fields: [field("reason", "Why", { required: true, maxlength: 300 })],
    request: ({ reason }) => ({ method: "POST", path: "api/freeze", body: { frozen: true, reason } }),
    done: () => (notify("The line is stopped."), done()),
  });
}

export function thaw(frozen, done) {
  confirm({
    heading: "Let the line run",
    label: "Let it run",
    says: [
      `${frozen.by} stopped it: ${frozen.reason || "no reason given"}.`,
      "Every delivery that is held goes on, within seconds.",
    ],
    request: () => ({ method: "POST", path: "api/freeze", body: { frozen: false, reason: "" } }),
    done: () => (notify("The line runs again."), done()),
  });
}

/** Say yes or no to a release. */
export function answer(question, option, done) {
  const yes = option === "Approve";
  const place = [question.dag_id, question.run_id].map(encodeURIComponent);
  const task = `${encodeURIComponent(question.task_id)}/${question.map_index ?? -1}`;
  confirm({
    heading: `${option} ${question.application} for ${question.environment}`,
    label: option,
    tone: yes ? "" : "bad",
    says: [
      h(
        "span",
        {},
        sha(question.commit),
        ` ${question.subject ?? ""}`,
        question.author ? ` by ${question.author}` : "",
      ),
      yes
        ? `If no other approval is missing, it goes to ${question.environment} now.`
        : `It does not go to ${question.environment}, and this delivery ends as refused.`,
      "Your name is kept with the answer; it can't be taken back.",
      yes && held(),
    ],
    request: () => ({
      method: "PATCH",
      path: `/api/v2/dags/${place[0]}/dagRuns/${place[1]}/taskInstances/${task}/hitlDetails`,
      body: { chosen_options: [option], params_input: {} },
    }),
    done: () => (notify(yes ? "Approved." : "Refused."), done()),
  });
}

function start(dag, conf) {
  return {
    method: "POST",
    path: `/api/v2/dags/${encodeURIComponent(dag)}/dagRuns`,
    body: { logical_date: null, conf },
  };
}

function started(run, sentence) {
  notify(sentence);
  location.hash = to.delivery(run.dag_id, run.dag_run_id);
}

/** What has been live in an environment comes back although the line is stopped, and nobody is asked. */
function through() {
  return (
    board.frozen &&
    `The line is stopped by ${board.frozen.by}; what was live here before is let through, and goes live at once.`
  );
}

function held() {
  return (
    board.frozen &&
    `The line is stopped by ${board.frozen.by}: it waits before the first environment until the line runs again.`
  );
}
