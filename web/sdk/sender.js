/**
 * One own track on its way out. It is silent (nothing leaves the browser) unless the gate is open and the person has not muted it.
 * `direction` and `enabled` do not stop packets; `replaceTrack(null)` and, for video, `active = false` do.
 * @module
 */

export class Sender {
  #transceiver;
  /** @type {MediaStreamTrack | null} */
  #wanted = null;
  #busy = false;
  #degradation;

  /**
   * @param {RTCRtpTransceiver} transceiver
   * @param {"maintain-resolution"} [degradation] what is kept on a thin line, where it is not the browser's to choose
   */
  constructor(transceiver, degradation) {
    this.#transceiver = transceiver;
    this.#degradation = degradation;
  }

  get mid() {
    return this.#transceiver.mid;
  }

  /** Whether it has something to send. */
  get sends() {
    return this.#wanted !== null;
  }

  getStats() {
    return this.#transceiver.sender.getStats();
  }

  /**
   * Sends this track, or nothing. The last call wins, however many are under way.
   * @param {MediaStreamTrack | null} track
   */
  async send(track) {
    this.#wanted = track;
    if (this.#busy) return;
    this.#busy = true;
    try {
      let applied;
      do {
        applied = this.#wanted;
        await this.#apply(applied);
      } while (applied !== this.#wanted);
    } catch {
      // The peer connection was closed meanwhile; the next one starts from the wanted state.
    } finally {
      this.#busy = false;
    }
  }

  /** Applies the wanted state again: before the first negotiation there are no parameters to set. */
  refresh() {
    return this.send(this.#wanted);
  }

  /** @param {MediaStreamTrack | null} track */
  async #apply(track) {
    const { sender } = this.#transceiver;
    if (sender.track !== track) await sender.replaceTrack(track);
    if (this.#transceiver.receiver.track.kind !== "video") return;
    const parameters = sender.getParameters();
    const encoding = parameters.encodings?.[0];
    if (encoding === undefined || encoding.active === (track !== null)) return;
    encoding.active = track !== null;
    // Not in every browser's types, and passed over by those that don't know it.
    if (this.#degradation !== undefined) Object.assign(parameters, { degradationPreference: this.#degradation });
    await sender.setParameters(parameters);
  }
}
