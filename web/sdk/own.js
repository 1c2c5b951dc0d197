/**
 * What is ours to show: camera and microphone, each of which can be muted, and a screen or picture beside them.
 * What of it leaves the browser follows from here and from whether we may send; here nothing is sent.
 * @module
 */

/** @typedef {import("./transport.js").OwnSource} OwnSource */
/** @typedef {import("./transport.js").OwnTracks} OwnTracks */

/** What can be muted. */
export const SOURCES = /** @type {const} */ (["microphone", "camera"]);

export class Own {
  /** @type {Record<OwnSource, boolean>} */
  #muted = { microphone: false, camera: false };
  /** @type {Record<OwnSource, MediaStreamTrack | null>} */
  #tracks;
  /** What we show beside camera and microphone. @type {MediaStreamTrack | null} */
  #shared = null;

  /**
   * @param {MediaStream} stream its tracks stay the caller's
   * @param {Partial<Record<OwnSource, boolean>>} [muted] what is off from the start
   */
  constructor(stream, muted) {
    this.#tracks = { microphone: stream.getAudioTracks()[0] ?? null, camera: stream.getVideoTracks()[0] ?? null };
    Object.assign(this.#muted, muted);
  }

  /** @returns {Readonly<Record<OwnSource, boolean>>} */
  get muted() {
    return this.#muted;
  }

  /** Whether a screen or a picture is shown. */
  get sharing() {
    return this.#shared !== null;
  }

  /**
   * @param {OwnSource} source
   * @param {boolean} muted
   */
  setMuted(source, muted) {
    this.#muted[source] = muted;
  }

  /**
   * @param {OwnSource} source
   * @param {MediaStreamTrack | null} track
   */
  replace(source, track) {
    this.#tracks[source] = track;
  }

  /**
   * Shows a track in place of what was shown before.
   * @param {MediaStreamTrack} track
   * @param {() => void} onEnded it ended by itself while it was shown
   */
  share(track, onEnded) {
    this.unshare();
    this.#shared = track;
    track.addEventListener("ended", () => this.#shared === track && onEnded(), { once: true });
  }

  /** The showing is over, and the track with it. */
  unshare() {
    const track = this.#shared;
    this.#shared = null;
    track?.stop();
  }

  /**
   * What shall leave the browser.
   * @param {boolean} open whether we may send
   * @returns {OwnTracks}
   */
  leaving(open) {
    const { microphone, camera } = this.#muted;
    return {
      microphone: open && !microphone ? this.#tracks.microphone : null,
      camera: open && !camera ? this.#tracks.camera : null,
      screen: this.#shared === null ? undefined : open ? this.#shared : null,
    };
  }
}
