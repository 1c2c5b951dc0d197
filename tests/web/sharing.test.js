// What is shared is sharp before it is smooth: the track says so to the encoder, the sender to who shares out a thin line.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Sender } from "../../web/sdk/sender.js";
import { settle } from "./fakes.js";

const mediaDevices = { asked: null, stream: null };
mediaDevices.getDisplayMedia = async (wishes) => {
  mediaDevices.asked = wishes;
  return mediaDevices.stream;
};
Object.defineProperty(globalThis, "navigator", { value: { mediaDevices } });
const { pictureTrack, screenTrack } = await import("../../web/sdk/sharing.js");
const { Transport } = await import("../../web/sdk/transport.js");

const streamOf = (track) => ({ getVideoTracks: () => [track] });

test("a screen is taken for its detail, with few frames", async () => {
  const track = { contentHint: "" };
  mediaDevices.stream = streamOf(track);
  assert.equal(await screenTrack(), track);
  assert.equal(track.contentHint, "detail");
  assert.deepEqual(mediaDevices.asked, { video: { frameRate: { max: 5 } }, audio: false });
});

test("so is a picture", async () => {
  const track = { contentHint: "", readyState: "ended" };
  globalThis.createImageBitmap = /** @type {any} */ (async () => ({ width: 640, height: 480, close() {} }));
  const canvas = { getContext: () => ({ drawImage() {} }), captureStream: () => streamOf(track) };
  globalThis.document = /** @type {any} */ ({ createElement: () => canvas });
  assert.equal(await pictureTrack(new Blob()), track);
  assert.equal(track.contentHint, "detail");
  assert.deepEqual([canvas.width, canvas.height], [640, 480]);
});

/** A transceiver whose sender remembers its parameters. */
function transceiverOf(kind, encodings) {
  const state = { parameters: { encodings: structuredClone(encodings) } };
  const sender = {
    track: null,
    replaceTrack: async (track) => void (sender.track = track),
    getParameters: () => structuredClone(state.parameters),
    setParameters: async (changed) => void (state.parameters = structuredClone(changed)),
    getStats: async () => new Map(),
  };
  return { state, sender, mid: null, receiver: { track: { kind } }, setCodecPreferences() {} };
}

test("a sender keeps the size of the picture where it is told to, and else leaves that to the browser", async () => {
  for (const wish of [undefined, /** @type {const} */ ("maintain-resolution")]) {
    const transceiver = transceiverOf("video", [{ active: false }]);
    const sender = new Sender(/** @type {any} */ (transceiver), wish);
    await sender.send(/** @type {any} */ ({}));
    assert.deepEqual([transceiver.state.parameters.encodings[0].active, transceiver.state.parameters.degradationPreference], [true, wish]);
  }
});

test("of all that is sent, the screen alone keeps its size, at five frames a second", async (context) => {
  const made = [];
  globalThis.RTCPeerConnection = /** @type {any} */ (
    class {
      addTransceiver(kind, { sendEncodings = [{ active: true }] }) {
        made.push(transceiverOf(kind, sendEncodings));
        return made.at(-1);
      }
      close() {}
    }
  );
  globalThis.RTCRtpReceiver ??= /** @type {any} */ ({ getCapabilities: () => ({ codecs: [] }) });
  const [microphone, camera, screen] = ["microphone", "camera", "screen"].map((id) => /** @type {any} */ ({ id }));
  const transport = new Transport(/** @type {any} */ ({ iceServers: [], slots: { audio: 0, video: 0 }, tracks: { microphone, camera: null } }));
  context.after(() => transport.close());
  transport.send({ microphone, camera, screen });
  for (let i = 0; i < 5; i++) await settle();
  const sent = made.map(({ sender, state: { parameters } }) => [sender.track?.id, parameters.degradationPreference, parameters.encodings[0].maxFramerate]);
  assert.deepEqual(sent, [
    ["microphone", undefined, undefined],
    ["camera", undefined, undefined],
    ["screen", "maintain-resolution", 5],
  ]);
});
