/**
 * The patient's page: get ready, wait, talk. Built on the SDK and the shared parts alone.
 * @module
 */
import { barButton, openDevices, sourceButton } from "../shared/bar.js";
import { chime } from "../shared/chime.js";
import { ask } from "../shared/dialog.js";
import { fill, h, say } from "../shared/dom.js";
import { icon } from "../shared/icons.js";
import { announce } from "../shared/live.js";
import { Page } from "../shared/page.js";
import { pauseCurtain } from "../shared/pause.js";
import { rosterButton } from "../shared/roster.js";
import { selfVideo } from "../shared/self-video.js";
import { shareButtons, stopSharing } from "../shared/share.js";
import { Stage } from "../shared/stage.js";
import { text } from "../shared/text/index.js";

/** @typedef {import("../sdk/call.js").Call} Call */
/** @typedef {import("../shared/page.js").View} View */

/** Whether the person was inside before: then the lobby explains why it is back. */
let wasInside = false;
let wasInLobby = false;

/** @param {Page} page @param {Call} call @returns {View} */
function lobby(page, call) {
  const position = h("p", { class: "position", "data-testid": "position" });
  const notice = h("div", { class: "notice", "data-testid": "lobby-notice", hidden: true });
  const back = wasInside ? text.lobby.back : "";
  const element = h(
    "section",
    { class: "sheet lobby", "data-testid": "lobby" },
    h("h1", { tabindex: "-1" }, text.lobby.title),
    back && h("p", { class: "lead" }, back),
    position,
    h("p", { class: "lead" }, `${text.lobby.wait} ${text.lobby.putAway}`),
    notice,
    h("p", { class: "worse" }, text.lobby.worse),
    h("div", { class: "lobby-self" }, h("div", { class: "frame" }, selfVideo(page.media)), h("p", { class: "hint" }, text.lobby.unseen)),
    h(
      "div",
      { class: "foot two" },
      h("button", { type: "button", class: "button quiet", "data-testid": "more", onclick: () => openDevices(page.media) }, icon("more"), text.lobby.check),
      h("button", { type: "button", class: "button danger-quiet", "data-testid": "end", onclick: () => void leave(call) }, icon("end"), text.lobby.leave),
    ),
  );
  wasInLobby = true;
  let told = "";
  return {
    element,
    title: text.lobby.title,
    update: () => {
      const place = call.lobby;
      if (place === null) return;
      const where = place.position === 1 ? text.lobby.next : text.lobby.position(place.position);
      const words = noticeWords(place.notice);
      say(position, where);
      notice.hidden = words.length === 0;
      fill(notice, icon("clock"), h("div", {}, h("h2", {}, text.lobby.noticeTitle), ...words.map((line) => h("p", {}, line))));
      const whole = [where, ...words].join(" ");
      if (whole !== told) announce(told === "" && back !== "" ? `${back} ${whole}` : whole);
      told = whole;
    },
  };
}

/** @param {import("../sdk/messages.js").Notice | null} notice @returns {string[]} */
function noticeWords(notice) {
  const words = [];
  if (notice?.minutes) words.push(text.lobby.delayed(notice.minutes));
  if (notice?.text) words.push(notice.text);
  return words;
}

/** @param {Page} page @param {Call} call @returns {View} */
function inCall(page, call) {
  wasInside = true;
  if (wasInLobby) {
    void chime();
    announce(text.call.yourTurn, { urgently: true });
  }
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
  stage.element.append(pause, stopSharing(call));
  const bar = h(
    "div",
    { class: "bar five" },
    microphone.element,
    camera.element,
    roster.element,
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
      pause.hidden = curtain !== null;
      stage.update(curtain);
      if (pressed && pause.hidden) stage.focusCurtain();
    },
    close: () => stage.close(),
  };
}

/** @param {Call} call */
async function leave(call) {
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

const root = document.getElementById("page");
if (root !== null) {
  const page = new Page(root, {
    preview: { title: text.preview.patientTitle, next: text.preview.patientNext, join: text.preview.patientJoin },
    lobby,
    call: inCall,
    ended: (reason) => reason,
  });
  void page.start();
}
