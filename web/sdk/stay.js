/**
 * A stay in a room, from the join to its end: takes what the server says and what we ask, and sees to what follows from it for
 * what we send, what we see, the seat, and the events. What it is made of knows nothing of it, nor does it know the face, `call.js`.
 * @module
 */
import { Link } from "./link.js";
import { Media } from "./media.js";
import { Own, SOURCES } from "./own.js";
import { Remote } from "./remote.js";
import { Standing } from "./standing.js";

/** @typedef {import("./errors.js").CallError} CallError */
/** @typedef {import("./link.js").LinkOptions} LinkOptions */
/** @typedef {import("./messages.js").EndReason} EndReason */
/** @typedef {import("./messages.js").Joined} Joined */
/** @typedef {import("./messages.js").ServerMessage} ServerMessage */
/** @typedef {import("./standing.js").CallState} CallState */
/** @typedef {import("./transport.js").OwnSource} OwnSource */

/**
 * @typedef {object} Surroundings
 * @property {Own} own
 * @property {import("./seat.js").SeatStore} [seats] where the seat is kept for a reload
 * @property {(type: string, detail: unknown) => void} onEvent what a page shall hear; the events of `Call`
 */
/** @typedef {Pick<LinkOptions, "wsUrl" | "credential" | "name" | "renew" | "times"> & Surroundings} StayOptions */

/** Reasons with which the server refuses a seat that once was good. */
const GONE = new Set(["seat_dead", "seat_invalid", "room_ended"]);

/** How the codes of a failed handshake begin; they answer nothing that we asked. */
const HANDSHAKE = "dtls_";

export class Stay {
  #standing = new Standing();
  /** @type {CallState} the one last told */
  #state = "connecting";
  /** @type {Joined | null} */
  #joined = null;
  /** @type {EndReason | "gone" | null} */
  #endReason = null;
  #own;
  #seats;
  #emit;
  #link;
  #media;
  #remote = new Remote(() => this.participant);

