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

/** What each region was given in this tick. @type {Map<HTMLElement, string[]>} */
const fresh = new Map();

/**
 * What comes within one tick is read together, the same words once; later words take the place of earlier ones.
 * @param {string} message
 * @param {{ urgently?: boolean }} [how]
 */
export function announce(message, { urgently = false } = {}) {
  if (message === "") return;
  const region = urgently ? urgent : polite;
  const said = fresh.get(region) ?? [];
  if (said.includes(message)) return;
  if (said.length === 0) queueMicrotask(() => fresh.delete(region));
  fresh.set(region, [...said, message]);
  // A new node each time: the same words twice in a row are read twice.
  const line = h("p", {}, message);
  if (said.length === 0) region.replaceChildren(line);
  else region.append(line);
}
