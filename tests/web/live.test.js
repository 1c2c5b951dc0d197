// What a screen reader is told: nothing of one tick is lost, and what is past makes place.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

/** As much of an element as a live region needs. */
class Element {
  /** @type {any[]} */
  children = [];

  setAttribute() {}

  append(...children) {
    this.children.push(...children);
  }

  replaceChildren(...children) {
    this.children = children;
  }
}

const body = new Element();
globalThis.document = /** @type {any} */ ({ body, createElement: () => new Element() });
const { announce, installLiveRegions } = await import("../../web/shared/live.js");
installLiveRegions();
const [polite, urgent] = body.children;
const lines = (region) => region.children.map((line) => line.children.join(""));
const tick = () => new Promise(setImmediate);

beforeEach(() => {
  for (const region of [polite, urgent]) region.replaceChildren();
});

test("two announcements of one tick are both read, in their order", async () => {
  announce("Du er tilbake i venterommet.");
  announce("Du er tilkoblet igjen.");
  assert.deepEqual(lines(polite), ["Du er tilbake i venterommet.", "Du er tilkoblet igjen."]);
  await tick();
});

test("the same words of one tick are read once", async () => {
  for (const words of ["Kari har gått.", "Ola har gått.", "Kari har gått."]) announce(words);
  assert.deepEqual(lines(polite), ["Kari har gått.", "Ola har gått."]);
  await tick();
});

test("a later tick takes the place of the one before, with the same words in a new node", async () => {
  announce("Pause");
  const [before] = polite.children;
  await tick();
  announce("Pause");
  assert.deepEqual(lines(polite), ["Pause"]);
  assert.notEqual(polite.children[0], before);
  await tick();
});

test("what interrupts and what does not are apart", async () => {
  announce("Kari har gått.");
  announce("Du er satt på vent", { urgently: true });
  announce("Kari har gått.", { urgently: true });
  assert.deepEqual(lines(polite), ["Kari har gått."]);
  assert.deepEqual(lines(urgent), ["Du er satt på vent", "Kari har gått."]);
  await tick();
});

test("nothing to say leaves what was said", async () => {
  announce("Kari har gått.");
  await tick();
  announce("");
  assert.deepEqual(lines(polite), ["Kari har gått."]);
});
