/**
 * Finds a path that is gone before the browser says so, which takes it five to nine seconds: whoever sends gets reports back some ten times
 * a second, whatever the others do. Bytes that go out for a while, and none that come in, are the sign.
 * @module
 */

/** Fewer may be reports of our own alone, which nothing answers. */
const SENT = 1500;

export class Silence {
  #patience;
  #again;
  /** @type {{ at: number, sent: number, received: number } | null} when something came last, and the counts of then */
  #heard = null;
  /** When it was told last, since something came. @type {number | null} */
  #told = null;

  /**
   * @param {number} patience milliseconds
   * @param {number} again after which it is told once more
   */
  constructor(patience, again) {
    this.#patience = patience;
    this.#again = again;
  }

  /** Whether it was told, and nothing has come since. */
  get lasts() {
    return this.#told !== null;
  }

  /**
   * @param {number} now milliseconds
   * @param {{ sent: number, received: number }} bytes so far
   * @returns {boolean} whether it is time to do something
   */
  look(now, { sent, received }) {
    if (this.#heard === null || received !== this.#heard.received) {
      this.#heard = { at: now, sent, received };
      this.#told = null;
      return false;
    }
    const due = this.#told === null ? this.#heard.at + this.#patience : this.#told + this.#again;
    if (now < due || sent - this.#heard.sent < SENT) return false;
    this.#told = now;
    return true;
  }
}
