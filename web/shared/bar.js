/**
 * The bar of the call: large buttons, each an icon over words that say how things are.
 * @module
 */
import { devicePanel } from "./device-panel.js";
import { openPanel } from "./dialog.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { text } from "./text/index.js";

/** @typedef {import("../sdk/call.js").Call} Call */
/** @typedef {import("../sdk/devices.js").LocalMedia} LocalMedia */
/** @typedef {import("../sdk/transport.js").OwnSource} OwnSource */
/** @typedef {import("./icons.js").IconName} IconName */

/**
 * @param {object} button
 * @param {string} button.testid
 * @param {IconName} button.icon
 * @param {string} button.label
 * @param {string} [button.look]
 * @param {() => void} button.onClick
 * @returns {HTMLButtonElement}
 */
export function barButton({ testid, icon: name, label, look = "", onClick }) {
  return h("button", { type: "button", class: `bar-button ${look}`, "data-testid": testid, onclick: onClick }, icon(name), h("span", {}, label));
}

/**
 * A button that says whether microphone or camera is on, and changes it.
 * @param {Call} call
 * @param {OwnSource} source
 * @returns {{ element: HTMLButtonElement, update: () => void }}
 */
export function sourceButton(call, source) {
  const element = h("button", { type: "button", class: "bar-button", "data-testid": source === "camera" ? "camera" : "mute" });
  element.addEventListener("click", () => (call.isMuted(source) ? call.unmute(source) : call.mute(source)));
  const update = () => {
    const off = call.isMuted(source);
    if (element.dataset.off === String(off)) return;
    element.dataset.off = String(off);
    fill(element, icon(off ? /** @type {IconName} */ (`${source}Off`) : source), h("span", {}, `${text.call[source]} ${off ? text.call.off : text.call.on}`));
  };
  update();
  return { element, update };
}

/**
 * @param {LocalMedia} media
 * @param {(done: () => void) => Node[]} [further] what else the panel offers; `done` closes it
 */
export function openDevices(media, further = () => []) {
  const panel = devicePanel(media);
  const content = [panel.element, ...further(() => dialog.close())];
  const dialog = openPanel({ title: text.more.title, close: text.more.close, content, onClose: panel.close });
}
