/**
 * A call: who I am in it, what state it is in, who else is there, and what I can do. Everything a page needs is here.
 * @module
 */
import { CallError } from "./errors.js";
import { Link } from "./link.js";
import { Media } from "./media.js";
import { Remote } from "./remote.js";
import { screenTrack } from "./sharing.js";
import { Standing } from "./standing.js";

/** @typedef {import("./messages.js").EndReason} EndReason */
/** @typedef {import("./messages.js").Joined} Joined */
/** @typedef {import("./messages.js").Notice} Notice */
/** @typedef {import("./messages.js").ServerMessage} ServerMessage */
/** @typedef {import("./link.js").Admission} Admission */
/** @typedef {import("./remote.js").Participant} Participant */
/** @typedef {import("./standing.js").CallState} CallState `connecting` before the first join; `reconnecting` while the server, or sound and picture, are out of reach */
/** @typedef {import("./transport.js").OwnSource} OwnSource */

/**
 * @typedef {object} JoinOptions
 * @property {string} wsUrl
 * @property {string} [grant] a fresh grant; or
 * @property {string} [seat] the seat of an earlier join in this tab
 * @property {string} [name] the name to be shown, where the grant lets one choose
 * @property {MediaStream} localStream own camera and microphone; its tracks stay the caller's (join never stops them)
 * @property {Partial<Record<OwnSource, boolean>>} [muted] what is off from the start
 * @property {() => Promise<Admission>} [renew] fetches a fresh grant, should the first have expired or been spent before we were in
 * @property {Partial<import("./times.js").Times>} [times] others than the usual waits
 * @property {import("./seat.js").SeatStore} [seats] where the seat is kept for a reload
 */

/** Reasons with which the server refuses a seat that once was good. */
const GONE = new Set(["seat_dead", "seat_invalid", "room_ended"]);
/** How long leave() waits for the server's word. */
const GOODBYE_WITHIN = 1000;

/**
 * Joins a consultation. Returns at once, in the state `connecting`; listen before you await anything.
 * @param {JoinOptions} options
 * @returns {Call}
 */
export function join(options) {
  return new Call(options);
}

/**
 * Events are CustomEvents with their payload in `detail`: `state` {state, previous}; `joined`; `lobby` {position, waiting, notice}; `admitted`; `held`;
 * `released`; `paused` {by, reason} (at once when we asked, and again when the server says so); `resumed`; `participants` (array of Participant);
 * `tracks` (the same array, when streams or mutes changed); `speakers` (the same array, when others speak than before); `mute` {source, muted}; `reconnecting`; `media` {state, failures}; `ended` {reason};
 * `sharing` {sharing}: whether we show a screen or picture; `refused` {code, command} when the server declines an action; `error` {code, message}, final.
 */
export class Call extends EventTarget {
  #standing = new Standing();
  /** @type {CallState} the one last told */
  #state = "connecting";
  /** @type {Joined | null} */
  #joined = null;
  /** @type {Record<OwnSource, boolean>} */
  #muted = { microphone: false, camera: false };
  /** @type {Record<OwnSource, MediaStreamTrack | null>} */
  #tracks;
  /** What we show beside camera and microphone. @type {MediaStreamTrack | null} */
  #shared = null;
  /** @type {EndReason | "gone" | null} */
  #endReason = null;
  #options;
  #link;
  #media;
  #remote = new Remote(() => this.participant);

