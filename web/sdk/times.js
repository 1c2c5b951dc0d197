/**
 * How long what takes, in milliseconds. A page may set its own with `join({ times })`; ours fit the server's defaults.
 * @module
 */

/**
 * @typedef {object} Times
 * @property {number} pingEvery the server takes twice as much silence for a dead connection
 * @property {number} pongWithin a ping without any answer for so long is a dead connection: 10 s of silence in all, with the time between two looks
 * @property {number} probeWithin the same for the ping at a moment when something has happened to the network, or the device was asleep
 * @property {number} restartAfter a path that is back within this after it broke needs no restart
 * @property {number} silentFor a path on which we send and from which nothing comes for so long is gone
 */

/** @type {Times} */
export const TIMES = { pingEvery: 5000, pongWithin: 4000, probeWithin: 3000, restartAfter: 1000, silentFor: 1500 };
