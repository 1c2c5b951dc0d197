/**
 * Whom to call.
 * @module
 */
import { h } from "./dom.js";
import { text } from "./text/index.js";

/** @typedef {import("./entry.js").Contact} Contact */

/**
 * The department and its number, and the clinic's own words on when to call. Who may know nothing of that can still ask.
 * @param {Contact} contact
 */
export function contactBlock({ clinic, department, phone, contact }) {
  const name = clinic === null || department === null ? clinic : `${clinic}, ${department}`;
  const number = phone?.replaceAll(" ", "\u00a0"); // not broken over two lines
  const whom = number === undefined ? h("p", { class: "lead" }, name ?? text.faults.noNumber) : h("a", { class: "button quiet wide", href: `tel:${phone?.replaceAll(" ", "")}` }, text.faults.call(name, number));
  return h("div", { class: "contact", "data-testid": "contact" }, whom, contact === null ? null : h("p", { class: "lead" }, contact));
}
