/**
 * Who is on hold. Of whoever lost the connection the server says only `reconnecting`, and the hold goes on: the last word before counts,
 * and what we asked since. A wish that is refused was true already, so it counts too.
 * @module
 */

/** @typedef {import("./messages.js").ParticipantInfo} ParticipantInfo */

export class Holds {
  /** @type {Set<string>} */
  #ids = new Set();

  /** @param {string} id */
  has(id) {
    return this.#ids.has(id);
  }

  /** @param {ParticipantInfo[]} infos everybody whom the server names */
  learn(infos) {
    const still = (/** @type {ParticipantInfo} */ { id, state, waited }) =>
      state === "held" || (state === "reconnecting" && waited === undefined && this.#ids.has(id));
    this.#ids = new Set(infos.filter(still).map(({ id }) => id));
  }

  /**
   * @param {ParticipantInfo} info of whoever we asked to hold or release; the server's own word comes where they are connected
   * @param {boolean} held
   */
  ask({ id, state }, held) {
    if (state !== "reconnecting") return;
    if (held) this.#ids.add(id);
    else this.#ids.delete(id);
  }
}
