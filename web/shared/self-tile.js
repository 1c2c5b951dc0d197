/**
 * One's own picture in the call: small, in a corner, to be dragged to another one, or moved on by Enter.
 * @module
 */
import { h, say } from "./dom.js";
import { selfVideo } from "./self-video.js";
import { text } from "./text/index.js";

/** In the order of Enter. */
const CORNERS = ["bottom-right", "top-right", "top-left", "bottom-left"];
/** A shorter way is a tap. */
const DRAG = 8;

/**
 * @param {import("../sdk/devices.js").LocalMedia} media
 * @returns {{ element: HTMLElement, update: (off: { camera: boolean, microphone: boolean }) => void }}
 */
export function selfTile(media) {
  const words = h("span", { class: "self-words" }, text.call.you);
  const what = h("span", { class: "sr-only" }, text.call.moveSelf);
  const element = h("button", { type: "button", class: "self-tile", "data-corner": CORNERS[0] }, selfVideo(media), words, what);
  /** @type {{ x: number, y: number } | null} */
  let from = null;
  let dragged = false;
  element.addEventListener("pointerdown", (event) => {
    from = { x: event.clientX, y: event.clientY };
    dragged = false;
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointermove", (event) => {
    if (from === null) return;
    const [x, y] = [event.clientX - from.x, event.clientY - from.y];
    dragged ||= Math.hypot(x, y) > DRAG;
    if (dragged) element.style.transform = `translate(${x}px, ${y}px)`;
  });
  const drop = () => {
    if (dragged) element.dataset.corner = nearestCorner(element);
    element.style.transform = "";
    from = null;
  };
  element.addEventListener("pointerup", drop);
  element.addEventListener("pointercancel", drop);
  element.addEventListener("click", () => {
    if (!dragged) element.dataset.corner = CORNERS[(CORNERS.indexOf(element.dataset.corner ?? "") + 1) % CORNERS.length];
    dragged = false;
  });
  return {
    element,
    update: ({ camera, microphone }) => {
      element.classList.toggle("camera-off", camera);
      const { ownBothShort, ownCameraShort, ownMicrophoneShort, you } = text.call;
      say(words, camera && microphone ? ownBothShort : camera ? ownCameraShort : microphone ? ownMicrophoneShort : you);
    },
  };
}

/** @param {HTMLElement} element */
function nearestCorner(element) {
  const own = element.getBoundingClientRect();
  const around = (element.offsetParent ?? document.body).getBoundingClientRect();
  const left = own.left + own.width / 2 < around.left + around.width / 2;
  const top = own.top + own.height / 2 < around.top + around.height / 2;
  return `${top ? "top" : "bottom"}-${left ? "left" : "right"}`;
}
