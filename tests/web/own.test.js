// What is ours to show, and what of it may leave.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Own } from "../../web/sdk/own.js";

class Track extends EventTarget {
  stopped = false;

  stop() {
    this.stopped = true;
  }

  end() {
    this.dispatchEvent(new Event("ended"));
  }
}

const [MICROPHONE, CAMERA] = [new Track(), new Track()];
const STREAM = { getAudioTracks: () => [MICROPHONE], getVideoTracks: () => [CAMERA] };
const nobody = () => assert.fail("nobody shall hear of it");

test("all leaves that is not muted, once we may send", () => {
  const own = new Own(STREAM);
  assert.deepEqual(own.leaving(true), { microphone: MICROPHONE, camera: CAMERA, screen: undefined });
  assert.deepEqual(own.leaving(false), { microphone: null, camera: null, screen: undefined });
});

test("each source is muted on its own, from the start or later", () => {
  const own = new Own(STREAM, { camera: true });
  assert.deepEqual(own.muted, { microphone: false, camera: true });
  assert.deepEqual(own.leaving(true), { microphone: MICROPHONE, camera: null, screen: undefined });
  own.setMuted("camera", false);
  own.setMuted("microphone", true);
  assert.deepEqual(own.leaving(true), { microphone: null, camera: CAMERA, screen: undefined });
});

test("another device's track leaves in place of the old one, none where there is none", () => {
  const own = new Own({ getAudioTracks: () => [], getVideoTracks: () => [CAMERA] });
  assert.equal(own.leaving(true).microphone, null);
  const other = new Track();
  own.replace("camera", other);
  assert.equal(own.leaving(true).camera, other);
});

test("a screen leaves when we may send, sends nothing when we may not, and is no more once it is over", () => {
  const own = new Own(STREAM);
  const screen = new Track();
  own.share(screen, nobody);
  assert.equal(own.sharing, true);
  assert.equal(own.leaving(true).screen, screen);
  assert.equal(own.leaving(false).screen, null);
  own.unshare();
  assert.equal(screen.stopped, true);
  assert.equal(own.sharing, false);
  assert.equal(own.leaving(true).screen, undefined);
});

test("the end of what is shown is told, not that of what was shown before", () => {
  const own = new Own(STREAM);
  const [before, now] = [new Track(), new Track()];
  let ended = 0;
  own.share(before, nobody);
  own.share(now, () => ended++);
  assert.equal(before.stopped, true);
  before.end();
  now.end();
  assert.equal(ended, 1);
});

test("mutes do not touch the screen", () => {
  const own = new Own(STREAM, { camera: true, microphone: true });
  const screen = new Track();
  own.share(screen, nobody);
  assert.deepEqual(own.leaving(true), { microphone: null, camera: null, screen });
});
