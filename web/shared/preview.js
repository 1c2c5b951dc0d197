/**
 * Before the call: see and hear that camera and microphone work, choose others, go on.
 * @module
 */
import { devicePanel } from "./device-panel.js";
import { h, say } from "./dom.js";
import { shownName } from "./shown-name.js";
import { text } from "./text/index.js";
import { selfVideo } from "./self-video.js";

/** @typedef {import("./page.js").View} View */

/**
 * @param {object} options
 * @param {import("../sdk/devices.js").LocalMedia} options.media
 * @param {string} options.title
 * @param {string} options.next what happens when one goes on
 * @param {string} options.join the words of the button
 * @param {(name: string | undefined) => Promise<void>} options.onJoin is told the name that others shall see, where it was chosen
 * @returns {View & { ready: () => void, tell: (claims: import("./shown-name.js").Claims, contact: import("./contact.js").Contact | null) => void }}
 */
export function preview({ media, title, next, join, onJoin }) {
  const hint = h("p", { class: "hint" }, text.preview.opening);
  const video = selfVideo(media);
  const button = h("button", { type: "button", class: "button go wide", "data-testid": "join", disabled: true }, join);
  const devices = h("div", {});
  const names = h("div", { hidden: true });
  /** @type {ReturnType<typeof shownName>} */
  let name = null;
  /** @type {ReturnType<typeof devicePanel> | undefined} */
  let panel;
  button.addEventListener("click", async () => {
    button.disabled = true;
    say(button, text.preview.joining);
    await onJoin(name?.chosen());
  });
  const element = h(
    "section",
    { class: "sheet preview" },
    h("h1", { tabindex: "-1" }, title),
    h("p", { class: "lead" }, `${next} ${text.preview.notRecorded}`),
    names,
    h("div", { class: "preview-columns" }, h("div", { class: "preview-picture" }, h("div", { class: "frame" }, video), hint), devices),
    h("div", { class: "foot" }, button),
  );
  return {
    element,
    title,
    tell: (claims, contact) => {
      name = shownName(claims, contact);
      if (name !== null) names.replaceWith(name.element);
    },
    ready: () => {
      say(hint, text.preview.self);
      panel = devicePanel(media);
      devices.replaceWith(panel.element);
      button.disabled = false;
    },
    close: () => panel?.close(),
  };
}