  /** @param {StayOptions} options */
  constructor({ own, seats, onEvent, ...way }) {
    this.#own = own;
    this.#seats = seats;
    this.#emit = onEvent;
    this.#media = new Media({
      times: way.times,
      request: (type, fields) => this.#link.request(type, fields),
      onNegotiated: () => this.#negotiated(),
      onState: (state) => this.#mediaState(state),
      onMending: () => this.#link.doubt(),
      onFatal: (error) => this.#fail(error),
    });
    this.#link = new Link({
      ...way,
      onJoined: (joined) => this.#onJoined(joined),
      onMessage: (message, command) => this.#receive(message, command),
      onDown: () => this.#onDown(),
      onFatal: (error) => this.#fail(error),
    });
    queueMicrotask(() => void this.#link.run());
  }

  // To be read

  get state() {
    return this.#state;
  }

  /** What the server said when we last joined; null before. */
  get joined() {
    return this.#joined;
  }

  /** Own participant id; empty before the first join. */
  get participant() {
    return this.#joined?.participant ?? "";
  }

  get endReason() {
    return this.#endReason;
  }

  /** @returns {Pick<Standing, "held" | "lobby" | "open" | "over" | "pause">} */
  get standing() {
    return this.#standing;
  }

  /** @returns {Pick<Own, "muted" | "sharing">} */
  get own() {
    return this.#own;
  }

  /** @returns {Pick<Remote, "participants" | "role" | "speakers">} */
  get remote() {
    return this.#remote;
  }

  getStats() {
    return this.#media.getStats();
  }

  // What we ask

  /**
   * Says something to the server.
   * @param {string} type
   * @param {Record<string, unknown>} [fields]
   * @returns {boolean} false while there is no connection
   */
  send(type, fields) {
    return this.#link.send(type, fields);
  }

  /**
   * Stops what we send at once, even while the server can't be reached.
   * @param {string | undefined} reason
   */
  pause(reason) {
    if (this.#standing.pause === null) {
      this.#standing.ask({ by: this.participant, reason: reason ?? "" });
      this.#update();
      this.#emit("paused", this.#standing.pause);
    }
    return this.send("pause", { reason });
  }

  /**
   * Puts somebody on hold, or takes them off it.
   * @param {string} participant
   * @param {boolean} held
   * @returns {boolean} false while there is no connection
   */
  hold(participant, held) {
    const sent = this.send(held ? "hold" : "release", { participant });
    if (sent) {
      this.#remote.askHeld(participant, held);
      this.#emit("participants", this.#remote.participants);
    }
    return sent;
  }

  /**
   * @param {OwnSource} source
   * @param {boolean} muted
   */
  setMuted(source, muted) {
    if (this.#own.muted[source] === muted) return;
    this.#own.setMuted(source, muted);
    this.#keepSeat();
    this.#publish();
    this.#tellMute(source);
    this.#emit("mute", { source, muted });
  }

  /**
   * @param {OwnSource} source
   * @param {MediaStreamTrack | null} track
   */
  replaceTrack(source, track) {
    this.#own.replace(source, track);
    this.#publish();
  }

  /** @param {MediaStreamTrack} track stopped at once where it comes too late: back in the lobby, or at the end */
  share(track) {
    if (this.#standing.over || this.#standing.lobby !== null) return track.stop();
    this.#own.share(track, () => this.stopSharing());
    this.#publish();
    this.#emit("sharing", { sharing: true });
  }

  stopSharing() {
    if (!this.#own.sharing) return;
    this.#own.unshare();
    this.#publish();
    this.#emit("sharing", { sharing: false });
  }

  /** @param {EndReason | "gone"} reason */
  end(reason) {
    if (this.#standing.over) return;
    this.#close("ended");
    this.#seats?.clear();
    this.#endReason = reason;
    this.#update();
    this.#emit("ended", { reason });
  }

  // What the server says

  /** @param {Joined} joined */
  #onJoined(joined) {
    const first = this.#joined === null;
    this.#joined = joined;
    this.#standing.joined();
    this.#speak([]);
    this.#keepSeat();
    this.#media.joined(joined);
    const { pausing } = this.#standing;
    if (pausing !== null) this.send("pause", { reason: pausing.reason || undefined });
    if (first) this.#emit("joined", joined);
  }

  /**
   * @param {ServerMessage} message
   * @param {string | undefined} command
   */
  #receive(message, command) {
    switch (message.type) {
      case "lobby":
        this.#remote.setTracks([]);
        this.#remote.setParticipants([]);
        return this.#stand(message, () => this.#standing.lobby);
      case "admitted":
      case "held":
      case "released":
      case "resumed":
        return this.#stand(message, () => null);
      case "paused":
        return this.#stand(message, () => this.#standing.pause);
      case "participants":
        this.#remote.setParticipants(message.participants);
        this.#bind();
        return this.#stand(message, () => this.#remote.participants);
      case "tracks":
        this.#remote.setTracks(message.tracks);
        this.#bind();
        return this.#stand(message, () => this.#remote.participants);
      case "speakers":
        return this.#speak(message.participants);
      case "slots":
        return this.#media.setSlots({ audio: message.audio, video: message.video });
      case "renegotiate":
        return this.#media.renegotiate();
      case "ended":
        return this.end(message.reason);
      case "error":
        if (command === undefined && message.code.startsWith(HANDSHAKE)) return this.#media.handshakeFailed();
        if (command === "pause") this.#standing.declined();
        this.#update();
        return this.#emit("refused", { code: message.code, message: message.message, command });
    }
  }

  /**
   * @param {ServerMessage} message one that says where we stand
   * @param {() => unknown} detail of the event of the same name
   */
  #stand(message, detail) {
    this.#standing.receive(message);
    this.#update();
    this.#emit(message.type, detail());
  }

  /** @param {string[]} ids */
  #speak(ids) {
    if (ids.length === 0 && this.#remote.speakers.length === 0) return;
    this.#remote.setSpeakers(ids);
    this.#emit("speakers", this.#remote.participants);
  }

  #onDown() {
    this.#media.down();
    this.#standing.down();
    this.#update();
  }

  // What becomes of sound and picture

  /** @param {import("./transport.js").TransportState} state */
  #mediaState(state) {
    if (state !== "connecting") this.#standing.media(state !== "connected");
    this.#emit("media", { state, failures: this.#media.failures });
    this.#update();
  }

  #negotiated() {
    this.#bind();
    this.#emit("tracks", this.#remote.participants);
    for (const source of SOURCES) this.#tellMute(source);
  }

  // What follows

  #update() {
    // Whoever waits shows nothing, and shall not be let in with a screen that they no longer think of.
    if (this.#standing.lobby !== null) this.stopSharing();
    this.#publish();
    // Who may not be heard hears nobody; and the server says nothing then.
    if (!this.#standing.open) this.#speak([]);
    const { state } = this.#standing;
    if (state === this.#state) return;
    const previous = this.#state;
    this.#state = state;
    this.#emit("state", { state, previous });
    if (state === "reconnecting") this.#emit("reconnecting", null);
  }

  #publish() {
    this.#media.send(this.#own.leaving(this.#standing.open));
  }

  #bind() {
    this.#remote.bind((mid) => this.#media.receiverTrack(mid));
  }

  #keepSeat() {
    if (this.#joined !== null) this.#seats?.save({ wsUrl: this.#link.url, seat: this.#joined.seat, muted: this.#own.muted });
  }

  /** @param {OwnSource} source */
  #tellMute(source) {
    if (this.#media.negotiated) this.send("mute", { track: `${this.participant}-${source}`, muted: this.#own.muted[source] });
  }

  /** @param {CallError} error */
  #fail(error) {
    if (this.#standing.over) return;
    if (this.#joined !== null && GONE.has(error.code)) return this.end("gone");
    this.#close("error");
    // What only the network refused is there again after a reload.
    if (GONE.has(error.code)) this.#seats?.clear();
    this.#update();
    this.#emit("error", { code: error.code, message: error.message });
  }

  /** @param {"ended" | "error"} phase */
  #close(phase) {
    this.#standing.finish(phase);
    this.stopSharing();
    this.#link.close();
    this.#media.close();
    this.#remote.setTracks([]);
    this.#remote.setParticipants([]);
  }
}
