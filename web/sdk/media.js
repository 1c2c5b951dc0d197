/**
 * Keeps one working Transport under the call: makes it at the first join, repairs it, and replaces it where repair can't work
 * (a failed connection, a server that lost its state).
 * @module
 */
import { backoff } from "./backoff.js";
import { canDeflate, deflate, inflate } from "./deflate.js";
import { codeOf, CallError } from "./errors.js";
import { Transport } from "./transport.js";
import { onWake } from "./wake.js";

/** @typedef {import("./messages.js").Joined} Joined */
/** @typedef {import("./messages.js").ServerMessage} ServerMessage */
/** @typedef {import("./messages.js").Slots} Slots */
/** @typedef {import("./transport.js").OwnTracks} OwnTracks */
/** @typedef {import("./transport.js").TransportState} TransportState */

/**
 * Refusals of this moment, not of what we offered. Without a place in the room (`peer_unknown`) is also who was just denied or removed,
 * and hears of it a little later.
 */
const PASSING = new Set(["timeout", "offer_pending", "transport_failed", "peer_unknown", "internal"]);

/**
 * @typedef {object} MediaOptions
 * @property {(type: string, fields: Record<string, unknown>) => Promise<ServerMessage>} request
 * @property {Partial<import("./times.js").Times>} [times]
 * @property {() => void} onNegotiated after every answer: sections exist, the server knows our tracks
 * @property {(state: TransportState) => void} onState
 * @property {() => void} onMending sound and picture can't come through, as far as we know
 * @property {(error: CallError) => void} onFatal the server refuses what this browser offers
 */

export class Media {
  #options;
  /** @type {Transport | null} */
  #transport = null;
  /** Whether the present transport has had an answer. */
  #negotiated = false;
  #up = false;
  #closed = false;
  #telling = false;
  #failures = 0;
  /** @type {Promise<unknown>} */
  #offers = Promise.resolve();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #retry;
  /** @type {RTCIceServer[]} */
  #iceServers = [];
  /** @type {Slots} */
  #slots = { audio: 0, video: 0 };
  /** @type {OwnTracks} */
  #tracks = { microphone: null, camera: null };

  #sleep;

  /** @param {MediaOptions} options */
  constructor(options) {
    this.#options = options;
    this.#sleep = onWake(() => this.#wake());
  }

  /** The server knows our tracks, so that they can be muted there. */
  get negotiated() {
    return this.#negotiated && this.#up;
  }

  /** How often in a row the connection for sound and picture has failed. */
  get failures() {
    return this.#failures;
  }

