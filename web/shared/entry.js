/**
 * How the page was opened, and the grant that this is good for.
 * `#lab=TOKEN` is exchanged at the server, as often as one likes; `#grant=...&ws=...` comes from an integrator and works once.
 * @module
 */
import { CallError } from "../sdk/index.js";

/** @typedef {import("../sdk/link.js").Admission} Admission */
/**
 * @typedef {object} Entry
 * @property {string} key tells entries in one tab apart
 * @property {() => Promise<Admission>} admission
 * @property {boolean} renewable whether `admission` can be asked again
 */

const LINKS = "/api/v1/lab/links";
const LAST = "venterom.entry";

/** @returns {Entry | null} */
export function readEntry() {
  const fields = new URLSearchParams(location.hash.slice(1));
  const token = fields.get("lab");
  if (token) return { key: `lab:${token}`, admission: () => exchange(token), renewable: true };
  const grant = fields.get("grant");
  const wsUrl = fields.get("ws");
  if (grant && wsUrl) {
    const key = `grant:${grant.slice(-24)}`;
    // A spent grant is of no use in the address; a reload finds its seat by this.
    keep(key);
    history.replaceState(null, "", location.pathname + location.search);
    return { key, admission: () => Promise.resolve({ wsUrl, grant }), renewable: false };
  }
  const last = kept();
  return last === null ? null : { key: last, admission: () => Promise.reject(new CallError("grant_replayed")), renewable: false };
}

/**
 * Another link opened in the same tab changes only the fragment: start over with it.
 */
export function reloadOnNewEntry() {
  addEventListener("hashchange", () => location.reload());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}

/**
 * @param {string} token
 * @returns {Promise<Admission>}
 */
async function exchange(token) {
  let response;
  try {
    response = await fetch(LINKS, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ token }) });
  } catch (cause) {
    throw new CallError("network", "the link could not be exchanged", { cause });
  }
  const body = await response.json().catch(() => ({}));
  if (response.ok && typeof body.grant === "string") return { wsUrl: socketUrl(body.ws_url), grant: body.grant };
  const fallback = response.status >= 500 ? "internal" : "link_unknown";
  throw new CallError(typeof body.code === "string" ? body.code : fallback, `the link was refused (${response.status})`);
}

/** @param {string} address a path, or a whole address */
function socketUrl(address) {
  const url = new URL(address, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  return url.href;
}

/** @param {string} key */
function keep(key) {
  try {
    sessionStorage.setItem(LAST, key);
  } catch {
    // Without storage a reload asks for the link again.
  }
}

/** @returns {string | null} */
function kept() {
  try {
    return sessionStorage.getItem(LAST);
  } catch {
    return null;
  }
}
