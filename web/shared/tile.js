/**
 * Somebody else: the picture, the sound, the name, and in words what is missing of them. Or the screen that somebody shows.
 * @module
 */
import { fill, h, say } from "./dom.js";
import { icon } from "./icons.js";
import { text } from "./text/index.js";

/** @typedef {import("../sdk/remote.js").Participant} Participant */

/** What browsers do not say when they received it is as new as that, once so long has passed (ms) and it is not the first. */
const CERTAIN = 2000;

export class Tile {
  #video = h("video", { "data-testid": "remote-video", autoplay: true, playsinline: true });
  #cover = h("p", { class: "tile-cover" });
  #name = h("strong", {});
  #role = h("span", { class: "tile-role" });
  /** The line to the server is encrypted whenever there is one: said once something arrives. */
  #safe = h("span", { class: "tile-safe", hidden: true }, icon("lock"), text.call.encrypted);
  #speaking = h("span", { class: "sr-only" });
  #state = h("span", { class: "tile-state" });
  element = h(
    "figure",
    { class: "tile" },
    this.#video,
    this.#cover,
    h("figcaption", { class: "tile-caption" }, this.#name, this.#role, this.#speaking, this.#safe, this.#state),
  );
  /** A picture newer than the last gap has been seen; an old one is never shown as if it were now. */
  #fresh = false;
  #expecting = false;
  /** A frame that was received earlier may be somebody else's. */
  #since = 0;
  /** Changes with every wait for a picture, so that an old one ends. */
  #wait = {};
  /** @type {Participant | null} */
  #participant = null;
  #screen = false;
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

  /** Whether it has the screen that the person shows, rather than the person. */
  get screen() {
    return this.#screen;
  }

  /**
   * @param {Participant | null} participant null: nobody is there
   * @param {boolean} [screen] the screen that the person shows
   */
  show(participant, screen = false) {
    this.#screen = screen;
    this.#participant = participant;
    this.element.hidden = participant === null;
    this.element.classList.toggle("screen", screen);
    this.element.classList.toggle("speaking", participant !== null && participant.speaking && !screen);
    this.#video.dataset.testid = screen ? "remote-screen" : "remote-video";
    const stream = (screen ? participant?.screen : participant?.stream) ?? null;
    if (this.#video.srcObject !== stream) {
      this.#video.srcObject = stream;
      this.#expecting = this.#fresh = false;
    }
    if (participant === null) {
      this.#wait = {};
      return;
    }
    if (stream !== null && stream.getTracks().length > 0) this.#play();
    this.#expect(screen ? participant.hasScreen : participant.hasCamera, screen ? participant.screenSince : participant.cameraSince);
    say(this.#name, screen ? text.call.screenOf(participant.name) : participant.name);
    say(this.#role, screen ? "" : (text.roles[participant.role] ?? participant.role));
    say(this.#speaking, participant.speaking && !screen ? text.call.speaks : "");
    this.#describe(participant);
  }

  /** @param {boolean} silent no sound, whatever still arrives */
  silence(silent) {
    this.#video.muted = silent;
  }

  /** @param {Participant} participant */
  #describe(participant) {
    if (this.#screen) {
      this.element.classList.toggle("covered", !this.#fresh);
      say(this.#cover, this.#fresh ? "" : text.call.connecting);
      this.#safe.hidden = true;
      return fill(this.#state);
    }
    const { name, state, hasCamera, hasMicrophone, stream } = participant;
    const nothing = stream.getTracks().length === 0;
    const covered = !hasCamera || !this.#fresh;
    this.#safe.hidden = nothing;
    const cover = missing(participant, nothing);
    this.element.classList.toggle("covered", covered);
    say(this.#cover, covered ? cover : "");
    const words = state === "reconnecting" && !covered ? text.call.lost(name) : hasMicrophone || nothing ? "" : text.call.microphoneOff;
    if (this.#state.textContent !== words) fill(this.#state, words && icon(hasMicrophone || nothing ? "warning" : "microphoneOff"), words && h("span", {}, words));
  }

  /**
   * @param {boolean} picture one shall come
   * @param {number} since
   */
  #expect(picture, since) {
    if (picture === this.#expecting && since === this.#since) return;
    this.#expecting = picture;
    this.#since = since;
    this.#fresh = false;
    const wait = (this.#wait = {});
    if (!picture) return;
    let first = true;
    this.#nextFrame((now, received) => {
      if (wait !== this.#wait) return true;
      this.#fresh = received >= since || (!first && now >= since + CERTAIN);
      first = false;
      if (this.#fresh && this.#participant !== null) this.#describe(this.#participant);
      return this.#fresh;
    });
  }

  /** @param {(now: number, received: number) => boolean} seen called with each frame, and when it came, until it says true */
  #nextFrame(seen) {
    const again = () => this.#nextFrame(seen);
    if ("requestVideoFrameCallback" in this.#video) {
      this.#video.requestVideoFrameCallback((now, frame) => void (seen(now, frame.receiveTime ?? 0) || again()));
    } else {
      const video = /** @type {HTMLVideoElement} */ (this.#video);
      video.addEventListener("timeupdate", () => void (seen(performance.now(), 0) || again()), { once: true });
    }
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
