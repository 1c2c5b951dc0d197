/**
 * Somebody else: the picture, the sound, the name, and in words what is missing of them.
 * @module
 */
import { fill, h, say } from "./dom.js";
import { icon } from "./icons.js";
import { announce } from "./live.js";
import { text } from "./text/index.js";

/** @typedef {import("../sdk/remote.js").Participant} Participant */

export class Tile {
  #video = h("video", { "data-testid": "remote-video", autoplay: true, playsinline: true });
  #cover = h("p", { class: "tile-cover" });
  #name = h("strong", {});
  #role = h("span", { class: "tile-role" });
  /** The line to the server is encrypted whenever there is one: said once something arrives. */
  #safe = h("span", { class: "tile-safe", hidden: true }, icon("lock"), text.call.encrypted);
  #state = h("span", { class: "tile-state" });
  element = h("figure", { class: "tile" }, this.#video, this.#cover, h("figcaption", { class: "tile-caption" }, this.#name, this.#role, this.#safe, this.#state));
  /** A picture newer than the last gap has been seen; an old one is never shown as if it were now. */
  #fresh = false;
  #expecting = false;
  /** @type {Participant | null} */
  #participant = null;
  #lost = false;
  #onBlocked;

  /** @param {(video: HTMLVideoElement) => void} onBlocked the browser wants a tap before it plays sound */
  constructor(onBlocked) {
    this.#onBlocked = onBlocked;
    this.#video.addEventListener("resize", () => {
      this.element.classList.toggle("upright", this.#video.videoHeight > this.#video.videoWidth);
    });
  }

  get id() {
    return this.#participant?.id ?? null;
  }

  /** @param {Participant | null} participant null: nobody is there */
  show(participant) {
    const lost = participant?.state === "reconnecting";
    if (participant !== null && lost && !(this.#lost && participant.id === this.id)) announce(text.call.lost(participant.name));
    this.#lost = lost;
    this.#participant = participant;
    this.element.hidden = participant === null;
    const stream = participant?.stream ?? null;
    if (this.#video.srcObject !== stream) {
      this.#video.srcObject = stream;
      this.#expecting = this.#fresh = false;
    }
    if (participant === null) return;
    if (stream !== null && stream.getTracks().length > 0) this.#play();
    this.#expect(participant.hasCamera);
    say(this.#name, participant.name);
    say(this.#role, text.roles[participant.role] ?? participant.role);
    this.#describe(participant);
  }

  /** @param {boolean} silent no sound, whatever still arrives */
  silence(silent) {
    this.#video.muted = silent;
  }

  /** @param {Participant} participant */
  #describe(participant) {
    const { name, state, hasCamera, hasMicrophone, stream } = participant;
    const nothing = stream.getTracks().length === 0;
    const covered = !hasCamera || !this.#fresh;
    this.#safe.hidden = nothing;
    const cover = missing(participant, nothing);
    this.element.classList.toggle("covered", covered);
    say(this.#cover, covered ? cover : "");
    const words = state === "reconnecting" && !covered ? text.call.lost(name) : hasMicrophone || nothing ? "" : text.call.microphoneOff;
    if (this.#state.textContent !== words) fill(this.#state, words && icon(hasMicrophone || nothing ? "warning" : "microphoneOff"), words);
  }

  /** @param {boolean} hasCamera */
  #expect(hasCamera) {
    if (hasCamera === this.#expecting) return;
    this.#expecting = hasCamera;
    this.#fresh = false;
    if (!hasCamera) return;
    const seen = () => {
      this.#fresh = this.#expecting;
      if (this.#participant !== null) this.#describe(this.#participant);
    };
    if ("requestVideoFrameCallback" in this.#video) this.#video.requestVideoFrameCallback(seen);
    else /** @type {HTMLVideoElement} */ (this.#video).addEventListener("timeupdate", seen, { once: true });
  }

  #play() {
    if (!this.#video.paused) return;
    this.#video.play().catch((error) => {
      if (error instanceof DOMException && error.name === "NotAllowedError") this.#onBlocked(this.#video);
    });
  }
}

/**
 * Why there is no picture, in words.
 * @param {Participant} participant
 * @param {boolean} nothing nothing arrives yet, not even sound
 */
function missing({ name, state, hasCamera }, nothing) {
  if (state === "reconnecting") return text.call.lost(name);
  if (state === "held") return text.call.onHold(name);
  return nothing || hasCamera ? text.call.connecting : text.call.cameraOff(name);
}
