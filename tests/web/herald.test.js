// What a screen reader is told as one is paused, held, lost and back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Herald } from "../../web/shared/herald.js";

const BROKEN = "Forbindelsen ble brutt. Vi kobler deg til igjen.";
const BACK = "Du er tilkoblet igjen.";
const RESUMED = "Pausen er over. Dere ser og hører hverandre igjen.";
const RELEASED = "Du er inne igjen. Dere ser og hører hverandre.";
const PAUSED = "Pause Ingrid har tatt en pause. Ingen ser eller hører deg nå. Behandleren starter samtalen igjen. Du trenger ikke å gjøre noe.";
const HELD = "Du er satt på vent Ingen ser eller hører deg nå. Behandleren henter deg inn igjen. La siden være åpen.";

/** What is told in each of the states, one after the other. */
function told(...states) {
  const said = [];
  const herald = new Herald((message) => said.push(message));
  let previous = "connecting";
  for (const state of states) {
    herald.follow(callIn(state), state, previous);
    previous = state;
  }
  return said;
}

function callIn(state, by = "ingrid") {
  const participants = ["Ingrid", "Kari", "Ola"].map((name) => ({ id: name.toLowerCase(), name }));
  const pauseInfo = { by, reason: "host" };
  return { state, held: state === "held", paused: state === "paused", pauseInfo, isHost: false, participant: "kari", participants };
}

for (const [what, states, words] of [
  ["being let in speaks for itself", ["lobby", "call"], []],
  ["a pause and its end", ["call", "paused", "call"], [PAUSED, RESUMED]],
  ["on hold and in again", ["call", "held", "call"], [HELD, RELEASED]],
  ["a break", ["call", "reconnecting", "call"], [BROKEN, BACK]],
  ["a pause that lasts over a break", ["call", "paused", "reconnecting", "paused"], [PAUSED, BROKEN, PAUSED]],
  ["a pause that ended in a break: now one is seen", ["call", "paused", "reconnecting", "call"], [PAUSED, BROKEN, RESUMED]],
  ["a hold that ended in a break", ["call", "held", "reconnecting", "call"], [HELD, BROKEN, RELEASED]],
  ["a pause that began in a break", ["call", "reconnecting", "paused", "call"], [BROKEN, PAUSED, RESUMED]],
  ["a hold that ends into a pause", ["call", "held", "paused", "call"], [HELD, PAUSED, RESUMED]],
  ["sent to the lobby from a pause, and let in", ["call", "paused", "lobby", "call"], [PAUSED]],
  ["a break in the lobby", ["lobby", "reconnecting", "lobby"], [BROKEN, BACK]],
  ["a break that ends the call", ["call", "reconnecting", "ended"], [BROKEN]],
]) {
  test(what, () => assert.deepEqual(told(...states), words));
}

test("another one's pause in a pause is told once", () => {
  const said = [];
  const herald = new Herald((message, how) => said.push([message.split(".")[0], how?.urgently]));
  herald.paused(callIn("paused"));
  assert.deepEqual(said, [], "the state tells of it");
  herald.follow(callIn("paused"), "paused", "call");
  herald.paused(callIn("paused"));
  herald.paused(callIn("paused", "ola"));
  herald.paused(callIn("paused", "ola"));
  assert.deepEqual(said, [["Pause Ingrid har tatt en pause", true], ["Pause Ola har tatt en pause", true]]);
});

test("a banner's advice is told as it changes, and not what was told with the break", () => {
  const said = [];
  const herald = new Herald((message) => said.push(message));
  for (const words of [null, BROKEN, "Råd", "Råd", null, "Råd"]) herald.banner(words);
  assert.deepEqual(said, ["Råd", "Råd"]);
});
