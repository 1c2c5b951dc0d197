/**
 * The practitioner's page: who waits, who is inside, and the call. Built on the SDK and the shared parts alone.
 * @module
 */
import { barButton, openDevices, sourceButton } from "../shared/bar.js";
import { ask } from "../shared/dialog.js";
import { fill, h } from "../shared/dom.js";
import { icon } from "../shared/icons.js";
import { leave } from "../shared/leave.js";
import { inside } from "../shared/lobby.js";
import { Page } from "../shared/page.js";
import { mayResume, pauseCurtain } from "../shared/pause.js";
import { shareButtons, stopSharing } from "../shared/share.js";
import { Stage } from "../shared/stage.js";
import { text } from "../shared/text/index.js";
import { Ending } from "./ending.js";
import { openNotice } from "./notice.js";
import { PeopleList } from "./people.js";

/** @typedef {import("../sdk/call.js").Call} Call */
/** @typedef {import("../shared/page.js").View} View */

const ending = new Ending();

/** @param {Page} page @param {Call} call @returns {View} */
function inCall(page, call) {
  inside();
  const people = new PeopleList(page, call);
  const stage = new Stage(call, page.media, () => {
    if (!call.isHost) return [text.call.alone];
    return [text.call.clinicAlone, people.waiting > 0 ? text.call.clinicAloneHelp : text.call.clinicEmpty];
  });
  const sharing = stopSharing(call);
  stage.element.append(sharing.element);
  const microphone = sourceButton(call, "microphone");
  const camera = sourceButton(call, "camera");
  const pauseButton = h("span", { class: "bar-place" });
  let pauseShown = "";
  const drawPause = () => {
    const which = !call.paused ? "pause" : mayResume(call) ? "resume" : "nothing";
    if (which === pauseShown) return;
    pauseShown = which;
    const focused = pauseButton.contains(document.activeElement);
    const button =
      which === "resume"
        ? barButton({ testid: "resume", icon: "resume", label: text.clinic.resume, look: "go", onClick: () => page.sent(call.resume()) })
        : barButton({ testid: "pause", icon: "pause", label: text.clinic.pause, onClick: () => void call.pause(call.isHost ? "host" : "pause") });
    pauseButton.hidden = which === "nothing";
    fill(pauseButton, which !== "nothing" && button);
    if (focused) button.focus();
  };
  const bar = h(
    "div",
    { class: "bar five" },
    microphone.element,
    camera.element,
    pauseButton,
    barButton({ testid: "more", icon: "more", label: text.call.more, onClick: () => openDevices(page.media, (done) => [shareButtons(page, call, done)]) }),
    barButton({ testid: "end", icon: "end", label: text.call.end, look: "danger", onClick: () => void (call.isHost ? end(page, call) : leave(call)) }),
  );
  const notice = h(
    "button",
    { type: "button", class: "button quiet", "data-testid": "notice", onclick: () => openNotice(page, call) },
    icon("clock"),
    text.clinic.notice,
  );
  people.element.append(notice);
  const element = h("section", { class: "clinic-page", "data-testid": "call" }, people.element, h("div", { class: "call-page" }, stage.element, bar));
  return {
    element,
    title: text.clinic.people,
    update: () => {
      microphone.update();
      camera.update();
      drawPause();
      people.update();
      notice.hidden = !call.isHost;
      element.classList.toggle("alone", people.inside === 0);
      element.classList.toggle("group", people.inside > 2);
      element.classList.toggle("some-wait", people.waiting > 0);
      stage.update(pauseCurtain(call));
    },
    close: () => {
      people.close();
      sharing.close();
      stage.close();
    },
  };
}

/** @param {Page} page @param {Call} call */
async function end(page, call) {
  const words = text.end;
  const answer = await ask({
    title: words.clinicTitle,
    text: words.clinicText,
    answers: [
      { value: "end", label: words.clinicConfirm, look: "danger", testid: "end-confirm" },
      { value: "leave", label: words.clinicLeave, look: "quiet", testid: "end-leave" },
      { value: "stay", label: words.clinicCancel, look: "quiet", testid: "end-cancel" },
    ],
  });
  if (answer === "end") {
    page.sent(ending.ask(call));
  } else if (answer === "leave") {
    await call.leave();
  }
}

const root = document.getElementById("page");
if (root !== null) {
  const page = new Page(root, {
    preview: { title: text.preview.clinicTitle, next: text.preview.clinicNext, join: text.preview.clinicJoin },
    call: inCall,
    ended: (reason) => (reason === "left" ? "clinicLeft" : reason === "ended" && ending.ours ? "clinic" : reason),
  });
  void page.start();
}
