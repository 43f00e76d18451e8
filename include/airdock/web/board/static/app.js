// The page's frame: routes, polling while somebody looks, the freeze, and what was said.

import { h, link, morph } from "./dom.js";
import { Problem, airflow, ask, signIn } from "./api.js";
import { button, failure, icon, loading } from "./parts.js";
import { connect, freeze, thaw } from "./actions.js";
import { ago, setClock, tick } from "./time.js";
import * as overview from "./overview.js";
import { route } from "./routes.js";

const PAGES = [
  ["#/", "Overview"],
  ["#/approvals", "Approvals"],
  ["#/measures", "Measures"],
];
const FRAME_SECONDS = 15,
  LONGEST_SECONDS = 60,
  TICK_MS = 5000;
const main = document.getElementById("main");
const shown = { route: null, told: null, problem: null, at: 0, failures: 0 };
const frame = { told: null, approvals: 0, at: 0 };
let timer = 0,
  visit = 0;

/** Another address: a new page takes the focus and is loaded; the same page with another filter is only drawn again. */
function moved() {
  const next = route(),
    before = shown.route;
  const same = before?.key === next.key && before?.page === next.page;
  const reload = !same || next.page.source(next) !== before.page.source(before);
  shown.route = next;
  if (reload) Object.assign(shown, { told: null, problem: null, failures: 0 });
  if (!same) {
    next.page.begin?.();
    main.replaceChildren();
  }
  draw();
  if (reload) look();
  if (before && !same) {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
}

async function look() {
  clearTimeout(timer);
  const mine = ++visit,
    { page } = shown.route;
  try {
    const told = await ask(page.source(shown.route));
    if (mine !== visit) return;
    const news = told !== shown.told || shown.problem;
    Object.assign(shown, { told, problem: null, at: Date.now(), failures: 0 });
    if (page === overview) framed(told);
    if (news) draw();
  } catch (problem) {
    if (mine !== visit) return;
    if (!(problem instanceof Problem)) throw problem;
    Object.assign(shown, { problem, failures: shown.failures + 1 });
    draw();
  }
  pulse();
  if (page !== overview && Date.now() - frame.at > FRAME_SECONDS * 1000) await lookAround();
  again(mine);
}

function again(mine) {
  if (mine !== visit || document.hidden) return;
  const pause = Math.min(
    LONGEST_SECONDS,
    (shown.route.page.seconds ?? FRAME_SECONDS) * 2 ** Math.min(shown.failures, 6),
  );
  timer = setTimeout(look, pause * 1000);
}

/** What the frame shows on every page: the freeze, the user, the number of questions. */
async function lookAround() {
  try {
    framed(await ask("overview"));
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
  }
}

async function framed(told) {
  const due = Date.now() - frame.at > FRAME_SECONDS * 1000;
  // What has not changed was told a while ago, and so was its "now".
  if (told !== frame.told) setClock(told.now);
  frame.told = told;
  connect(told, say);
  if (shown.route.page !== overview && shown.told) draw();
  else drawFrame();
  if (!due) return;
  frame.at = Date.now();
  try {
    frame.approvals = (await ask("approvals")).approvals.length;
    drawFrame();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
  }
}

function draw() {
  const {
    route: { page, parts, query },
    told,
    problem,
  } = shown;
  const context = {
    parts,
    query,
    main,
    board: frame.told,
    again: draw,
    look,
    go: (address) => {
      history.replaceState(null, "", address);
      moved();
    },
  };
  const content = told ? page.view(told, context) : problem ? failure(problem, look) : loading();
  morph(main, h("main", { id: "main", tabindex: "-1" }, content));
  if (document.activeElement === main) main.querySelector("h1")?.focus({ preventScroll: true });
  document.title = `${page.title(shown.route, told)} · Airdock`;
  drawFrame();
}

function drawFrame() {
  const here = shown.route.key.split("/")[0];
  const current = (address) => address.slice(2) === (["approvals", "measures"].includes(here) ? here : "");
  morph(
    document.getElementById("nav"),
    h(
      "nav",
      { id: "nav", "aria-label": "Board" },
      PAGES.map(([address, label]) =>
        link(
          address,
          [
            label,
            address === "#/approvals" && frame.approvals > 0 && h("b", { class: "count" }, String(frame.approvals)),
          ],
          { "aria-current": current(address) && "page" },
        ),
      ),
    ),
  );
  const { frozen, user } = frame.told ?? {};
  morph(
    document.getElementById("tools"),
    h(
      "div",
      { id: "tools", class: "tools" },
      user?.may_freeze &&
        !frozen &&
        button("Stop the line", () => freeze(look), { class: "button plain", "data-key": "stop" }),
      user && h("span", { class: "user" }, user.name),
      link(airflow("/"), "Airflow", { class: "plain-link" }),
    ),
  );
  morph(
    document.getElementById("freeze"),
    h(
      "div",
      { id: "freeze" },
      frozen &&
        h(
          "section",
          { class: "banner", "aria-label": "The line is stopped" },
          icon("square"),
          h(
            "p",
            {},
            h("b", {}, "The line is stopped"),
            ` by ${frozen.by} `,
            ago(frozen.at),
            `: ${frozen.reason || "no reason given"}. Nothing enters an environment.`,
          ),
          user?.may_freeze && button("Let it run", () => thaw(frozen, look)),
        ),
    ),
  );
}

/** Whether what one sees is of now. */
function pulse() {
  const { problem, told, at } = shown;
  const since = at ? [" What you see is from ", ago(new Date(at).toISOString()), "."] : [];
  const words = !problem
    ? told
      ? [h("span", { class: "beat", "aria-hidden": "true" }), h("span", { class: "said" }, "Connected, "), "live"]
      : []
    : [
        icon("cross"),
        h("span", {}, problem.message, since, " "),
        problem.status === 401 && link(signIn(), "Sign in", { target: "_top" }),
      ];
  morph(
    document.getElementById("pulse"),
    h("div", { id: "pulse", class: `pulse ${problem ? "lost" : ""}`, role: problem && "status" }, words),
  );
}

function say(sentence) {
  const said = document.getElementById("said");
  said.replaceChildren(h("p", { class: "toast" }, icon("check"), sentence));
  setTimeout(() => {
    if (said.textContent === sentence) said.replaceChildren();
  }, 6000);
}

addEventListener("hashchange", moved);
addEventListener("online", () => look());
document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : look()));
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.closest("input, textarea, select, dialog"))
    return;
  const filter = document.getElementById("filter");
  if (filter) {
    event.preventDefault();
    filter.focus();
  }
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
setInterval(() => tick(document.body), TICK_MS);
moved();
