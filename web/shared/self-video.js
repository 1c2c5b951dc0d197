/**
 * One's own picture, mirrored, as one knows oneself.
 * @module
 */
import { h } from "./dom.js";
import { text } from "./text/index.js";

/**
 * @param {import("../sdk/devices.js").LocalMedia} media
 * @returns {HTMLVideoElement}
 */
export function selfVideo(media) {
  const video = h("video", { class: "mirrored", "data-testid": "self-video", autoplay: true, playsinline: true, "aria-label": text.preview.selfVideo });
  video.muted = true;
  // An empty stream would hold back the page's load event for as long as the question for permission stands.
  if (media.stream.active) video.srcObject = media.stream;
  else media.addEventListener("change", () => (video.srcObject = media.stream), { once: true });
  return video;
}
