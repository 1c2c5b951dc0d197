/**
 * Says to the ear what the eye sees change of where one stands. The lobby and being let in speak for themselves.
 * @module
 */
import { pauseCurtain } from "./pause.js";
import { text } from "./text/index.js";

/** @typedef {import("../sdk/call.js").Call} Call */
/** @typedef {import("../sdk/standing.js").CallState} CallState */

export class Herald {
  #announce;
  /** What covers the call, also while the connection is lost. @type {"paused" | "held" | null} */
  #cover = null;
  #curtain = "";
  /** @type {string | null} */
  #banner = null;

  /** @param {(message: string, how?: { urgently?: boolean }) => void} announce */
  constructor(announce) {
    this.#announce = announce;
  }

  /**
   * @param {Call} call
   * @param {CallState} state
   * @param {CallState} previous
   */
  follow(call, state, previous) {
    const covered = this.#cover;
    if (state !== "reconnecting") this.#cover = state === "paused" || state === "held" ? state : null;
    if (this.#cover === state) this.#tellCurtain(call);
    else if (state === "call" && covered !== null) this.#urgently(covered === "paused" ? text.paused.resumed : text.paused.released);
    else if (state === "reconnecting") this.#urgently(text.call.reconnecting);
    else if (previous === "reconnecting" && state !== "ended" && state !== "error") this.#announce(text.call.reconnected);
  }

  /** Somebody else has paused, or for another reason, while the call stood still. @param {Call} call */
  paused(call) {
    if (this.#cover === call.state && curtainOf(call) !== this.#curtain) this.#tellCurtain(call);
  }

  /** What stands above everything. That the line is lost was told by then. @param {string | null} words */
  banner(words) {
    if (words !== this.#banner && words !== null && words !== text.call.reconnecting) this.#urgently(words);
    this.#banner = words;
  }

  /** @param {Call} call */
  #tellCurtain(call) {
    this.#curtain = curtainOf(call);
    this.#urgently(this.#curtain);
  }

  /** @param {string} message */
  #urgently(message) {
    this.#announce(message, { urgently: true });
  }
}

/** @param {Call} call */
function curtainOf(call) {
  const curtain = pauseCurtain(call);
  return curtain === null ? "" : [curtain.title, ...curtain.lines].join(" ");
}
