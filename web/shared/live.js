/**
 * What a screen reader is told without moving: one polite region and one that interrupts.
 * @module
 */
import { h } from "./dom.js";

const polite = h("div", { class: "sr-only", role: "status", "aria-live": "polite" });
const urgent = h("div", { class: "sr-only", role: "alert", "aria-live": "assertive" });

/** Puts the regions into the page; they must be there before they speak. */
export function installLiveRegions() {
  document.body.append(polite, urgent);
}

/**
 * @param {string} message
 * @param {{ urgently?: boolean }} [how]
 */
export function announce(message, { urgently = false } = {}) {
  // A new node each time: the same words twice in a row are read twice.
  (urgently ? urgent : polite).replaceChildren(h("p", {}, message));
}
