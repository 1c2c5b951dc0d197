import assert from "node:assert/strict";
import { test } from "node:test";

/** A track as Firefox has it: once stopped, it no longer tells its device. */
class FakeTrack {
  enabled = true;
  kind = "video";
  #device;

  constructor(device) {
    this.#device = device;
  }

  getSettings() {
    return this.#device === null ? {} : { deviceId: this.#device };
  }

  stop() {
    this.#device = null;
  }
}

class FakeStream {
  #tracks;

  constructor(tracks = []) {
    this.#tracks = new Set(tracks);
  }

  getTracks() {
    return [...this.#tracks];
  }

  getVideoTracks() {
    return this.getTracks();
  }

  getAudioTracks() {
    return [];
  }

  addTrack(track) {
    this.#tracks.add(track);
  }

  removeTrack(track) {
    this.#tracks.delete(track);
  }
}

const busy = new Set();
const mediaDevices = new EventTarget();
mediaDevices.getUserMedia = async ({ video }) => {
  const device = video.deviceId?.exact ?? "first";
  if (busy.has(device)) throw new DOMException("in use", "NotReadableError");
  return new FakeStream([new FakeTrack(device)]);
};
Object.defineProperty(globalThis, "navigator", { value: { mediaDevices } });
globalThis.MediaStream = FakeStream;
const { LocalMedia } = await import("../../web/sdk/devices.js");

test("another camera takes the place of the first", async () => {
  const media = new LocalMedia();
  await media.select("camera", "second");
  await media.select("camera", "third");
  assert.equal(media.selected("camera"), "third");
  assert.equal(media.stream.getTracks().length, 1);
});

test("a camera that can't be opened leaves the one that was in use, not the browser's choice", async () => {
  const media = new LocalMedia();
  await media.select("camera", "second");
  busy.add("third");
  await assert.rejects(media.select("camera", "third"), { code: "device_busy" });
  assert.equal(media.selected("camera"), "second");
});
