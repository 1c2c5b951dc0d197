// A screen that is shared: what ends it, and what the page shows and says of it.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { join } from "../../web/sdk/call.js";
import { FakeServer, FakeSocket, handTurnedClock, settle } from "./fakes.js";

/** As much of an element as a button needs. */
class Element extends EventTarget {
  hidden = false;
  textContent = "";
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
}

/** What a screen reader is told. @type {string[]} */
let said = [];
const body = new Element();
const create = () => /** @type {any} */ (new Element());
globalThis.document = /** @type {any} */ ({ body, createElement: create, createElementNS: create, addEventListener() {} });
const { installLiveRegions } = await import("../../web/shared/live.js");
const { stopSharing } = await import("../../web/shared/share.js");
const { text } = await import("../../web/shared/text/index.js");
installLiveRegions();
const [polite] = body.children;
polite.replaceChildren = (line) => said.push(...line.children);

const { sharing: SEEN, stopped: STOPPED } = text.share;
const IN_LOBBY = { type: "lobby", position: 1, waiting: 1 };
const LET_IN = [{ type: "admitted" }, { type: "participants", participants: [] }];
const UNSEEN = [
  ["paused", { type: "paused", by: "host" }, { type: "resumed" }],
  ["held", { type: "held" }, { type: "released" }],
];

class Track extends EventTarget {
  stopped = false;

  stop() {
    this.stopped = true;
  }
}

/** A connection whose offer is never ready: here it only matters what is given to it. */
class Peer {
  connectionState = "new";
  iceConnectionState = "new";
  /** @type {any[]} */
  static given = [];

  addTransceiver(kind) {
    const sender = { track: null, getParameters: () => ({ encodings: [] }), replaceTrack: async (track) => void (sender.track = track) };
    Peer.given.push(sender);
    return { mid: null, sender, receiver: { track: { kind } } };
  }

  createOffer() {
    return new Promise(() => {});
  }

  close() {}
}

beforeEach(() => {
  FakeSocket.made = [];
  Peer.given = [];
  said = [];
  Object.assign(globalThis, { WebSocket: FakeSocket, RTCPeerConnection: Peer, RTCRtpReceiver: class {} });
});

/** Inside a call, and the screen that a person would choose. */
async function inside(context) {
  const clock = handTurnedClock(context);
  new FakeServer(context);
  const localStream = /** @type {any} */ ({ getAudioTracks: () => [], getVideoTracks: () => [] });
  const call = join({ wsUrl: "ws://one/ws", grant: "g1", localStream });
  await joined();
  await hears(...LET_IN);
  context.after(() => hears({ type: "ended", reason: "left" }));
  return { call, clock, screen: /** @type {any} */ (new Track()) };
}

async function joined() {
  await settle();
  FakeSocket.last.open();
  await settle();
  FakeSocket.last.reply("join", { type: "joined", participant: "p", seat: "s", gate: "lobby", slots: { audio: 0, video: 0 } });
  await settle();
}

async function hears(...messages) {
  for (const message of messages) FakeSocket.last.say(message);
  await settle();
}

const isSent = (track) => Peer.given.some((sender) => sender.track === track);

test("the lobby ends what is shared, and nobody sees it after being let in again", async (context) => {
  const { call, screen } = await inside(context);
  const told = [];
  call.addEventListener("sharing", (event) => told.push(/** @type {any} */ (event).detail.sharing));
  call.share(screen);
  await settle();
  assert.equal(isSent(screen), true);
  await hears(IN_LOBBY);
  assert.deepEqual([call.sharing, screen.stopped, told], [false, true, [true, false]]);
  await hears(...LET_IN);
  assert.deepEqual([call.state, isSent(screen)], ["call", false]);
  const again = /** @type {any} */ (new Track());
  call.share(again);
  await settle();
  assert.equal(isSent(again), true);
});

test("so does a lobby that one comes back to after a break", async (context) => {
  const { call, clock, screen } = await inside(context);
  call.share(screen);
  FakeSocket.last.lose();
  await clock.advance(1000);
  await joined();
  assert.equal(call.sharing, true);
  await hears(IN_LOBBY);
  assert.deepEqual([call.sharing, screen.stopped], [false, true]);
});

test("a screen that is chosen only in the lobby is let go at once", async (context) => {
  const { call, screen } = await inside(context);
  let choose = (/** @type {any} */ _stream) => {};
  const getDisplayMedia = () => new Promise((resolve) => (choose = resolve));
  Object.defineProperty(globalThis, "navigator", { value: { mediaDevices: { getDisplayMedia } }, configurable: true });
  const shown = call.shareScreen();
  await hears(IN_LOBBY);
  choose({ getVideoTracks: () => [screen] });
  assert.equal(await shown, false);
  assert.deepEqual([call.sharing, screen.stopped], [false, true]);
});

test("a break that leads back inside keeps it, and says nothing of it", async (context) => {
  const { call, clock, screen } = await inside(context);
  const { element } = stopSharing(call);
  call.share(screen);
  FakeSocket.last.lose();
  await clock.advance(1000);
  await joined();
  await hears(...LET_IN);
  assert.deepEqual([call.state, call.sharing, screen.stopped, element.hidden], ["call", true, false, false]);
  assert.deepEqual(said, [SEEN]);
});

for (const [what, begin, end] of UNSEEN) {
  test(`${what}, one keeps what is shared and the button that ends it`, async (context) => {
    const { call, screen } = await inside(context);
    const { element } = stopSharing(call);
    call.share(screen);
    await hears(begin);
    assert.deepEqual([call.state, call.sharing, isSent(screen), element.hidden], [what, true, false, false]);
    await hears(end);
    assert.deepEqual([call.sharing, isSent(screen), said], [true, true, [SEEN]]);
    call.stopSharing();
    assert.deepEqual([element.hidden, said], [true, [SEEN, STOPPED]]);
  });

  test(`a share that began while ${what} is told to be seen once it is`, async (context) => {
    const { call, screen } = await inside(context);
    const { element } = stopSharing(call);
    await hears(begin);
    call.share(screen);
    assert.deepEqual([element.hidden, said], [false, []]);
    await hears(end);
    assert.deepEqual(said, [SEEN]);
  });
}

test("the button is there from the start where something is shared, and not where nothing is", async (context) => {
  const { call, screen } = await inside(context);
  assert.equal(stopSharing(call).element.hidden, true);
  call.share(screen);
  assert.equal(stopSharing(call).element.hidden, false);
});

test("a view that is closed says nothing more", async (context) => {
  const { call, screen } = await inside(context);
  const [before, now] = [stopSharing(call), stopSharing(call)];
  before.close();
  call.share(screen);
  await hears({ type: "held" }, { type: "released" });
  assert.deepEqual([before.element.hidden, now.element.hidden, said], [true, false, [SEEN]]);
});
