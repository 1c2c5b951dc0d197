/**
 * Since when somebody waits. The server's word where it gives it; else when this page first saw them, kept over a reload.
 * @module
 */

/** @typedef {import("../sdk/remote.js").Participant} Participant */

const KEPT = "venterom.waiting";

export class WaitingSince {
  /** @type {Map<string, number>} */
  #since;
  #clock;

  /** @param {() => number} [clock] milliseconds */
  constructor(clock = Date.now) {
    this.#clock = clock;
    this.#since = new Map(load());
  }

  /**
   * Learns who waits now, and gives them longest waiting first.
   * @param {Participant[]} waiting in the server's order
   * @returns {Participant[]}
   */
  order(waiting) {
    const now = this.#clock();
    const before = this.#since;
    this.#since = new Map(waiting.map(({ id, waited }) => [id, waited === undefined ? (before.get(id) ?? now) : now - waited * 1000]));
    save([...this.#since]);
    return [...waiting].sort((one, other) => (this.#since.get(one.id) ?? now) - (this.#since.get(other.id) ?? now));
  }

  /** @param {string} id @returns {number | null} milliseconds, null for who does not wait */
  waited(id) {
    const since = this.#since.get(id);
    return since === undefined ? null : Math.max(0, this.#clock() - since);
  }
}

/** @returns {[string, number][]} */
function load() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
  } catch {
    return [];
  }
}

/** @param {[string, number][]} entries */
function save(entries) {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(entries));
  } catch {
    // Only a reload would miss it.
  }
}
