// Which applications are shown, in which group, and under which columns: decisions only, nothing is drawn here.

const TROUBLE = ["rolled_back", "failed", "refused", "stopped"];

export const asks = (running) => running.stage?.endsWith(".approve") && running.stage_state === "deferred";
const moves = (each) => each.environments.some((there) => there.running || there.waiting > 0);
const troubled = (each) =>
  each.environments.some((there) => there.drift || (!there.running && TROUBLE.includes(there.last?.outcome)));
export const group = (each) => (troubled(each) ? "trouble" : moves(each) ? "moving" : "steady");

export const GROUPS = [
  ["trouble", "Needs a look"],
  ["moving", "On the way"],
  ["steady", "Steady"],
];

/** Names, labels and tests of the filters. */
export const FILTERS = [
  ["", "All", () => true],
  ["moving", "On the way", (each) => moves(each)],
  ["trouble", "Needs a look", (each) => troubled(each)],
  ["asked", "Asks people", (each) => each.environments.some((there) => there.running && asks(there.running))],
  ["drift", "Drift", (each) => each.environments.some((there) => there.drift)],
  ["unverified", "Not verified", (each) => each.environments.some((there) => there.live && !there.live.verified)],
];

/** The environments' names: in the order of the applications, each after the one that it stands after there. */
export function columns(found) {
  const names = [];
  for (const each of found) {
    let after = 0;
    for (const { name } of each.environments) {
      if (!names.includes(name)) names.splice(after, 0, name);
      after = names.indexOf(name) + 1;
    }
  }
  return names;
}

/** Ids of commits and digests, whole as people paste them, are cut to the characters that are told of them. */
const cut = (word) => word.replace(/^sha256:/, "").replace(/^([0-9a-f]{12})[0-9a-f]+$/, "$1");

export function matches(each, wanted) {
  const words = wanted.toLowerCase().split(/\s+/).map(cut).filter(Boolean);
  if (!words.length) return true;
  const releases = each.environments
    .flatMap((there) => [there.live, there.running, there.last, ...(there.coming ?? [])])
    .filter(Boolean);
  const text = [
    each.name,
    each.owner,
    each.description,
    ...releases.flatMap((one) => [one.commit, one.subject, one.author, one.digest]),
  ]
    .join("\n")
    .toLowerCase();
  return words.every((word) => text.includes(word));
}

export function passes(each, filter) {
  return (FILTERS.find(([name]) => name === filter) ?? FILTERS[0])[2](each);
}
