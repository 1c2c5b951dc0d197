// What becomes of sound and picture when the server refuses what is offered.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CallError } from "../../web/sdk/errors.js";
import { Media } from "../../web/sdk/media.js";
import { handTurnedClock, settle } from "./fakes.js";

const JOINED = { slots: { audio: 1, video: 1 }, ice_servers: [] };

/** A PeerConnection that offers, and takes what is answered. */
class Peer {
  static made = 0;
  /** @type {any} */
  static newest;
  connectionState = "new";
  iceConnectionState = "new";
  currentRemoteDescription = null;
  localDescription = { sdp: "v=0" };

  constructor() {
    Peer.made += 1;
    Peer.newest = this;
  }

  addTransceiver(kind) {
    return { mid: "0", receiver: { track: { kind } }, sender: { track: null, getParameters: () => ({ encodings: [] }) } };
  }

  async createOffer() {
    return {};
  }

  async setLocalDescription() {}

  async setRemoteDescription() {}

  close() {}
}

/** Media that has joined, and whose offers are all refused with a code. */
const refused = (context, code) => joined(context, () => Promise.reject(new CallError(code)));

/** Media that has joined, and whose offers are answered so. */
async function joined(context, request) {
  const { RTCPeerConnection, RTCRtpReceiver, CompressionStream } = globalThis;
  Object.assign(globalThis, { RTCPeerConnection: Peer, RTCRtpReceiver: {}, CompressionStream: undefined });
  const clock = handTurnedClock(context);
  const before = Peer.made;
  const fatal = [];
  const states = [];
  const none = () => {};
  const media = new Media({
    request,
    onNegotiated: none,
    onState: (state) => states.push([state, media.failures]),
    onMending: none,
    onFatal: (error) => fatal.push(error.code),
  });
  context.after(() => {
    media.close();
    Object.assign(globalThis, { RTCPeerConnection, RTCRtpReceiver, CompressionStream });
  });
  media.joined(/** @type {any} */ (JOINED));
  await settle();
  return { clock, fatal, media, states, offers: () => Peer.made - before };
}

// Who is denied or removed has no place from the decision on, and hears of it a little later.
for (const code of ["peer_unknown", "transport_failed", "offer_pending"]) {
  test(`${code} is no end: another connection is offered`, async (context) => {
    const { clock, fatal, offers } = await refused(context, code);
    assert.equal(offers(), 1);
    await clock.advance(500);
    assert.deepEqual([fatal, offers()], [[], 2]);
  });
}

test("where offers come too fast the same one is sent again, and the connection stays", async (context) => {
  const sent = [];
  let few = true;
  let version = 0;
  const request = (_type, { sdp }) => {
    sent.push(sdp);
    return few ? Promise.resolve(answer("u", ++version)) : Promise.reject(new CallError("rate_limited"));
  };
  const { clock, fatal, media, offers } = await joined(context, request);
  assert.equal(media.negotiated, true);
  few = false;
  media.setSlots({ audio: 2, video: 2 });
  await clock.advance(5_000);
  const tries = sent.length;
  assert.ok(tries > 3 && tries < 8, `${tries} offers in 5 s`);
  few = true;
  await clock.advance(8_000);
  assert.deepEqual([sent.length, fatal, offers(), media.negotiated], [tries + 1, [], 1, true]);
});

const answer = (user, version) => ({ sdp: `v=0\r\no=- 1 ${version} IN IP4 0.0.0.0\r\na=ice-ufrag:${user}\r\n` });

test("a server that lost us and hears of us anew gets another connection", async (context) => {
  const answers = [answer("old", 1), answer("old", 2), answer("new", 1), answer("newer", 1)];
  const { media, offers } = await joined(context, () => Promise.resolve(answers.shift()));
  media.joined(/** @type {any} */ (JOINED));
  await settle();
  assert.deepEqual([offers(), answers.length], [1, 2]);
  media.joined(/** @type {any} */ (JOINED));
  await settle();
  await settle();
  assert.deepEqual([offers(), answers.length, media.negotiated], [2, 0, true]);
  // The first answer was lost on the way.
  answers.push(answer("third", 2), answer("third", 3));
  media.joined(/** @type {any} */ (JOINED));
  await settle();
  await settle();
  assert.deepEqual([offers(), answers.length, media.negotiated], [3, 0, true]);
});

