/**
 * A call: who I am in it, what state it is in, who else is there, and what I can do. Everything a page needs is here.
 * @module
 */
import { CallError } from "./errors.js";
import { Own } from "./own.js";
import { screenTrack } from "./sharing.js";
import { Stay } from "./stay.js";

/** @typedef {import("./messages.js").Notice} Notice */
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
  #name;
  #stay;

  /** @param {JoinOptions} options */
  constructor({ wsUrl, grant, seat, name, localStream, muted, renew, times, seats }) {
    super();
    if ((grant === undefined) === (seat === undefined)) throw new CallError("internal", "join needs either a grant or a seat");
    this.#name = name;
    this.#stay = new Stay({
      wsUrl,
      credential: seat === undefined ? { grant: grant ?? "" } : { seat },
      name,
      renew,
      times,
      own: new Own(localStream, muted),
      seats,
      onEvent: (type, detail) => void this.dispatchEvent(new CustomEvent(type, { detail })),
    });
  }

  get state() {
    return this.#stay.state;
  }

  /** Own participant id; empty before the first join. */
  get participant() {
    return this.#stay.participant;
  }

  get name() {
    return this.#stay.joined?.name ?? this.#name ?? "";
  }

  /** What we are; while we are inside, the server may make us something else. */
  get role() {
    return this.#stay.remote.role ?? this.#stay.joined?.role ?? "";
  }

  /** Whether the host's actions are ours to take. The server decides; this is for what to show. */
  get isHost() {
    return this.role === "practitioner";
  }

  /** Place in the queue, while waiting. */
  get lobby() {
    return this.#stay.standing.lobby;
  }

  /** Whether the host has put us on hold. */
  get held() {
    return this.#stay.standing.held;
  }

  /** Whether the room is paused, or is about to be because we asked. */
  get paused() {
    return this.#stay.standing.pause !== null;
  }

  /** Who paused and why, while the room is paused. */
  get pauseInfo() {
    return this.#stay.standing.pause;
  }

  /** Why it ended; `gone` when the seat was no longer good after a break. */
  get endReason() {
    return this.#stay.endReason;
  }

  /** Everybody the server lets us see, ourselves too, in the server's order. */
  get participants() {
    return this.#stay.remote.participants;
  }

  /** Ids of those who speak, ourselves too, whoever has spoken the longest first. */
  get speakers() {
    return this.#stay.remote.speakers;
  }

  /** Whether what we publish leaves this browser now, mutes aside. */
  get open() {
    return this.#stay.standing.open;
  }

  /** @param {OwnSource} source */
  isMuted(source) {
    return this.#stay.own.muted[source];
  }

  /** @returns {Promise<RTCStatsReport | null>} */
  getStats() {
    return this.#stay.getStats();
  }

  // Own tracks

  /** @param {OwnSource} source */
  mute(source) {
    this.#stay.setMuted(source, true);
  }

  /** @param {OwnSource} source */
  unmute(source) {
    this.#stay.setMuted(source, false);
  }

  /**
   * Sends another device's track in place of the present one, without renegotiation.
   * @param {OwnSource} source
   * @param {MediaStreamTrack | null} track null publishes nothing
   */
  replaceTrack(source, track) {
    this.#stay.replaceTrack(source, track);
  }

  // What is shown beside camera and microphone

  /** Whether we show a screen or a picture. */
  get sharing() {
    return this.#stay.own.sharing;
  }

  /**
   * Asks for a screen and shows it to the others, in place of what was shown before.
   * @returns {Promise<boolean>} false where the person would rather not, or answered only in the lobby or after the end; CallError
   *   `sharing_failed` where the browser can't
   */
  async shareScreen() {
    const track = await screenTrack();
    if (track !== null) this.share(track);
    return track !== null && this.sharing;
  }

  /**
   * Shows a video track to the others, in place of what was shown before. It is stopped when the showing is over, and its end ends that.
   * The lobby ends it, and lets none begin; a pause or a hold keeps it, unseen.
   * @param {MediaStreamTrack} track
   */
  share(track) {
    this.#stay.share(track);
  }

  stopSharing() {
    this.#stay.stopSharing();
  }

  // Actions. Each gives false when there is no connection; what it causes arrives as events.

  /** @param {string} participant */
  admit(participant) {
    return this.#stay.send("admit", { participant });
  }

  /** @param {string} participant */
  deny(participant) {
    return this.#stay.send("deny", { participant });
  }

  /** @param {string} participant */
  toLobby(participant) {
    return this.#stay.send("to-lobby", { participant });
  }

  /** @param {string} participant */
  remove(participant) {
    return this.#stay.send("remove", { participant });
  }

  /** @param {string} participant */
  hold(participant) {
    return this.#stay.hold(participant, true);
  }

  /** @param {string} participant */
  release(participant) {
    return this.#stay.hold(participant, false);
  }

  /**
   * Pauses the room for all, and stops what we send at once, even while the server can't be reached.
   * @param {string} [reason] `not_alone` or another short token
   */
  pause(reason) {
    return this.#stay.pause(reason);
  }

  /** Host only. */
  resume() {
    return this.#stay.send("resume");
  }

  /** Ends the consultation for all. Host only. */
  end() {
    return this.#stay.send("end");
  }

  /**
   * Tells those who wait that it takes longer. Host only.
   * @param {Notice} notice
   */
  notice(notice) {
    return this.#stay.send("notice", { ...notice });
  }

  /** Leaves for good. Resolves when the server knows, or after a second without it. */
  async leave() {
    if (this.#stay.standing.over) return;
    if (this.#stay.send("leave")) {
      await new Promise((resolve) => {
        this.addEventListener("ended", resolve, { once: true });
        setTimeout(resolve, GOODBYE_WITHIN);
      });
    }
    this.#stay.end("left");
  }
}
