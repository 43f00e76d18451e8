// What the board asks its own server and Airflow; whatever goes wrong becomes a sentence and what to do about it.

const PATIENCE_MS = 20_000;
const FOLDER = new URL(".", document.baseURI);
const known = new Map();

/** What went wrong: `message` says what, `advice` what to do; `status` 0 where nobody answered. */
export class Problem extends Error {
  constructor(status, sentence, advice) {
    super(sentence);
    this.status = status;
    this.advice = advice;
  }
}

/** What the board's server tells; the same object again while nothing has changed. */
export async function ask(path) {
  const before = known.get(path);
  const headers = { Accept: "application/json", ...(before?.tag && { "If-None-Match": before.tag }) };
  const answer = await reached(new URL(`api/${path}`, FOLDER), { headers });
  if (answer.status === 304 && before) return before.told;
  if (!answer.ok) throw await problem(answer);
  const told = await answer.json();
  const tag = answer.headers.get("ETag");
  if (tag) known.set(path, { tag, told });
  return told;
}

/** Have something done, as the user who is signed in. `path`: /api/v2/... is Airflow's, api/... the board's. */
export async function act(method, path, body) {
  const headers = { Accept: "application/json", "Content-Type": "application/json" };
  const answer = await reached(addressOf(path), { method, headers, body: JSON.stringify(body ?? {}) });
  if (!answer.ok) throw await problem(answer);
  return answer.status === 204 ? {} : answer.json();
}

/** Where to sign in, and come back from. */
export function signIn() {
  return `${new URL("../auth/login", FOLDER)}?next=${encodeURIComponent(location.href)}`;
}

/** A page of Airflow: its paths begin at the root, under which the board is one folder. */
export function airflow(path) {
  return /^\/(?!\/)/.test(path ?? "") ? new URL(`..${path}`, FOLDER).href : path;
}

function addressOf(path) {
  if (!/^(\/api\/v2|api)\/[^\\]*$/.test(path) || /(^|\/)\.\.(\/|$)/.test(path)) {
    throw new Problem(0, "This action has an address that the board does not ask.", "Do it on Airflow's own page.");
  }
  return path.startsWith("/") ? new URL(`..${path}`, FOLDER) : new URL(path, FOLDER);
}

async function reached(address, options) {
  try {
    return await fetch(address, { ...options, credentials: "same-origin", signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    throw new Problem(0, "Airflow can't be reached.", "The board tries again by itself; is the network up?");
  }
}

async function problem(answer) {
  const told = detail(await answer.json().catch(() => ({})));
  const { sentence, advice } = words(answer.status);
  return new Problem(answer.status, told || sentence, advice);
}

function detail(body) {
  const told = body?.detail;
  if (typeof told === "string") return told;
  if (Array.isArray(told))
    return told
      .map((each) => each?.msg)
      .filter((each) => typeof each === "string")
      .join("; ");
  return typeof told?.reason === "string" ? told.reason : "";
}

function words(status) {
  const otherwise = {
    sentence: `Airflow answered with an error (${status}).`,
    advice: "Try again; its api-server's log says more.",
  };
  return (
    {
      401: { sentence: "You are not signed in any more.", advice: "Sign in again; you come back to this page." },
      403: {
        sentence: "You may not do this.",
        advice: "Whoever administers Airflow can give you the permission to edit this DAG.",
      },
      404: {
        sentence: "There is no such thing, or you may not see it.",
        advice: "It may have been removed meanwhile.",
      },
      409: { sentence: "Somebody was faster.", advice: "Look at how it stands now before you try again." },
      422: { sentence: "Airflow does not understand this request.", advice: "Check what you typed." },
    }[status] ?? otherwise
  );
}
