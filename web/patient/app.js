/**
 * The patient's page: get ready, wait, talk. Built on the SDK and the shared parts alone.
 * @module
 */
import { barButton, openDevices, sourceButton } from "../shared/bar.js";
import { h } from "../shared/dom.js";
import { icon } from "../shared/icons.js";
import { leave } from "../shared/leave.js";
import { inside } from "../shared/lobby.js";
import { Page } from "../shared/page.js";
import { mayResume, pauseCurtain } from "../shared/pause.js";
import { rosterButton } from "../shared/roster.js";
import { shareButtons, stopSharing } from "../shared/share.js";
import { Stage } from "../shared/stage.js";
import { text } from "../shared/text/index.js";

/** @typedef {import("../sdk/call.js").Call} Call */
/** @typedef {import("../shared/page.js").View} View */

/** @param {Page} page @param {Call} call @returns {View} */
function inCall(page, call) {
  inside();
  const stage = new Stage(call, page.media, () => [text.call.alone]);
  const microphone = sourceButton(call, "microphone");
  const camera = sourceButton(call, "camera");
  const roster = rosterButton(call);
  const pause = h(
    "button",
    { type: "button", class: "pill", "data-testid": "pause", onclick: () => void call.pause("not_alone") },
    icon("pause"),
    text.call.notAlone,
  );
  const resume = barButton({ testid: "resume", icon: "resume", label: text.clinic.resume, look: "go", onClick: () => page.sent(call.resume()) });
  const sharing = stopSharing(call);
  stage.element.append(pause, sharing.element);
  const bar = h(
    "div",
    { class: "bar five" },
    microphone.element,
    camera.element,
    roster.element,
    resume,
    barButton({ testid: "more", icon: "more", label: text.call.more, onClick: () => openDevices(page.media, (done) => [shareButtons(page, call, done)]) }),
    barButton({ testid: "end", icon: "end", label: text.call.end, look: "danger", onClick: () => void leave(call) }),
  );
  return {
    element: h("section", { class: "call-page", "data-testid": "call" }, h("h1", { class: "sr-only", tabindex: "-1" }, text.call.title), stage.element, bar),
    title: text.call.title,
    update: () => {
      const curtain = pauseCurtain(call);
      microphone.update();
      camera.update();
      roster.update();
      const pressed = pause === document.activeElement;
      // Somebody may come in during another one's pause: whoever is about to end that must know.
      pause.hidden = call.held || (call.paused && call.pauseInfo?.by === call.participant && call.pauseInfo?.reason === "not_alone");
      const resumed = resume === document.activeElement;
      // In place of another one: the button that ends it all stays where it was.
      roster.element.hidden = mayResume(call);
      resume.hidden = !roster.element.hidden;
      stage.update(curtain);
      if (pressed && pause.hidden) stage.focusCurtain();
      if (resumed && resume.hidden) pause.focus();
    },
    close: () => {
      sharing.close();
      stage.close();
    },
  };
}

const root = document.getElementById("page");
if (root !== null) {
  const page = new Page(root, {
    preview: { title: text.preview.patientTitle, next: text.preview.patientNext, join: text.preview.patientJoin },
    call: inCall,
    ended: (reason) => reason,
  });
  void page.start();
}
