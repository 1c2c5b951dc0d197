// Who comes, goes and shows a screen, as a screen reader tells it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Company } from "../../web/shared/company.js";

const person = (name, more = {}) => ({ id: name, name, state: "admitted", waiting: false, held: false, self: false, hasScreen: false, ...more });
const ME = person("Meg", { self: true });
const KARI = person("Kari");
const OLA = person("Ola");
const LOST = { state: "reconnecting" };
const HELD = { state: "held", held: true };
const WAITS = { state: "lobby", waiting: true };
const SCREEN = { hasScreen: true };
const many = (count, more) => Array.from({ length: count }, (_, index) => person(`P${index}`, more));

/** What each look tells. A look is who else is there; or how the call stands, too. */
function tell(type, ...looks) {
  const company = new Company();
  return looks.map((look) => company.news({ state: "call", held: false, ...(Array.isArray(look) ? { participants: [ME, ...look] } : look) }, type));
}

for (const [what, before, after, ...sentences] of [
  ["nothing changed", [KARI], [KARI]],
  ["somebody came", [KARI], [KARI, OLA], "Ola er kommet inn."],
  ["a host let somebody in", [KARI, person("Ola", WAITS)], [KARI, OLA], "Ola er kommet inn."],
  ["somebody began to wait, which the list tells", [KARI], [KARI, person("Ola", WAITS)]],
  ["somebody who waited left", [KARI, person("Ola", WAITS)], [KARI]],
  ["somebody who waited lost the connection", [person("Ola", WAITS)], [person("Ola", { ...LOST, waiting: true })]],
  ["somebody left", [KARI, OLA], [OLA], "Kari har gått."],
  ["somebody was sent back to wait, which the list tells", [KARI, OLA], [OLA, person("Kari", WAITS)]],
  ["one left and one came", [KARI], [OLA], "Kari har gått.", "Ola er kommet inn."],
  ["two were lost at once", [KARI, OLA], [person("Kari", LOST), person("Ola", LOST)], "Kari har mistet forbindelsen og prøver igjen.", "Ola har mistet forbindelsen og prøver igjen."],
  ["somebody is still lost", [person("Kari", LOST)], [person("Kari", LOST)]],
  ["somebody is back", [person("Kari", LOST)], [KARI], "Kari er tilbake."],
  ["whoever was lost has left", [person("Kari", LOST)], [], "Kari har gått."],
  ["somebody was put on hold", [KARI], [person("Kari", HELD)], "Kari er satt på vent."],
  ["somebody was fetched in", [person("Kari", HELD)], [KARI], "Kari er med igjen."],
  ["whoever is on hold was lost, and the hold goes on", [person("Kari", HELD)], [person("Kari", { ...LOST, held: true })], "Kari har mistet forbindelsen og prøver igjen."],
  ["whoever is on hold is back, and the hold goes on", [person("Kari", { ...LOST, held: true })], [person("Kari", HELD)], "Kari er tilbake."],
  ["three came", [], many(3), "P0 er kommet inn.", "P1 er kommet inn.", "P2 er kommet inn."],
  ["many came", [], many(25), "25 er kommet inn."],
  ["many left and one came", many(4), [KARI], "4 har gått.", "Kari er kommet inn."],
  ["many were lost", many(5), many(5, LOST), "5 har mistet forbindelsen og prøver igjen."],
]) {
  test(what, () => assert.deepEqual(tell("participants", before, after), [[], sentences]));
}

for (const [what, before, after, ...sentences] of [
  ["a screen is shown", [KARI, OLA], [KARI, person("Ola", SCREEN)], "Ola deler skjermen."],
  ["a screen is shown no more", [person("Ola", SCREEN)], [OLA], "Ola deler ikke lenger skjermen."],
  ["a screen goes on", [person("Ola", SCREEN)], [person("Ola", SCREEN)]],
  ["one screen takes the place of another", [person("Kari", SCREEN), OLA], [KARI, person("Ola", SCREEN)], "Kari deler ikke lenger skjermen.", "Ola deler skjermen."],
  ["whoever left has no screen to end", [KARI, person("Ola", SCREEN)], [KARI], "Ola har gått."],
]) {
  test(what, () => assert.deepEqual(tell("tracks", before, after), [[], sentences]));
}

test("the lobby knows of nobody, and whoever is there on being let in again is no news", () => {
  const lobby = { state: "lobby", participants: [] };
  assert.deepEqual(tell("participants", [KARI], lobby, [KARI, OLA], [OLA]), [[], [], [], ["Kari har gått."]]);
});

test("a host who waits is told of nobody", () => {
  const waiting = (...others) => ({ participants: [{ ...ME, ...WAITS }, ...others] });
  assert.deepEqual(tell("participants", waiting(KARI), waiting(KARI, OLA)), [[], []]);
});

test("on hold one hears nothing, and after it what has changed", () => {
  const held = (...others) => ({ held: true, state: "held", participants: [{ ...ME, ...HELD }, ...others] });
  assert.deepEqual(tell("participants", [KARI], held(KARI, OLA), held(OLA), [OLA]), [[], [], [], ["Kari har gått.", "Ola er kommet inn."]]);
});

test("who comes during a pause is told at once", () => {
  const paused = { state: "paused", participants: [ME, KARI, OLA] };
  assert.deepEqual(tell("participants", [KARI], paused), [[], ["Ola er kommet inn."]]);
});

test("a pause or a break that takes a screen away and brings it back tells nothing of it", () => {
  for (const state of ["paused", "held", "reconnecting"]) {
    const without = { state, participants: [ME, KARI] };
    assert.deepEqual(tell("tracks", [person("Kari", SCREEN)], without, [person("Kari", SCREEN)]), [[], [], []], state);
  }
});

test("what goes with a resumed call says nothing of screens before their tracks are told", () => {
  const company = new Company();
  const looks = [["tracks", person("Kari", SCREEN)], ["resumed", KARI], ["participants", KARI], ["tracks", person("Kari", SCREEN)]];
  for (const [type, kari] of looks) assert.deepEqual(company.news({ state: "call", held: false, participants: [ME, kari] }, type), [], type);
});
