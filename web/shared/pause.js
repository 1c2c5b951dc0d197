/**
 * What covers the call while it stands still, and how a pause is told.
 * @module
 */
import { text } from "./text/index.js";

/** @typedef {import("../sdk/call.js").Call} Call */

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
  const next = call.isHost ? words.youResume : words.hostResumes;
  return { icon: "pause", title: words.title, lines: [who(call), words.unseen, next] };
}

/** @param {Call} call */
function who(call) {
  const by = call.pauseInfo?.by ?? call.participant;
  if (by === call.participant) return text.paused.you;
  const name = call.participants.find((one) => one.id === by)?.name;
  return name === undefined ? text.paused.somebody : text.paused.other(name);
}
