/**
 * Showing a screen, or a picture where the browser shares no screens: the button that begins it, and the one that ends it.
 * @module
 */
import { canShareScreen, pictureTrack } from "../sdk/index.js";
import { h, say } from "./dom.js";
import { icon } from "./icons.js";
import { announce } from "./live.js";
import { text } from "./text/index.js";

/** @typedef {import("../sdk/call.js").Call} Call */
/** @typedef {import("./page.js").Page} Page */

/**
 * For the panel of devices.
 * @param {Page} page
 * @param {Call} call
 * @param {() => void} done the person has chosen
 * @returns {HTMLElement}
 */
export function shareButton(page, call, done) {
  const failed = () => page.toast(text.share.failed);
  if (canShareScreen()) {
    const begin = () => {
      done();
      call.shareScreen().catch(failed);
    };
    return h("button", { type: "button", class: "button quiet", "data-testid": "share", onclick: begin }, icon("screen"), text.share.screen);
  }
  const file = h("input", { type: "file", accept: "image/*", class: "sr-only", "data-testid": "share-file", tabindex: "-1", "aria-hidden": "true" });
  file.addEventListener("change", () => {
    const [chosen] = file.files ?? [];
    if (chosen === undefined) return;
    done();
    pictureTrack(chosen).then((track) => call.share(track), failed);
  });
  const button = h("button", { type: "button", class: "button quiet", "data-testid": "share", onclick: () => file.click() }, icon("screen"), text.share.picture);
  return h("div", {}, button, file);
}

/**
 * Over the pictures, as long as one shows something.
 * @param {Call} call
 * @returns {HTMLElement}
 */
export function stopSharing(call) {
  const words = h("span", {});
  const element = h("button", { type: "button", class: "pill share-stop", "data-testid": "share-stop", hidden: true, onclick: () => call.stopSharing() }, icon("screen"), words);
  say(words, text.share.stop);
  call.addEventListener("sharing", () => {
    element.hidden = !call.sharing;
    announce(call.sharing ? text.share.sharing : text.share.stopped);
  });
  return element;
}
