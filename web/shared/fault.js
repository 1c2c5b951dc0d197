/**
 * Pages that end the way: a fault (what happened, what to do, the code small below for the helpdesk), and the end of a call.
 * @module
 */
import { contactBlock } from "./contact.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { text } from "./text/index.js";

/** @typedef {import("./page.js").View} View */
/** @typedef {import("./entry.js").Contact} Contact */

/**
 * @typedef {object} About what is known beside the code
 * @property {Record<string, unknown>} [details] what the server told
 * @property {Contact | null} [contact] whom to call
 */

/**
 * @param {string} code
 * @param {() => void} onRetry
 * @param {About} [about]
 * @returns {View}
 */
export function faultView(code, onRetry, { details = {}, contact = null } = {}) {
  const known = text.faults.all[code] ?? text.faults.all[text.faults.same[code] ?? ""] ?? text.faults.all.internal;
  const element = h(
    "section",
    { class: "sheet plain", "data-code": code },
    h("h1", { tabindex: "-1" }, known.title),
    h("p", { class: "lead" }, known.text),
    code === "join_too_early" && typeof details.opens_at === "string" ? h("p", { class: "lead", "data-testid": "opens" }, opening(new Date(details.opens_at))) : null,
    known.steps ? h("ol", {}, ...known.steps.map((step) => h("li", {}, step))) : null,
    known.retry ? mainButton("retry", text.faults.retry, onRetry) : null,
    known.help ? h("p", { class: "lead" }, text.faults.help) : null,
    contact === null ? null : contactBlock(contact),
    h("p", { class: "code" }, `${text.faults.codeLabel}: ${code}`),
  );
  return { element, title: known.title };
}

/** @param {Date} when */
function opening(when) {
  const isToday = when.toDateString() === new Date().toDateString();
  const day = isToday ? text.faults.today : when.toLocaleDateString("nb-NO", { weekday: "long", day: "numeric", month: "long" });
  return text.faults.opens(day, when.toLocaleTimeString("nb-NO", { hour: "2-digit", minute: "2-digit" }));
}

/**
 * @param {string} which a key of `text.ended`
 * @param {() => void} onAgain
 * @param {boolean} canReturn
 * @returns {View}
 */
export function endedView(which, onAgain, canReturn) {
  const words = text.ended[which] ?? text.ended.ended;
  const element = h(
    "section",
    { class: "sheet plain ended", "data-reason": which },
    WELL.has(which) ? h("span", { class: "badge-icon" }, icon("check")) : null,
    h("h1", { tabindex: "-1" }, words.title),
    h("p", { class: "lead" }, words.text),
    words.again && canReturn ? mainButton("again", words.again, onAgain) : null,
  );
  return { element, title: words.title };
}

/**
 * @param {string} testid
 * @param {string} label
 * @param {() => void} onclick
 */
function mainButton(testid, label, onclick) {
  return h("div", { class: "foot" }, h("button", { type: "button", class: "button go wide", "data-testid": testid, onclick }, label));
}

/** Ends that are as they should be, and get a tick. */
const WELL = new Set(["ended", "left", "clinic", "clinicLeft"]);

/** @param {string} words @returns {View} */
export function waitView(words) {
  return { element: h("section", { class: "sheet plain" }, h("h1", { tabindex: "-1" }, words)), title: words };
}
