/**
 * The participant's one RTCPeerConnection: own microphone and camera first, then receive slots that the server fills.
 * The client always offers, without trickle: the server's candidates come in the answer, and it learns ours from our checks.
 * @module
 */
import { preferCodecs } from "./codecs.js";
import { Patience } from "./patience.js";
import { offerRepair } from "./repair.js";
import { Sender } from "./sender.js";
import { Silence } from "./silence.js";
import { TIMES } from "./times.js";

/** @typedef {import("./messages.js").Slots} Slots */
/** @typedef {"microphone" | "camera"} OwnSource what can be muted */
/** @typedef {{ mid: string, kind: "audio" | "video", source: OwnSource | "screen" }} OfferedTrack */
/**
 * What shall be sent now; null sends nothing. A screen that is undefined is not published at all.
 * @typedef {{ microphone: MediaStreamTrack | null, camera: MediaStreamTrack | null, screen?: MediaStreamTrack | null }} OwnTracks
 */
/** @typedef {"connecting" | "connected" | "disconnected" | "failed"} TransportState */

/** Ample for 1280x720 at 30 frames a second. */
const CAMERA_BITS_PER_SECOND = 2_500_000;
/** Small print must be sharp; that it moves smoothly matters to nobody. */
const SCREEN_BITS_PER_SECOND = 1_500_000;
const SCREEN_FRAMES_PER_SECOND = 5;
const LISTEN_EVERY = 250;
/** The report of a large room takes some milliseconds. */
const LOOK_EVERY = 2000;
/** A path that stays silent is mended anew: there may be another network by then. */
const MEND_EVERY = 3000;

/**
 * @typedef {object} TransportOptions
 * @property {RTCIceServer[]} iceServers
 * @property {Partial<import("./times.js").Times>} [times]
 * @property {Slots} slots
 * @property {OwnTracks} tracks
 * @property {(sdp: string, tracks: OfferedTrack[]) => Promise<string>} exchange sends the offer, gives the answer
 * @property {(state: TransportState) => void} onState
 * @property {() => void} onMending the path is gone, or seems so, and new credentials are asked for
 * @property {() => void} onLost who answers is not the one we were connected to: this connection is over
 */

export class Transport {
  #options;
  #connection;
  /** @type {{ microphone: Sender, camera: Sender }} */
  #senders;
  /** A section of its own, made when first a screen is shown; it stays. @type {Sender | null} */
  #screen = null;
  #shown = false;
  /** Whether the last offer named the screen. */
  #named = false;
  /** @type {Slots} */
  #slots = { audio: 0, video: 0 };
  /** Negotiations run one after another. @type {Promise<unknown>} */
  #queue = Promise.resolve();
  /** @type {TransportState} */
  #state = "connecting";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #restartTimer;
  #closed = false;
  /** The last one taken. @type {string | null} */
  #answer = null;
  #silence;
  #listening;
  #patience = new Patience();
  #looking;

  /** @param {TransportOptions} options */
  constructor(options) {
    this.#options = options;
    const connection = new RTCPeerConnection({ iceServers: options.iceServers, bundlePolicy: "max-bundle" });
    this.#connection = connection;
    const microphone = connection.addTransceiver("audio", { direction: "sendonly" });
    const camera = connection.addTransceiver("video", {
      direction: "sendonly",
      sendEncodings: [{ maxBitrate: CAMERA_BITS_PER_SECOND, active: options.tracks.camera !== null }],
    });
    preferCodecs(microphone);
    preferCodecs(camera);
    this.#senders = { microphone: new Sender(microphone), camera: new Sender(camera) };
    this.send(options.tracks);
    this.#addSlots(options.slots);
    connection.onconnectionstatechange = connection.oniceconnectionstatechange = () => this.#look();
    this.#silence = new Silence({ ...TIMES, ...options.times }.silentFor, MEND_EVERY);
    this.#listening = setInterval(() => void this.#listen(), LISTEN_EVERY);
    this.#looking = setInterval(() => void this.#lookAtSound(), LOOK_EVERY);
  }

