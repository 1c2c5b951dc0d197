/**
 * What can be shown beside camera and microphone: a screen, or a picture from a file.
 * Both give a video track whose sharpness matters more than its motion.
 * @module
 */
import { CallError } from "./errors.js";

/** Wider pictures are made smaller: photographs of phones have 4000 pixels, screens half of that. */
const LONGEST_SIDE = 1920;
/** A still picture is sent again so often: for who comes later, and until it is sharp. */
const REPEAT = 200;

/** Phones have no screen to share. */
export function canShareScreen() {
  return typeof navigator.mediaDevices?.getDisplayMedia === "function";
}

/**
 * Asks the person for a screen, a window or a tab.
 * @returns {Promise<MediaStreamTrack | null>} null where the person would rather not
 */
export async function screenTrack() {
  try {
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 5 } }, audio: false });
    const [track] = stream.getVideoTracks();
    track.contentHint = "detail";
    return track;
  } catch (cause) {
    if (cause instanceof DOMException && (cause.name === "NotAllowedError" || cause.name === "AbortError")) return null;
    throw new CallError("sharing_failed", "the browser gave no screen", { cause });
  }
}

/**
 * A picture as a track; nothing of it is kept once the track is stopped.
 * @param {Blob} file an image
 * @returns {Promise<MediaStreamTrack>}
 */
export async function pictureTrack(file) {
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch (cause) {
    throw new CallError("sharing_failed", "not a picture", { cause });
  }
  const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  // Even sizes: an encoder would cut the last line otherwise.
  canvas.width = Math.max(2, Math.round((picture.width * scale) / 2) * 2);
  canvas.height = Math.max(2, Math.round((picture.height * scale) / 2) * 2);
  const context = canvas.getContext("2d");
  const draw = () => context?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  draw();
  const [track] = canvas.captureStream(1000 / REPEAT).getVideoTracks();
  track.contentHint = "detail";
  const timer = setInterval(() => {
    if (track.readyState === "live") return draw();
    clearInterval(timer);
    picture.close();
  }, REPEAT);
  return track;
}
