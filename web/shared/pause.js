/**
 * What covers the call while it stands still, and how a pause is told.
 * @module
 */
import { text } from "./text/index.js";

/** @typedef {import("../sdk/call.js").Call} Call */

/**
 * Whether the page offers to end the pause, and says so on the curtain: to a host, whichever page that person came by.
 * @param {Call} call
 */
export function mayResume(call) {
  return call.paused && call.isHost;
}

/**
 * @param {Call} call
 * @returns {import("./stage.js").Curtain}
 */
export function pauseCurtain(call) {
  const words = text.paused;
  if (call.held) return { icon: "pause", title: words.heldTitle, lines: [words.unseen, words.held] };
  if (!call.paused) return null;
  const info = call.pauseInfo;
  if (info?.reason === "no_host") return { icon: "pause", title: words.title, lines: [words.noHost, words.unseen, words.hostReturns] };
  const next = mayResume(call) ? words.youResume : words.hostResumes;
  return { icon: "pause", title: words.title, lines: [who(call), words.unseen, next] };
}

/**
 * Hosts alone read that somebody is not alone: on that person's own screen whoever came in could read it too.
 * @param {Call} call
 */
function who(call) {
  const words = text.paused;
  const { by, reason } = call.pauseInfo ?? { by: call.participant, reason: "" };
  if (by === call.participant) return words.you;
  const name = call.participants.find((one) => one.id === by)?.name;
  if (name === undefined) return words.somebody;
  return call.isHost && reason === "not_alone" ? words.notAlone(name) : words.other(name);
}
