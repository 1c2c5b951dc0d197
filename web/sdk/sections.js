/**
 * Whose a frame is. A receive section has one person's track after another's, as one stream: nothing in it tells where one
 * ends, and browsers keep the last frame of a section and show it again to whoever looks later.
 * @module
 */

/** @typedef {import("./messages.js").TrackInfo} TrackInfo */

/** By how much what the server sent before it told us may come later than its word: it waits for its turn to be sent, or is slower underway. */
export const IN_FLIGHT = 500;

export class Sections {
  /** By mid, when its last track was gone. @type {Map<string, number>} */
  #left = new Map();

  /**
   * @param {TrackInfo[]} before
   * @param {TrackInfo[]} after
   * @param {number} now on the page's clock
   */
  change(before, after, now) {
    const stays = new Set(after.map(({ id, mid }) => `${mid} ${id}`));
    for (const { id, mid } of before) if (mid !== null && !stays.has(`${mid} ${id}`)) this.#left.set(mid, now);
  }

  /**
   * From when on all that is received in a section is of the track that is there now.
   * @param {string} mid
   */
  since(mid) {
    const left = this.#left.get(mid);
    return left === undefined ? 0 : left + IN_FLIGHT;
  }
}
