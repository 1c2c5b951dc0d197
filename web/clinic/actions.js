/**
 * What can be done with somebody on the list. The server decides; this is for what to show.
 * @module
 */

/** @typedef {"admit" | "deny" | "hold" | "release" | "to-lobby" | "remove"} Action */

/**
 * @param {Pick<import("../sdk/remote.js").Participant, "waiting" | "held">} person
 * @param {boolean} isHost whether we are a host now: that may change during the meeting
 * @returns {Action[]}
 */
export function actionsOn({ waiting, held }, isHost) {
  if (!isHost) return [];
  return waiting ? ["admit", "deny"] : [held ? "release" : "hold", "to-lobby", "remove"];
}
