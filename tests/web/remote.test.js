// Who is there, out of what the server says of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Remote } from "../../web/sdk/remote.js";
import { IN_FLIGHT } from "../../web/sdk/sections.js";

globalThis.MediaStream ??= class {
  getTracks() {
    return [];
  }
};

const person = (/** @type {object} */ fields) => ({ id: "p1", name: "Kari", role: "patient", state: "admitted", ...fields });

/** @param {object} fields */
function seen(fields) {
  const remote = new Remote(() => "d1");
  remote.setParticipants([person(fields)]);
  return remote.participants[0];
}

test("who waits goes on waiting while the connection is lost, from the first second", () => {
  assert.equal(seen({ state: "lobby", waited: 0 }).waiting, true);
  assert.equal(seen({ state: "reconnecting", waited: 0 }).waiting, true);
});

test("who is inside does not wait, connected or not", () => {
  for (const state of ["admitted", "held", "reconnecting"]) assert.equal(seen({ state }).waiting, false, state);
});

test("who is on hold stays so while the connection is lost, unless we ask otherwise", () => {
  const remote = new Remote(() => "d1");
  const held = (/** @type {object} */ fields) => {
    remote.setParticipants([person(fields)]);
    return remote.participants[0].held;
  };
  const asked = (/** @type {boolean} */ wish) => {
    remote.askHeld("p1", wish);
    return remote.participants[0].held;
  };
  assert.equal(held({ state: "reconnecting" }), false, "nothing was said yet");
  assert.equal(held({ state: "held" }), true);
  assert.equal(held({ state: "reconnecting" }), true);
  assert.equal(held({ state: "reconnecting" }), true, "for as long as it takes");
  assert.equal(asked(false), false);
  assert.equal(held({ state: "reconnecting" }), false);
  assert.equal(asked(true), true);
  assert.equal(held({ state: "reconnecting" }), true);
  assert.equal(held({ state: "admitted" }), false, "the server's word counts");
  assert.equal(asked(true), false, "and it will come");
  assert.equal(held({ state: "reconnecting" }), false);
  assert.equal(asked(true), true);
  assert.equal(held({ state: "reconnecting", waited: 3 }), false, "in the lobby nobody is on hold");
  assert.equal(held({ state: "held" }), true);
  remote.setParticipants([]);
  assert.equal(held({ state: "reconnecting" }), false, "who comes anew is somebody else");
});

test("one's own role is what the newest list of people says", () => {
  const remote = new Remote(() => "p1");
  assert.equal(remote.role, undefined);
  for (const role of ["patient", "practitioner"]) {
    remote.setParticipants([person({ id: "d1", role: "guest" }), person({ role })]);
    assert.equal(remote.role, role);
  }
});

test("a place that somebody left has another's frames only some time later", (/** @type {import("node:test").TestContext} */ context) => {
  let now = 1000;
  context.mock.method(performance, "now", () => now);
  const remote = new Remote(() => "d1");
  remote.setParticipants([person({ id: "a" }), person({ id: "b" })]);
  const track = (/** @type {string} */ who, /** @type {string | null} */ mid, muted = false) =>
    /** @type {import("../../web/sdk/messages.js").TrackInfo} */ ({ id: `${who}-camera`, participant: who, kind: "video", source: "camera", muted, mid });
  const since = () => remote.participants.map((one) => one.cameraSince);
  remote.setTracks([track("a", "3"), track("b", null)]);
  assert.deepEqual(since(), [0, 0]);
  now = 2000;
  remote.setTracks([track("a", "3", true), track("b", "5")]);
  assert.deepEqual(since(), [0, 0], "who stays is not covered again, and a new place has nobody's");
  now = 3000;
  remote.setTracks([track("b", "3")]);
  assert.deepEqual(since(), [0, 3000 + IN_FLIGHT], "at once in the other's place");
  now = 4000;
  remote.setTracks([]);
  now = 9000;
  remote.setTracks([track("b", "3")]);
  assert.deepEqual(since(), [0, 4000 + IN_FLIGHT], "what was kept of oneself is old, too");
});