  get state() {
    return this.#state;
  }

  /** Whether nothing comes through, as far as we know. */
  get broken() {
    return this.#state === "disconnected" || this.#silence.lasts;
  }

  getStats() {
    return this.#connection.getStats();
  }

  /** Whether the server knows what is published; else there is something to negotiate. */
  get told() {
    return this.#named === this.#shown;
  }

  /**
   * What leaves the browser from now on.
   * @param {OwnTracks} tracks
   */
  send(tracks) {
    void this.#senders.microphone.send(tracks.microphone);
    void this.#senders.camera.send(tracks.camera);
    const { screen } = tracks;
    if (screen !== undefined) this.#screen ??= this.#addScreen();
    void this.#screen?.send(screen ?? null);
    this.#shown = screen !== undefined;
  }

  #addScreen() {
    const encoding = { maxBitrate: SCREEN_BITS_PER_SECOND, maxFramerate: SCREEN_FRAMES_PER_SECOND, active: false };
    const transceiver = this.#connection.addTransceiver("video", { direction: "sendonly", sendEncodings: [encoding] });
    preferCodecs(transceiver);
    return new Sender(transceiver, "maintain-resolution");
  }

  /**
   * The track that arrives in a receive section.
   * @param {string} mid
   * @returns {MediaStreamTrack | null}
   */
  receiverTrack(mid) {
    return this.#connection.getTransceivers().find((one) => one.mid === mid)?.receiver.track ?? null;
  }

  /**
   * Offers, and takes the answer of whom we are connected to; that of another one is told by `onLost`.
   * @param {{ restart?: boolean, slots?: Slots }} [wishes] `restart`: new ICE credentials; `slots`: more receive sections
   * @returns {Promise<void>}
   */
  negotiate(wishes = {}) {
    const run = this.#queue.then(() => this.#negotiate(wishes));
    this.#queue = run.catch(() => {});
    return run;
  }

  /** New credentials at once, where the path is broken. */
  restartIfBroken() {
    clearTimeout(this.#restartTimer);
    if (this.broken) this.#mend();
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#restartTimer);
    clearInterval(this.#listening);
    clearInterval(this.#looking);
    this.#connection.onconnectionstatechange = this.#connection.oniceconnectionstatechange = null;
    this.#connection.close();
  }

  /** @param {{ restart?: boolean, slots?: Slots }} wishes */
  async #negotiate({ restart = false, slots }) {
    if (slots !== undefined) this.#addSlots(slots);
    const connection = this.#connection;
    await this.#describe(await connection.createOffer({ iceRestart: restart }));
    // A section that is not named stays, and is inactive; one that came too late for this offer has no mid yet.
    this.#named = this.#shown && this.#screen?.mid != null;
    const answer = await this.#exchange(restart);
    if (this.#closed) return;
    if (this.#answer !== null && !follows(this.#answer, answer, restart)) return this.#options.onLost();
    await connection.setRemoteDescription({ type: "answer", sdp: answer });
    this.#answer = answer;
    await Promise.all([this.#senders.microphone.refresh(), this.#senders.camera.refresh(), this.#screen?.refresh()]);
  }

  /** Takes the offer as our description, with what browsers can and do not offer. @param {RTCSessionDescriptionInit} offer */
  async #describe(offer) {
    try {
      await this.#connection.setLocalDescription({ type: "offer", sdp: offerRepair(offer.sdp ?? "") });
    } catch {
      await this.#connection.setLocalDescription(offer);
    }
  }

  /** Sends our offer, gives the answer. @param {boolean} restart */
  async #exchange(restart) {
    const connection = this.#connection;
    try {
      return await this.#options.exchange(connection.localDescription?.sdp ?? "", this.#offered());
    } catch (error) {
      // Else the next offer has the new credentials too, and their answer looks like that of a server that lost us.
      if (restart && !this.#closed) await connection.setLocalDescription({ type: "rollback" }).catch(() => {});
      throw error;
    }
  }

  /** @returns {OfferedTrack[]} */
  #offered() {
    const { microphone, camera } = this.#senders;
    return [
      { mid: microphone.mid ?? "", kind: "audio", source: "microphone" },
      { mid: camera.mid ?? "", kind: "video", source: "camera" },
      ...(this.#named ? [/** @type {const} */ ({ mid: this.#screen?.mid ?? "", kind: "video", source: "screen" })] : []),
    ];
  }

  /** @param {Slots} wanted totals; sections never go away */
  #addSlots(wanted) {
    while (this.#slots.audio < wanted.audio || this.#slots.video < wanted.video) {
      for (const kind of /** @type {const} */ (["audio", "video"])) {
        if (this.#slots[kind] >= wanted[kind]) continue;
        preferCodecs(this.#connection.addTransceiver(kind, { direction: "recvonly" }));
        this.#slots[kind] += 1;
      }
    }
  }

  #mend() {
    this.#options.onMending();
    void this.negotiate({ restart: true }).catch(() => {});
  }

  /** Whether anything comes: the report of one sender tells all of the path, and costs the same in a large room. */
  async #listen() {
    if (this.#state !== "connected") return;
    const { microphone, camera } = this.#senders;
    const bytes = pathBytes(await (microphone.sends ? microphone : camera).getStats());
    if (this.#closed || !this.#silence.look(performance.now(), bytes)) return;
    this.#mend();
  }

  /** Lets players wait while sound is lost. */
  async #lookAtSound() {
    if (this.#state !== "connected" || !("jitterBufferTarget" in RTCRtpReceiver.prototype)) return;
    const report = await this.#connection.getStats();
    if (!this.#closed) this.#patience.look(performance.now(), report, this.#connection.getReceivers());
  }

  #look() {
    const { connectionState, iceConnectionState } = this.#connection;
    const state = stateOf(connectionState, iceConnectionState);
    if (state === this.#state) return;
    this.#state = state;
    clearTimeout(this.#restartTimer);
    if (state === "disconnected") this.#restartTimer = setTimeout(() => this.restartIfBroken(), { ...TIMES, ...this.#options.times }.restartAfter);
    this.#options.onState(state);
  }
}

/**
 * @param {RTCPeerConnectionState} connection
 * @param {RTCIceConnectionState} ice
 * @returns {TransportState}
 */
function stateOf(connection, ice) {
  if (connection === "failed" || ice === "failed" || connection === "closed") return "failed";
  if (connection === "disconnected" || ice === "disconnected") return "disconnected";
  return connection === "connected" ? "connected" : "connecting";
}

/**
 * What has come on all pairs of candidates, and what has gone. Of that the sender's own count goes on where the system refuses to send,
 * and the pairs' need not; that most is counted twice does not matter.
 * @param {RTCStatsReport} report
 */
function pathBytes(report) {
  const bytes = { sent: 0, received: 0 };
  for (const entry of report.values()) {
    if (entry.type !== "candidate-pair" && entry.type !== "outbound-rtp") continue;
    bytes.sent += entry.bytesSent ?? 0;
    bytes.received += entry.bytesReceived ?? 0;
  }
  return bytes;
}

/**
 * Whether an answer goes on where the last one was: a server that has lost the transport began a new one, and counts from the start
 * (RFC 3264 section 8).
 * @param {string} before
 * @param {string} answer
 * @param {boolean} restart else the credentials stay as well
 */
function follows(before, answer, restart) {
  return version(answer) > version(before) && (restart || iceUser(answer) === iceUser(before));
}

/** @param {string} sdp */
function version(sdp) {
  return Number(sdp.match(/^o=\S+ \S+ (\d+) /m)?.[1]);
}

/** @param {string} sdp */
function iceUser(sdp) {
  return sdp.match(/^a=ice-ufrag:(.*)$/m)?.[1].trim();
}
