/**
 * The name that others see: said before one joins a group, and chosen where the grant lets one.
 * @module
 */
import { contactBlock } from "./contact.js";
import { h } from "./dom.js";
import { text } from "./text/index.js";

/**
 * @typedef {object} Claims what a grant, or a link before it, says of who comes
 * @property {string} name the whole one
 * @property {string} shown the one that others see unless another is chosen
 * @property {number} size
 * @property {boolean} rename
 */
/** @typedef {import("./contact.js").Contact} Contact */
/** @typedef {"whole" | "initials" | "own"} Choice */

const GROUP = 3;
const LONGEST = 80;

/**
 * Reads a grant, to show what it says; that it is true is for the server to know.
 * @param {string} grant
 * @returns {Claims | null}
 */
export function claimsOf(grant) {
  try {
    const bytes = Uint8Array.from(atob(grant.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
    const { name, size = 2, rename = false } = JSON.parse(new TextDecoder().decode(bytes));
    return typeof name === "string" ? { name, shown: name, size: Number(size), rename: rename === true } : null;
  } catch {
    return null;
  }
}

/**
 * As the clinic's own: `control/consultation/rules.py`.
 * @param {string} name
 * @returns {string} such as `K. N.`; the name itself where it has no letter
 */
export function initials(name) {
  const letters = name.split(/\s+/u).flatMap((part) => part.match(/\p{L}/u) ?? []);
  return letters.map((letter) => `${letter.toUpperCase()}.`).join(" ") || name;
}

/**
 * @param {Claims} claims
 * @param {Contact | null} contact whom to ask first, where it is known
 * @returns {{ element: HTMLElement, chosen: () => string | undefined } | null} null where there is nothing to say; `chosen` gives the
 *   name to join with, nothing where it is the one in the grant
 */
export function shownName({ name, shown, size, rename }, contact) {
  if (!rename && size < GROUP) return null;
  const whom = [h("p", { class: "hint" }, text.shownName.contact), contact === null ? null : contactBlock(contact)];
  if (!rename) {
    const element = h("div", { class: "shown-name", "data-testid": "shown-name" }, h("p", {}, text.shownName.told(shown)), ...whom);
    return { element, chosen: () => undefined };
  }
  const own = h("input", { type: "text", "data-testid": "name-own", maxlength: LONGEST, autocomplete: "off", "aria-label": text.shownName.ownLabel });
  /** @type {Record<Choice, HTMLInputElement>} */
  const choices = { whole: radio("whole"), initials: radio("initials"), own: radio("own") };
  const first = shown === name ? "whole" : shown === initials(name) ? "initials" : "own";
  choices[first].checked = true;
  if (first === "own") own.value = shown;
  own.addEventListener("input", () => (choices.own.checked = true));
  const element = h(
    "fieldset",
    { class: "shown-name", "data-testid": "shown-name" },
    h("legend", {}, text.shownName.choose),
    h("label", { class: "choice" }, choices.whole, h("span", {}, text.shownName.whole(name))),
    h("label", { class: "choice" }, choices.initials, h("span", {}, text.shownName.initials(initials(name)))),
    h("label", { class: "choice" }, choices.own, h("span", {}, text.shownName.own)),
    h("div", { class: "field" }, own),
    ...whom,
  );
  return {
    element,
    chosen: () => {
      // Who wanted another name and gave none did not want the whole one.
      const wanted = choices.whole.checked ? name : (choices.own.checked && own.value.trim()) || initials(name);
      return wanted === shown ? undefined : wanted;
    },
  };
}

/** @param {Choice} value */
function radio(value) {
  return h("input", { type: "radio", name: "shown-name", value, "data-testid": `name-${value}` });
}
