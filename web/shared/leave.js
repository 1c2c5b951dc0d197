/**
 * Going out of the lobby or the call, asked back first.
 * @module
 */
import { ask } from "./dialog.js";
import { text } from "./text/index.js";

/** @param {import("../sdk/call.js").Call} call */
export async function leave(call) {
  const words = text.end;
  const waiting = call.state === "lobby";
  const answer = await ask({
    title: waiting ? words.lobbyTitle : words.patientTitle,
    text: waiting ? words.lobbyText : words.patientText,
    answers: [
      { value: "leave", label: waiting ? words.lobbyConfirm : words.patientConfirm, look: "danger", testid: "end-confirm" },
      { value: "stay", label: words.patientCancel, look: "quiet", testid: "end-cancel" },
    ],
  });
  if (answer === "leave") await call.leave();
}
