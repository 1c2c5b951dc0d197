/**
 * The lobby as whoever waits there sees it, patient or practitioner, and the turn that follows.
 * @module
 */
import { openDevices } from "./bar.js";
import { chime } from "./chime.js";
import { fill, h, say } from "./dom.js";
import { icon } from "./icons.js";
import { leave } from "./leave.js";
import { announce } from "./live.js";
import { selfVideo } from "./self-video.js";
import { text } from "./text/index.js";

/** @typedef {import("../sdk/call.js").Call} Call */
/** @typedef {import("./page.js").Page} Page */
/** @typedef {import("./page.js").View} View */

/** Whether the person was inside before: then the lobby explains why it is back. */
let wasInside = false;
let wasInLobby = false;

/** To be called when the call is shown: whoever has waited hears that it is their turn. */
export function inside() {
  wasInside = true;
  if (!wasInLobby) return;
  void chime();
  announce(text.call.yourTurn, { urgently: true });
}

/** @param {Page} page @param {Call} call @returns {View} */
export function lobby(page, call) {
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
    // A practitioner who waits is nobody's patient.
    !call.isHost && h("p", { class: "worse" }, text.lobby.worse),
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
