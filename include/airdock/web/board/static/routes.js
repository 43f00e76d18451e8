// Which page an address means: `#/<page>/<part>/<part>?<filters>`.

import * as approvals from "./approvals.js";
import * as compare from "./compare.js";
import * as delivery from "./delivery.js";
import * as measures from "./measures.js";
import * as overview from "./overview.js";
import * as releases from "./releases.js";

const ROUTES = [
  ["", overview],
  ["deliveries", delivery],
  ["releases", releases],
  ["compare", compare],
  ["measures", measures],
  ["approvals", approvals],
];

/** The page of the address bar, its parts and its filters. */
export function route() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").map(decoded);
  const [, page] = ROUTES.find(([name]) => name === parts[0]) ?? ROUTES[0];
  return { page, parts: parts.slice(1), query: new URLSearchParams(query), key: path };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
