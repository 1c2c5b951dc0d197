/**
 * Showing a screen or a still picture: the buttons that begin it, and the one that ends it.
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
 * For the panel of devices: a still picture, and a screen where there is one to share.
 * @param {Page} page
 * @param {Call} call
 * @param {() => void} done the person has chosen
 * @returns {HTMLElement}
 */
export function shareButtons(page, call, done) {
  const failed = () => page.toast(text.share.failed);
  const begin = () => {
    done();
    call.shareScreen().catch(failed);
  };
  const file = h("input", { type: "file", accept: "image/*", class: "sr-only", "data-testid": "share-file", tabindex: "-1", "aria-hidden": "true" });
  file.addEventListener("change", () => {
    const [chosen] = file.files ?? [];
    if (chosen === undefined) return;
    done();
    pictureTrack(chosen).then((track) => call.share(track), failed);
  });
  return h(
    "div",
    { class: "answers" },
    canShareScreen() && button("share", "screen", text.share.screen, begin),
    button("share-picture", "picture", text.share.picture, () => file.click()),
    file,
  );
}

/**
 * @param {string} testid
 * @param {import("./icons.js").IconName} name
 * @param {string} label
 * @param {() => void} onclick
 */
function button(testid, name, label, onclick) {
  return h("button", { type: "button", class: "button quiet", "data-testid": testid, onclick }, icon(name), label);
}

/**
 * Over the pictures, as long as one shows something.
 * @param {Call} call
 * @returns {{ element: HTMLElement, close: () => void }}
 */
export function stopSharing(call) {
  const words = h("span", {});
  const element = h("button", { type: "button", class: "pill share-stop", "data-testid": "share-stop", hidden: !call.sharing, onclick: () => call.stopSharing() }, icon("screen"), words);
  say(words, text.share.stop);
  // In a pause or on hold nobody sees it: that they do is said once it is true.
  let told = call.sharing && call.open;
  const tell = () => {
    if (told || !call.sharing || !call.open) return;
    told = true;
    announce(text.share.sharing);
  };
  const closed = new AbortController();
  const { signal } = closed;
  call.addEventListener("sharing", () => {
    element.hidden = !call.sharing;
    told = false;
    if (call.sharing) tell();
    else announce(text.share.stopped);
  }, { signal });
  call.addEventListener("state", tell, { signal });
  return { element, close: () => closed.abort() };
}
