/**
 * Whether an end for all is our own doing.
 * @module
 */

export class Ending {
  #ours = false;

  /** Whether we asked for it, and were not refused: what ends it later is somebody else. */
  get ours() {
    return this.#ours;
  }

  /**
   * Ends the consultation for all.
   * @param {import("../sdk/call.js").Call} call
   * @returns {boolean} false while there is no connection
   */
  ask(call) {
    call.addEventListener("refused", this.#refused);
    this.#ours = call.end();
    return this.#ours;
  }

  /** @param {Event} event */
  #refused = (event) => {
    if (/** @type {CustomEvent} */ (event).detail.command === "end") this.#ours = false;
  };
}
