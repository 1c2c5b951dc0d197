/**
 * How the page was opened, and the grant that this is good for.
 * `#k=TOKEN` is the link of an appointment, `#lab=TOKEN` that of a demo: both are exchanged at the server, as often as one likes;
 * `#grant=...&ws=...` comes from an integrator and works once.
 * @module
 */
import { CallError } from "../sdk/index.js";

/** @typedef {import("../sdk/link.js").Admission} Admission */
/**
 * @typedef {object} Entry
 * @property {string} key tells entries in one tab apart
 * @property {() => Promise<Admission>} admission
 * @property {boolean} renewable whether `admission` can be asked again
 * @property {() => Promise<Landing>} [landing] what the link leads to, where it is one of an appointment
 */
/**
 * @typedef {object} Contact
 * @property {string | null} clinic null for who may not know where the patient is
 * @property {string | null} department
 * @property {string | null} phone
 * @property {string | null} contact the clinic's own words on when and how to reach it
 */
/**
 * @typedef {object} Landing
 * @property {string} consultation
 * @property {Contact} contact
 * @property {string | null} opens_at
 * @property {string | null} closes_at
 * @property {string | null} acr
 * @property {{ code: string }[]} obstacles
 * @property {{ role: string, name: string, shown_name: string, group: boolean } | null} me the name shown to others may be another
 */

const API = "/api/v1";
const LAST = "venterom.entry";

/** @returns {Entry | null} */
export function readEntry() {
  const fields = new URLSearchParams(location.hash.slice(1));
  const token = fields.get("lab");
  const link = fields.get("k");
  if (link) return { key: `k:${link.slice(-24)}`, admission: () => enter(link), renewable: true, landing: () => land(link) };
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

/** @param {string} token */
async function exchange(token) {
  return admissionOf(await ask("/lab/links", { token }));
}

/** @param {string} link @returns {Promise<Landing>} */
function land(link) {
  return ask("/links", { link });
}

/** @param {string} link */
async function enter(link) {
  const { consultation } = await land(link);
  return admissionOf(await ask(`/consultations/${consultation}/join`, { link }));
}

/** @param {{ ws_url: string, grant: string }} answer @returns {Admission} */
function admissionOf(answer) {
  return { wsUrl: socketUrl(answer.ws_url), grant: answer.grant };
}

/**
 * @param {string} path
 * @param {object} asked
 * @returns {Promise<any>}
 */
async function ask(path, asked) {
  let response;
  try {
    response = await fetch(API + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(asked) });
  } catch (cause) {
    throw new CallError("network", "the link could not be exchanged", { cause });
  }
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  const fallback = response.status >= 500 ? "internal" : "link_unknown";
  throw new CallError(typeof body.code === "string" ? body.code : fallback, `the link was refused (${response.status})`, { details: body });
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
