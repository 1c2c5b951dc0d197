// Who is there, out of what the server says of them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Remote } from "../../web/sdk/remote.js";

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

test("one's own role is what the newest list of people says", () => {
  const remote = new Remote(() => "p1");
  assert.equal(remote.role, undefined);
  for (const role of ["patient", "practitioner"]) {
    remote.setParticipants([person({ id: "d1", role: "guest" }), person({ role })]);
    assert.equal(remote.role, role);
  }
});
