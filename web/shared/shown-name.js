/**
 * The name that others see: said before one joins a group, and chosen where the grant lets one.
 * @module
 */
import { h } from "./dom.js";
import { text } from "./text/index.js";

/** @typedef {{ name: string, size: number, rename: boolean }} Claims what a grant says of who comes */
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
    return typeof name === "string" ? { name, size: Number(size), rename: rename === true } : null;
  } catch {
    return null;
  }
}

/**
 * @param {string} name
 * @returns {string} such as `K. N.`
 */
export function initials(name) {
  return name.split(/[\s-]+/u).filter((part) => part !== "").map((part) => `${[...part][0].toLocaleUpperCase()}.`).join(" ");
}

/**
 * @param {Claims} claims
 * @returns {{ element: HTMLElement, chosen: () => string | undefined } | null} null where there is nothing to say; `chosen` gives the
 *   name to join with, nothing where it is the one in the grant
 */
export function shownName({ name, size, rename }) {
  if (!rename && size < GROUP) return null;
  if (!rename) {
    const element = h("div", { class: "shown-name", "data-testid": "shown-name" }, h("p", {}, text.shownName.told(name)), h("p", { class: "hint" }, text.shownName.contact));
    return { element, chosen: () => undefined };
  }
  const own = h("input", { type: "text", "data-testid": "name-own", maxlength: LONGEST, autocomplete: "off", "aria-label": text.shownName.ownLabel });
  /** @type {Record<Choice, HTMLInputElement>} */
  const choices = { whole: radio("whole", true), initials: radio("initials"), own: radio("own") };
  own.addEventListener("input", () => (choices.own.checked = true));
  const element = h(
    "fieldset",
    { class: "shown-name", "data-testid": "shown-name" },
    h("legend", {}, text.shownName.choose),
    h("label", { class: "choice" }, choices.whole, h("span", {}, text.shownName.whole(name))),
    h("label", { class: "choice" }, choices.initials, h("span", {}, text.shownName.initials(initials(name)))),
    h("label", { class: "choice" }, choices.own, h("span", {}, text.shownName.own)),
    h("div", { class: "field" }, own),
    h("p", { class: "hint" }, text.shownName.contact),
  );
  return {
    element,
    chosen: () => {
      if (choices.whole.checked) return undefined;
      // Who wanted another name and gave none did not want the whole one.
      return (choices.own.checked && own.value.trim()) || initials(name);
    },
  };
}

/** @param {Choice} value @param {boolean} [checked] */
function radio(value, checked = false) {
  return h("input", { type: "radio", name: "shown-name", value, checked, "data-testid": `name-${value}` });
}