  /** @param {JoinOptions} options */
  constructor(options) {
    super();
    const { wsUrl, grant, seat, localStream } = options;
    if ((grant === undefined) === (seat === undefined)) throw new CallError("internal", "join needs either a grant or a seat");
    this.#options = options;
    this.#tracks = { microphone: localStream.getAudioTracks()[0] ?? null, camera: localStream.getVideoTracks()[0] ?? null };
    Object.assign(this.#muted, options.muted);
    this.#media = new Media({
      times: options.times,
      request: (type, fields) => this.#link.request(type, fields),
      onNegotiated: () => this.#negotiated(),
      onState: (state) => this.#mediaState(state),
      onMending: () => this.#link.doubt(),
      onFatal: (error) => this.#fail(error),
    });
    this.#link = new Link({
      wsUrl,
      credential: seat === undefined ? { grant: grant ?? "" } : { seat },
      name: options.name,
      renew: options.renew,
      times: options.times,
      onJoined: (joined) => this.#onJoined(joined),
      onMessage: (message, command) => this.#receive(message, command),
      onDown: () => this.#onDown(),
      onFatal: (error) => this.#fail(error),
    });
    queueMicrotask(() => void this.#link.run());
  }

  get state() {
    return this.#state;
  }

  /** Own participant id; empty before the first join. */
  get participant() {
    return this.#joined?.participant ?? "";
  }

  get name() {
    return this.#joined?.name ?? this.#options.name ?? "";
  }

  /** What we are; while we are inside, the server may make us something else. */
  get role() {
    return this.#remote.role ?? this.#joined?.role ?? "";
  }

  /** Whether the host's actions are ours to take. The server decides; this is for what to show. */
  get isHost() {
    return this.role === "practitioner";
  }

  /** Place in the queue, while waiting. */
  get lobby() {
    return this.#standing.lobby;
  }

  /** Whether the host has put us on hold. */
  get held() {
    return this.#standing.held;
  }

  /** Whether the room is paused, or is about to be because we asked. */
  get paused() {
    return this.#standing.pause !== null;
  }

  /** Who paused and why, while the room is paused. */
  get pauseInfo() {
    return this.#standing.pause;
  }

  /** Why it ended; `gone` when the seat was no longer good after a break. */
  get endReason() {
    return this.#endReason;
  }

  /** Everybody the server lets us see, ourselves too, in the server's order. */
  get participants() {
    return this.#remote.participants;
  }

  /** Ids of those who speak, ourselves too, whoever has spoken the longest first. */
  get speakers() {
    return this.#remote.speakers;
  }

  /** Whether what we publish leaves this browser now, mutes aside. */
  get open() {
    return this.#standing.open;
  }

  /** @param {OwnSource} source */
  isMuted(source) {
    return this.#muted[source];
  }

  /** @returns {Promise<RTCStatsReport | null>} */
  getStats() {
    return this.#media.getStats();
  }

  // Own tracks

  /** @param {OwnSource} source */
  mute(source) {
    this.#setMuted(source, true);
  }

  /** @param {OwnSource} source */
  unmute(source) {
    this.#setMuted(source, false);
  }

  /**
   * Sends another device's track in place of the present one, without renegotiation.
   * @param {OwnSource} source
   * @param {MediaStreamTrack | null} track null publishes nothing
   */
  replaceTrack(source, track) {
    this.#tracks[source] = track;
    this.#send();
  }

  // What is shown beside camera and microphone

  /** Whether we show a screen or a picture. */
  get sharing() {
    return this.#shared !== null;
  }

  /**
   * Asks for a screen and shows it to the others, in place of what was shown before.
   * @returns {Promise<boolean>} false where the person would rather not; CallError `sharing_failed` where the browser can't
   */
  async shareScreen() {
    const track = await screenTrack();
    if (track !== null) this.share(track);
    return track !== null;
  }

  /**
   * Shows a video track to the others, in place of what was shown before. It is stopped when the showing is over, and its end ends that.
   * @param {MediaStreamTrack} track
   */
  share(track) {
    if (this.#standing.over) return track.stop();
    this.#unshare();
    this.#shared = track;
    track.addEventListener("ended", () => this.#shared === track && this.stopSharing(), { once: true });
    this.#send();
    this.#emit("sharing", { sharing: true });
  }

  stopSharing() {
    if (this.#shared === null) return;
    this.#unshare();
    this.#send();
    this.#emit("sharing", { sharing: false });
  }

  #unshare() {
    const track = this.#shared;
    this.#shared = null;
    track?.stop();
  }

  // Actions. Each gives false when there is no connection; what it causes arrives as events.

  /** @param {string} participant */
  admit(participant) {
    return this.#link.send("admit", { participant });
  }

  /** @param {string} participant */
  deny(participant) {
    return this.#link.send("deny", { participant });
  }

  /** @param {string} participant */
  toLobby(participant) {
    return this.#link.send("to-lobby", { participant });
  }

  /** @param {string} participant */
  remove(participant) {
    return this.#link.send("remove", { participant });
  }

  /** @param {string} participant */
  hold(participant) {
    return this.#link.send("hold", { participant });
  }

  /** @param {string} participant */
  release(participant) {
    return this.#link.send("release", { participant });
  }

  /**
   * Pauses the room for all, and stops what we send at once, even while the server can't be reached.
   * @param {string} [reason] `not_alone` or another short token
   */
  pause(reason) {
    if (!this.paused) {
      this.#standing.ask({ by: this.participant, reason: reason ?? "" });
      this.#update();
      this.#emit("paused", this.pauseInfo);
    }
    return this.#link.send("pause", { reason });
  }

  /** Host only. */
  resume() {
    return this.#link.send("resume");
  }

  /** Ends the consultation for all. Host only. */
  end() {
    return this.#link.send("end");
  }

  /**
   * Tells those who wait that it takes longer. Host only.
   * @param {Notice} notice
   */
  notice(notice) {
    return this.#link.send("notice", { ...notice });
  }

  /** Leaves for good. Resolves when the server knows, or after a second without it. */
  async leave() {
    if (this.#standing.over) return;
    if (this.#link.send("leave")) {
      await new Promise((resolve) => {
        this.addEventListener("ended", resolve, { once: true });
        setTimeout(resolve, GOODBYE_WITHIN);
      });
    }
    this.#end("left");
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
    if (pausing !== null) this.#link.send("pause", { reason: pausing.reason || undefined });
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
        return this.#stand(message, () => this.lobby);
      case "admitted":
      case "held":
      case "released":
      case "resumed":
        return this.#stand(message, () => null);
      case "paused":
        return this.#stand(message, () => this.pauseInfo);
      case "participants":
        this.#remote.setParticipants(message.participants);
        this.#bind();
        return this.#stand(message, () => this.participants);
      case "tracks":
        this.#remote.setTracks(message.tracks);
        this.#bind();
        return this.#stand(message, () => this.participants);
      case "speakers":
        return this.#speak(message.participants);
      case "slots":
        return this.#media.setSlots({ audio: message.audio, video: message.video });
      case "renegotiate":
        return this.#media.renegotiate();
      case "ended":
        return this.#end(message.reason);
      case "error":
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
    if (ids.length === 0 && this.speakers.length === 0) return;
    this.#remote.setSpeakers(ids);
    this.#emit("speakers", this.participants);
  }

  #onDown() {
    this.#media.down();
    this.#standing.down();
    this.#update();
  }

  /** @param {import("./transport.js").TransportState} state */
  #mediaState(state) {
    if (state !== "connecting") this.#standing.media(state !== "connected");
    this.#emit("media", { state, failures: this.#media.failures });
    this.#update();
  }

  #negotiated() {
    this.#bind();
    this.#emit("tracks", this.participants);
    for (const source of /** @type {const} */ (["microphone", "camera"])) this.#tellMute(source);
  }

  // State, and what follows from it

  #update() {
    this.#send();
    // Who may not be heard hears nobody; and the server says nothing then.
    if (!this.open) this.#speak([]);
    const { state } = this.#standing;
    if (state === this.#state) return;
    const previous = this.#state;
    this.#state = state;
    this.#emit("state", { state, previous });
    if (state === "reconnecting") this.#emit("reconnecting", null);
  }

  #send() {
    const { microphone, camera } = this.#muted;
    this.#media.send({
      microphone: this.open && !microphone ? this.#tracks.microphone : null,
      camera: this.open && !camera ? this.#tracks.camera : null,
      screen: this.#shared === null ? undefined : this.open ? this.#shared : null,
    });
  }

  #bind() {
    this.#remote.bind((mid) => this.#media.receiverTrack(mid));
  }

  /**
   * @param {OwnSource} source
   * @param {boolean} muted
   */
  #setMuted(source, muted) {
    if (this.#muted[source] === muted) return;
    this.#muted[source] = muted;
    this.#keepSeat();
    this.#send();
    this.#tellMute(source);
    this.#emit("mute", { source, muted });
  }

  #keepSeat() {
    if (this.#joined !== null) this.#options.seats?.save({ wsUrl: this.#link.url, seat: this.#joined.seat, muted: this.#muted });
  }

  /** @param {OwnSource} source */
  #tellMute(source) {
    if (this.#media.negotiated) this.#link.send("mute", { track: `${this.participant}-${source}`, muted: this.#muted[source] });
  }

  /** @param {EndReason | "gone"} reason */
  #end(reason) {
    if (this.#standing.over) return;
    this.#close("ended");
    this.#options.seats?.clear();
    this.#endReason = reason;
    this.#update();
    this.#emit("ended", { reason });
  }

  /** @param {CallError} error */
  #fail(error) {
    if (this.#standing.over) return;
    if (this.#joined !== null && GONE.has(error.code)) return this.#end("gone");
    this.#close("error");
    // What only the network refused is there again after a reload.
    if (GONE.has(error.code)) this.#options.seats?.clear();
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

  /**
   * @param {string} type
   * @param {unknown} detail
   */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
