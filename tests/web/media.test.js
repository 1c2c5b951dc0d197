// What becomes of sound and picture when the server refuses what is offered.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CallError } from "../../web/sdk/errors.js";
import { Media } from "../../web/sdk/media.js";
import { handTurnedClock, settle } from "./fakes.js";

const JOINED = { slots: { audio: 1, video: 1 }, ice_servers: [] };

/** A PeerConnection that offers, and goes no further. */
class Peer {
  static made = 0;
  connectionState = "new";
  iceConnectionState = "new";
  currentRemoteDescription = null;
  localDescription = { sdp: "v=0" };

  constructor() {
    Peer.made += 1;
  }

  addTransceiver(kind) {
    return { mid: "0", receiver: { track: { kind } }, sender: { track: null, getParameters: () => ({ encodings: [] }) } };
  }

  async createOffer() {
    return {};
  }

  async setLocalDescription() {}

  close() {}
}

/** Media that has joined, and whose offers are all refused with a code. */
async function refused(context, code) {
  const { RTCPeerConnection, RTCRtpReceiver, CompressionStream } = globalThis;
  Object.assign(globalThis, { RTCPeerConnection: Peer, RTCRtpReceiver: {}, CompressionStream: undefined });
  const clock = handTurnedClock(context);
  const before = Peer.made;
  const fatal = [];
  const none = () => {};
  const media = new Media({
    request: () => Promise.reject(new CallError(code)),
    onNegotiated: none,
    onState: none,
    onMending: none,
    onFatal: (error) => fatal.push(error.code),
  });
  context.after(() => {
    media.close();
    Object.assign(globalThis, { RTCPeerConnection, RTCRtpReceiver, CompressionStream });
  });
  media.joined(/** @type {any} */ (JOINED));
  await settle();
  return { clock, fatal, media, offers: () => Peer.made - before };
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

test("nothing more is offered once it is over", async (context) => {
  const { clock, media, offers } = await refused(context, "peer_unknown");
  media.close();
  await clock.advance(20_000);
  assert.equal(offers(), 1);
});

test("what the server can't take from this browser ends it", async (context) => {
  const { clock, fatal, offers } = await refused(context, "sdp_no_common_codec");
  await clock.advance(20_000);
  assert.deepEqual([fatal, offers()], [["sdp_no_common_codec"], 1]);
});