test("so does one that hears of us first by a wish for new credentials", async (context) => {
  const answers = [answer("old", 1), answer("restarted", 2), answer("new", 1), answer("newer", 1)];
  const { clock, media, offers } = await joined(context, () => Promise.resolve(answers.shift()));
  const break_ = async () => {
    Object.assign(Peer.newest, { connectionState: "disconnected" }).onconnectionstatechange();
    await clock.advance(1_000);
    await settle();
  };
  await break_();
  assert.deepEqual([offers(), answers.length, media.negotiated], [1, 2, true], "new credentials from the one we know");
  Object.assign(Peer.newest, { connectionState: "connected", iceConnectionState: "connected" }).onconnectionstatechange();
  await break_();
  assert.deepEqual([offers(), answers.length, media.negotiated], [2, 0, true]);
});

test("an offer that came too fast is forgotten with its connection", async (context) => {
  let sent = 0;
  const { clock, media } = await joined(context, () => {
    sent += 1;
    return Promise.reject(new CallError("rate_limited"));
  });
  media.close();
  await clock.advance(20_000);
  assert.equal(sent, 1);
});

test("nothing more is offered once it is over", async (context) => {
  const { clock, media, offers } = await refused(context, "peer_unknown");
  media.close();
  await clock.advance(20_000);
  assert.equal(offers(), 1);
});

const FAILED = { connectionState: "failed", iceConnectionState: "connected" };

test("a handshake that the server gave up is a failure, and gets another connection", async (context) => {
  let version = 0;
  const { clock, media, states, offers } = await joined(context, () => Promise.resolve(answer("u", ++version)));
  for (const failures of [1, 2]) {
    media.handshakeFailed();
    media.handshakeFailed();
    assert.deepEqual([states.at(-1), states.length, offers()], [["failed", failures], failures, failures]);
    await clock.advance(1_000);
    assert.deepEqual([offers(), media.negotiated], [failures + 1, true]);
  }
  Object.assign(Peer.newest, { connectionState: "connected", iceConnectionState: "connected" }).onconnectionstatechange();
  assert.deepEqual(states.at(-1), ["connected", 0]);
});

test("a handshake that failed for browser and server is one failure, whoever says so first and however late", async (context) => {
  let version = 0;
  let late = false;
  const request = () => (late ? new Promise(() => {}) : Promise.resolve(answer("u", ++version)));
  const { clock, media, offers } = await joined(context, request);
  Object.assign(Peer.newest, FAILED).onconnectionstatechange();
  media.handshakeFailed();
  assert.equal(media.failures, 1);
  late = true;
  await clock.advance(500);
  media.handshakeFailed();
  await clock.advance(5_000);
  assert.deepEqual([media.failures, offers()], [1, 2], "a word about the connection before");
});

test("who was away when the next connection was due gets it with the return", async (context) => {
  let version = 0;
  const { clock, media, offers } = await joined(context, () => Promise.resolve(answer("u", ++version)));
  media.handshakeFailed();
  media.down();
  await clock.advance(5_000);
  assert.equal(offers(), 1);
  media.joined(/** @type {any} */ (JOINED));
  await clock.advance(5_000);
  assert.deepEqual([offers(), media.negotiated], [2, true]);
});

test("what the server can't take from this browser ends it", async (context) => {
  const { clock, fatal, offers } = await refused(context, "sdp_no_common_codec");
  await clock.advance(20_000);
  assert.deepEqual([fatal, offers()], [["sdp_no_common_codec"], 1]);
});
