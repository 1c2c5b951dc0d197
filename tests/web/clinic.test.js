// The practitioner's page: what can be done with whom, whose an end is, and what a notice is said to have done.
import assert from "node:assert/strict";
import { test } from "node:test";
import { actionsOn } from "../../web/clinic/actions.js";
import { Ending } from "../../web/clinic/ending.js";
import { told } from "../../web/clinic/notice.js";

for (const [where, person, actions] of [
  ["in the lobby", { waiting: true, held: false }, ["admit", "deny"]],
  ["inside", { waiting: false, held: false }, ["hold", "to-lobby", "remove"]],
  ["on hold", { waiting: false, held: true }, ["release", "to-lobby", "remove"]],
]) {
  test(`a host can do something with somebody ${where}, others nothing`, () => {
    assert.deepEqual(actionsOn(person, true), actions);
    assert.deepEqual(actionsOn(person, false), []);
  });
}

/** @param {boolean} connected */
function callThat(connected) {
  return Object.assign(new EventTarget(), { end: () => connected });
}

const refusal = (/** @type {string} */ command) => new CustomEvent("refused", { detail: { code: "forbidden", command } });

test("an end is ours once we have asked, and not where it could not be sent", () => {
  for (const connected of [true, false]) {
    const ending = new Ending();
    assert.equal(ending.ours, false);
    assert.equal(ending.ask(callThat(connected)), connected);
    assert.equal(ending.ours, connected);
  }
});

test("an end that we were refused is somebody else's, and we may ask again", () => {
  const [call, ending] = [callThat(true), new Ending()];
  for (let time = 0; time < 2; time++) {
    ending.ask(call);
    call.dispatchEvent(refusal("hold"));
    assert.equal(ending.ours, true, "another refusal");
    call.dispatchEvent(refusal("end"));
    assert.equal(ending.ours, false);
  }
});

test("a notice is said to be sent, an empty one to be taken back", () => {
  for (const notice of [{ minutes: 5 }, { text: "Snart" }, { minutes: 5, text: "Snart" }]) assert.equal(told(notice), "Beskjeden er sendt til dem som venter.");
  assert.equal(told({}), "Beskjeden er tatt bort.");
});
