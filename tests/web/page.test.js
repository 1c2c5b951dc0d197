// What the page says of faults that nobody caused by a press: a network that lets no handshake through, a device that is unplugged.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeServer, FakeSocket, handTurnedClock, settle } from "./fakes.js";

/** As much of an element as the page needs. */
class Element extends EventTarget {
  hidden = false;
  textContent = "";
  dataset = {};
  children = [];

  setAttribute(name) {
    if (name === "hidden") this.hidden = true;
  }

  append(...children) {
    this.children.push(...children);
  }

  replaceChildren(...children) {
    this.children = children;
  }

  querySelector() {
    return null;
  }
}

class Track {
  enabled = true;
  readyState = "live";
  onended = () => {};

  constructor(kind) {
    this.kind = kind;
  }

  getSettings() {
    return {};
  }

  stop() {
    this.readyState = "ended";
  }

  unplug() {
    this.readyState = "ended";
    this.onended();
  }
}

class Stream {
  #tracks;

  constructor(tracks = []) {
    this.#tracks = tracks;
  }

  getTracks() {
    return this.#tracks;
  }

  getAudioTracks() {
    return this.#tracks.filter((one) => one.kind === "audio");
  }

  getVideoTracks() {
    return this.#tracks.filter((one) => one.kind === "video");
  }

  addTrack(track) {
    this.#tracks.push(track);
  }

  removeTrack(track) {
    this.#tracks = this.#tracks.filter((one) => one !== track);
  }
}

/** A PeerConnection that offers, takes what is answered, and tries its handshake without end. */
class Peer {
  static made = 0;
  connectionState = "connecting";
  iceConnectionState = "connected";
  currentRemoteDescription = null;
  localDescription = { sdp: "v=0" };

  constructor() {
    Peer.made += 1;
  }

  addTransceiver(kind) {
    const sender = { track: null, getParameters: () => ({ encodings: [] }), replaceTrack: async () => {} };
    return { mid: "0", receiver: { track: { kind } }, sender };
  }

  async createOffer() {
    return {};
  }

  async setLocalDescription() {}

  async setRemoteDescription() {}

  close() {}
}

/** Cameras and microphones that are plugged in. @type {Set<string>} */
const plugged = new Set();
const mediaDevices = Object.assign(new EventTarget(), {
  getUserMedia: async (wanted) => {
    const kinds = ["audio", "video"].filter((kind) => kind in wanted);
    if (kinds.some((kind) => !plugged.has(kind))) throw new DOMException("none", "NotFoundError");
    return new Stream(kinds.map((kind) => new Track(kind)));
  },
  enumerateDevices: async () => [],
});
const create = () => /** @type {any} */ (new Element());
const SEAT = { wsUrl: "ws://one/ws", seat: "s", muted: { microphone: false, camera: false } };
const kept = { "venterom.entry": "grant:g", "venterom.seat:grant:g": JSON.stringify(SEAT) };
Object.defineProperty(globalThis, "navigator", { value: { mediaDevices } });
Object.assign(globalThis, {
  document: { documentElement: {}, body: create(), createElement: create, createElementNS: create, addEventListener() {}, querySelectorAll: () => [] },
  sessionStorage: { getItem: (key) => kept[key] ?? null, setItem() {}, removeItem() {} },
  location: { hash: "" },
  addEventListener() {},
  scrollTo() {},
  isSecureContext: true,
  HTMLDialogElement: class {},
  MediaStream: Stream,
  WebSocket: FakeSocket,
  RTCPeerConnection: Peer,
  RTCRtpSender: class {
    replaceTrack() {}
  },
  RTCRtpReceiver: class {},
  CompressionStream: undefined,
});
const { Page } = await import("../../web/shared/page.js");
const { text } = await import("../../web/shared/text/index.js");

/** A page in a call, come there by a reload. */
async function inCall(context) {
  const clock = handTurnedClock(context);
  new FakeServer(context);
  plugged.add("audio").add("video");
  const root = create();
  const view = () => ({ element: create(), title: "" });
  const page = new Page(root, /** @type {any} */ ({ preview: {}, call: view, ended: (reason) => reason }));
  await page.start();
  await settle();
  FakeSocket.last.open();
  await settle();
  const slots = { audio: 0, video: 0 };
  FakeSocket.last.reply("join", { type: "joined", participant: "p", seat: "s", gate: "lobby", slots });
  await hears({ type: "admitted" }, { type: "participants", participants: [] });
  context.after(() => hears({ type: "ended", reason: "left" }));
  assert.equal(root.dataset.state, "call");
  const [banner, toast] = root.children[0].children;
  return { page, clock, banner, toast };
}

async function hears(...messages) {
  for (const message of messages) FakeSocket.last.say(message);
  await settle();
}

const sent = (type) => FakeSocket.last.sent.filter((one) => one.type === type);
let version = 0;

async function answered() {
  FakeSocket.last.reply("offer", { type: "answer", sdp: `v=0\r\no=- 1 ${++version} IN IP4 0.0.0.0\r\na=ice-ufrag:u\r\n` });
  await settle();
}

test("who presses nothing is told that the network blocks sound and picture, not to try again", async (context) => {
  const { clock, banner, toast } = await inCall(context);
  for (const handshakes of [1, 2]) {
    assert.equal(sent("offer").length, handshakes);
    await answered();
    await hears({ type: "error", code: "dtls_timeout", message: "" });
    assert.deepEqual([banner.hidden, banner.textContent], [false, handshakes === 1 ? text.call.reconnecting : text.call.blocked]);
    await clock.advance(1_000);
  }
  assert.deepEqual([sent("offer").length, toast.hidden], [3, true]);
});

test("whoever was refused what they pressed is told so", async (context) => {
  const { page, toast } = await inCall(context);
  page.call?.admit("q");
  FakeSocket.last.reply("admit", { type: "error", code: "forbidden", message: "" });
  assert.deepEqual([toast.hidden, toast.textContent], [false, text.call.refused]);
});

test("what is refused without a command is told where it came too fast, which was pressed", async (context) => {
  const { toast } = await inCall(context);
  await hears({ type: "error", code: "internal", message: "" });
  assert.equal(toast.hidden, true);
  await hears({ type: "error", code: "rate_limited", message: "" });
  assert.deepEqual([toast.hidden, toast.textContent], [false, text.call.refused]);
});

for (const [source, kind] of /** @type {const} */ ([["camera", "video"], ["microphone", "audio"]])) {
  test(`a ${source} that is unplugged is told to be off, where no other takes its place`, async (context) => {
    const { page, toast } = await inCall(context);
    await answered();
    const mutes = () => sent("mute").filter((one) => one.track === `p-${source}`).map((one) => one.muted);
    const unplug = async () => {
      /** @type {any} */ (page.media.track(source)).unplug();
      await settle();
    };
    await unplug();
    assert.deepEqual([page.call?.isMuted(source), mutes(), toast.textContent], [false, [false], text.call.deviceSwitched]);
    plugged.delete(kind);
    await unplug();
    assert.deepEqual([page.call?.isMuted(source), mutes(), toast.textContent], [true, [false, true], text.call.deviceLost]);
    page.call?.unmute(source);
    await settle();
    assert.equal(page.call?.isMuted(source), true, "still none");
    plugged.add(kind);
    page.call?.unmute(source);
    await settle();
    const track = page.media.track(source);
    assert.deepEqual([page.call?.isMuted(source), track?.readyState, track?.enabled], [false, "live", true]);
  });
}