  /** @param {Joined} joined */
  joined(joined) {
    this.#up = true;
    this.#iceServers = joined.ice_servers ?? [];
    this.#slots = joined.slots;
    if (this.#negotiated && this.#transport !== null && this.#transport.state !== "failed") void this.#renegotiate(this.#transport);
    else void this.#rebuild();
  }

  /** The WebSocket is lost; media goes on. */
  down() {
    this.#up = false;
    clearTimeout(this.#retry);
  }

  /** @param {Slots} slots totals */
  setSlots(slots) {
    this.#slots = slots;
    this.renegotiate();
  }

  /** Offers again: the server has another answer now. */
  renegotiate() {
    if (this.#transport !== null) void this.#renegotiate(this.#transport);
  }

  /** @param {OwnTracks} tracks what shall leave the browser from now on */
  send(tracks) {
    this.#tracks = tracks;
    this.#transport?.send(tracks);
    void this.#tell();
  }

  /** @param {string} mid */
  receiverTrack(mid) {
    return this.#transport?.receiverTrack(mid) ?? null;
  }

  /** The server gave up the handshake: the connection that it answered last is over, though the browser may try on without end. */
  handshakeFailed() {
    // Said once more, late, or where the browser has seen it too: counted already, and another one is on its way.
    if (!this.#negotiated || this.#transport?.state === "failed") return;
    this.#drop();
    this.#again();
    this.#options.onState("failed");
  }

  getStats() {
    return this.#transport?.getStats() ?? Promise.resolve(null);
  }

  close() {
    this.#closed = true;
    this.#sleep();
    this.#drop();
  }

  /** The network may be another one, or back: a broken path is mended now, not when its time has come. */
  #wake() {
    if (this.#transport === null || !this.#up) return;
    if (this.#transport.state === "failed") void this.#rebuild();
    else this.#transport.restartIfBroken();
  }

  /** @param {Transport} transport */
  async #renegotiate(transport) {
    try {
      await transport.negotiate({ slots: this.#slots });
      if (transport !== this.#transport) return;
      this.#options.onNegotiated();
      if (transport.broken) await transport.negotiate({ restart: true });
    } catch (error) {
      // A lost WebSocket is no fault of the transport: the next join negotiates again.
      if (transport === this.#transport && codeOf(error) !== "closed") void this.#rebuild();
    }
  }

  /** Negotiates until the server knows what is published. */
  async #tell() {
    const transport = this.#transport;
    if (this.#telling || transport === null) return;
    this.#telling = true;
    while (transport === this.#transport && this.negotiated && !transport.told) await this.#renegotiate(transport);
    this.#telling = false;
  }

  async #rebuild() {
    this.#drop();
    if (this.#closed || !this.#up) return;
    const transport = new Transport({
      iceServers: this.#iceServers,
      times: this.#options.times,
      slots: this.#slots,
      tracks: this.#tracks,
      exchange: (sdp, tracks) => this.#exchange(transport, sdp, tracks),
      onState: (state) => this.#changed(transport, state),
      onMending: () => this.#options.onMending(),
      onLost: () => {
        if (transport === this.#transport) void this.#rebuild();
      },
    });
    this.#transport = transport;
    try {
      await transport.negotiate();
      if (transport !== this.#transport) return;
      this.#negotiated = true;
      this.#options.onNegotiated();
      void this.#tell();
    } catch (error) {
      if (transport !== this.#transport || codeOf(error) === "closed") return;
      if (error instanceof CallError && !PASSING.has(error.code)) this.#options.onFatal(error);
      else this.#again();
    }
  }

  /**
   * @param {Transport} transport
   * @param {TransportState} state
   */
  #changed(transport, state) {
    if (transport !== this.#transport) return;
    if (state === "connected") this.#failures = 0;
    if (state === "failed") this.#again();
    this.#options.onState(state);
  }

  #again() {
    this.#failures += 1;
    clearTimeout(this.#retry);
    // A failed connection never mends itself everywhere (Firefox says connected and sends nothing): a new one, with the same tracks.
    if (this.#up) this.#retry = setTimeout(() => void this.#rebuild(), backoff(this.#failures - 1));
  }

  #drop() {
    clearTimeout(this.#retry);
    this.#transport?.close();
    this.#transport = null;
    this.#negotiated = false;
  }

  /**
   * @param {Transport} transport
   * @param {string} sdp
   * @param {unknown} tracks
   * @returns {Promise<string>}
   */
  async #exchange(transport, sdp, tracks) {
    const body = canDeflate() ? { sdp_z: await deflate(sdp) } : { sdp };
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await this.#offer({ ...body, tracks });
        return answer.sdp ?? (await inflate(answer.sdp_z));
      } catch (error) {
        // Too many in a short time: this one is as good as before, and so is the connection that it is for.
        if (codeOf(error) !== "rate_limited") throw error;
        await new Promise((resolve) => setTimeout(resolve, backoff(attempt)));
        if (transport !== this.#transport) throw error;
      }
    }
  }

  /**
   * One at a time, also when a new transport comes while the old one's answer is on its way.
   * @param {Record<string, unknown>} fields
   * @returns {Promise<ServerMessage>}
   */
  #offer(fields) {
    const reply = this.#offers.then(() => this.#options.request("offer", fields));
    this.#offers = reply.catch(() => {});
    return reply;
  }
}
