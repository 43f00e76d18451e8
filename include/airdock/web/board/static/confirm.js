// The dialog before every action: what will happen, in words; nothing is sent before somebody says yes.

import { h, link } from "./dom.js";
import { act, signIn } from "./api.js";
import { icon } from "./parts.js";

/**
 * Ask, send, and tell.
 *
 * @param {object} action heading; says: lines of what will happen; label of the button that does it; tone: "bad" for
 *   what can't be taken back; fields: elements with a `name`; request(values): {method, path, body}, or several, one
 *   after the other, or a promise of them; done(answer, values), with the last answer.
 */
export function confirm(action) {
  const status = h("p", { class: "wrong", role: "alert" });
  const yes = h("button", { type: "submit", class: `button main ${action.tone ?? ""}` }, action.label);
  const no = h("button", { type: "button", class: "button", onclick: () => dialog.close() }, "Leave it");
  const form = h(
    "form",
    {
      class: "form",
      onsubmit: (event) => {
        event.preventDefault();
        send(action, { dialog, form, yes, status });
      },
    },
    h("h2", { id: "asked" }, action.heading),
    h(
      "ul",
      { class: "says", id: "says" },
      action.says.filter(Boolean).map((each) => h("li", {}, each)),
    ),
    action.fields ?? [],
    status,
    h("div", { class: "answers" }, no, yes),
  );
  const dialog = h("dialog", { "aria-labelledby": "asked", "aria-describedby": "says" }, form);
  const before = document.activeElement;
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (before?.isConnected) before.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  (form.querySelector("input, select, textarea") ?? no).focus();
}

async function send(action, { dialog, form, yes, status }) {
  const values = Object.fromEntries(new FormData(form));
  yes.disabled = true;
  yes.setAttribute("aria-busy", "true");
  status.replaceChildren();
  try {
    const requests = [await action.request(values)].flat();
    const last = requests.pop();
    for (const before of requests) await said(before);
    const answer = await act(last.method, last.path, last.body);
    dialog.close();
    action.done?.(answer, values);
  } catch (problem) {
    yes.disabled = false;
    yes.removeAttribute("aria-busy");
    const help = problem.status === 401 ? link(signIn(), "Sign in", { target: "_top" }) : problem.advice;
    status.replaceChildren(icon("cross"), h("span", {}, problem.message, " ", help ?? ""));
  }
}

/** A word before the deed; somebody else may have said it already. */
async function said({ method, path, body }) {
  try {
    await act(method, path, body);
  } catch (problem) {
    if (problem.status !== 409) throw problem;
  }
}

/** A labelled text field. */
export function field(name, label, attributes = {}, hint = "") {
  return labelled(name, label, h("input", { name, id: `field-${name}`, autocomplete: "off", ...attributes }), hint);
}

/** A labelled choice among `options`: texts, or [value, label]. */
export function choice(name, label, options, chosen) {
  const made = options.map((each) => (Array.isArray(each) ? each : [each, each]));
  return labelled(
    name,
    label,
    h(
      "select",
      { name, id: `field-${name}` },
      made.map(([value, text]) => h("option", { value, selected: value === chosen }, text)),
    ),
  );
}

function labelled(name, label, control, hint = "") {
  return h("p", { class: "field" }, h("label", { for: `field-${name}` }, label), control, hint && h("small", {}, hint));
}
