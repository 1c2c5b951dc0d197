/**
 * How long to wait before the next try. Half of the delay is random, so that a thousand clients of a restarted server do not return
 * in one wave; the first try comes soon, because most losses are short.
 * @module
 */

const FIRST = 300;
const LONGEST = 8000;

/**
 * @param {number} attempt 0 for the first try after a loss
 * @param {() => number} [random] 0 to 1
 * @returns {number} milliseconds
 */
export function backoff(attempt, random = Math.random) {
  const ceiling = Math.min(LONGEST, FIRST * 2 ** Math.min(attempt, 10));
  return ceiling / 2 + (random() * ceiling) / 2;
}
