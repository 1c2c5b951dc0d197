/**
 * Who else is there and what of them arrives. The server fills receive slots as it likes and says in `tracks` which track is where;
 * here each participant has one MediaStream for camera and microphone, and one for a shared screen, that stay the same objects.
 * @module
 */

import { Holds } from "./holds.js";
import { Sections } from "./sections.js";

/** @typedef {import("./messages.js").ParticipantInfo} ParticipantInfo */
/** @typedef {import("./messages.js").TrackInfo} TrackInfo */

/**
 * @typedef {object} Participant
 * @property {string} id
 * @property {string} name
 * @property {string} role
 * @property {import("./messages.js").ParticipantState} state
 * @property {number} [waited] seconds in the lobby, where the server tells it
 * @property {boolean} [removed_before] whether the person was removed or denied earlier in this room; for hosts
 * @property {boolean} waiting whether the person is in the lobby, connected or not (only hosts see the lobby)
 * @property {boolean} held whether the person is on hold, connected or not, as far as we were told
 * @property {boolean} self whether it is oneself
 * @property {MediaStream} stream camera and microphone, as far as they arrive now
 * @property {MediaStream} screen a shared screen
 * @property {boolean} hasCamera a camera is published, arrives, and is not muted
 * @property {boolean} hasMicrophone the same of the microphone
 * @property {boolean} hasScreen
 * @property {number} cameraSince on the page's clock: a frame of `stream` received earlier may show whoever was in its place before
 * @property {number} screenSince the same of `screen`
 * @property {boolean} speaking
 */

export class Remote {
  /** @type {ParticipantInfo[]} */
  #infos = [];
  /** @type {TrackInfo[]} */
  #tracks = [];
  #sections = new Sections();
  #holds = new Holds();
  /** @type {string[]} */
  #speakers = [];
  /** @type {Map<string, { stream: MediaStream, screen: MediaStream }>} */
  #streams = new Map();
  #self;

  /** @param {() => string} self gives the own participant id */
  constructor(self) {
    this.#self = self;
  }

  /** @param {ParticipantInfo[]} infos */
  setParticipants(infos) {
    this.#infos = infos;
    this.#holds.learn(infos);
    for (const id of this.#streams.keys()) if (!infos.some((info) => info.id === id)) this.#streams.delete(id);
  }

  /**
   * @param {string} id of whoever we asked to hold or release
   * @param {boolean} held
   */
  askHeld(id, held) {
    const info = this.#infos.find((one) => one.id === id);
    if (info !== undefined) this.#holds.ask(info, held);
  }

  /** @param {TrackInfo[]} tracks */
  setTracks(tracks) {
    this.#sections.change(this.#tracks, tracks, performance.now());
    this.#tracks = tracks;
  }

  /** @param {string[]} ids whoever has spoken the longest first */
  setSpeakers(ids) {
    this.#speakers = ids;
  }

  /** Who speaks, of those who are here. */
  get speakers() {
    return this.#speakers.filter((id) => this.#infos.some((info) => info.id === id));
  }

  /** One's own role as the server last told it, while it shows us who is here. */
  get role() {
    return this.#infos.find((info) => info.id === this.#self())?.role;
  }

  get tracks() {
    return this.#tracks;
  }

  /**
   * Puts the arriving tracks into their participants' streams.
   * @param {(mid: string) => MediaStreamTrack | null} receiverTrack
   */
  bind(receiverTrack) {
    for (const { id } of this.#infos) {
      const mine = this.#tracks.filter((track) => track.participant === id && track.mid !== null);
      const { stream, screen } = this.#streamsOf(id);
      fill(stream, mine.filter((track) => track.source !== "screen"), receiverTrack);
      fill(screen, mine.filter((track) => track.source === "screen"), receiverTrack);
    }
  }

  /** @returns {Participant[]} in the server's order */
  get participants() {
    return this.#infos.map((info) => {
      const arriving = (/** @type {string} */ source) =>
        this.#tracks.find((track) => track.participant === info.id && track.source === source && track.mid !== null);
      const has = (/** @type {string} */ source) => arriving(source)?.muted === false;
      const since = (/** @type {string} */ source) => this.#sections.since(arriving(source)?.mid ?? "");
      return {
        ...info,
        ...this.#streamsOf(info.id),
        // Who waits and loses the connection is `reconnecting`, but `waited` goes on.
        waiting: info.state === "lobby" || info.waited !== undefined,
        held: this.#holds.has(info.id),
        self: info.id === this.#self(),
        hasCamera: has("camera"),
        hasMicrophone: has("microphone"),
        hasScreen: has("screen"),
        cameraSince: since("camera"),
        screenSince: since("screen"),
        speaking: this.#speakers.includes(info.id),
      };
    });
  }

  /** @param {string} id */
  #streamsOf(id) {
    let streams = this.#streams.get(id);
    if (streams === undefined) this.#streams.set(id, (streams = { stream: new MediaStream(), screen: new MediaStream() }));
    return streams;
  }
}

/**
 * @param {MediaStream} stream
 * @param {TrackInfo[]} tracks
 * @param {(mid: string) => MediaStreamTrack | null} receiverTrack
 */
function fill(stream, tracks, receiverTrack) {
  const wanted = new Set(tracks.map((track) => receiverTrack(track.mid ?? "")).filter((track) => track !== null));
  for (const track of stream.getTracks()) if (!wanted.has(track)) stream.removeTrack(track);
  for (const track of wanted) stream.addTrack(track);
}
