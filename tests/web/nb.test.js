// The words: every sentence short, every fault says what to do.
import assert from "node:assert/strict";
import { test } from "node:test";
import { nb } from "../../web/shared/text/nb.js";

const LONGEST_SENTENCE = 15;

/** Every text, functions called with something plausible. */
function* texts(value, path = "nb") {
  if (typeof value === "string") yield [path, value];
  else if (typeof value === "function") yield [path, value(path.includes("minutes") || path.includes("delayed") ? 20 : "Kari Nordmann")];
  else if (value !== null && typeof value === "object") for (const [key, inner] of Object.entries(value)) yield* texts(inner, `${path}.${key}`);
}

test("no sentence is longer than fifteen words", () => {
  for (const [path, text] of texts(nb)) {
    for (const sentence of text.split(/[.?!:]\s/)) {
      const words = sentence.split(/\s+/).filter((word) => /\p{L}|\d/u.test(word)).length;
      assert.ok(words <= LONGEST_SENTENCE, `${path}: ${sentence} (${words} words)`);
    }
  }
});

test("every alias leads to a fault that is described", () => {
  for (const [alias, code] of Object.entries(nb.faults.same)) assert.ok(nb.faults.all[code], alias);
});

test("every way a call can end has words", () => {
  for (const reason of ["ended", "left", "removed", "denied", "taken_over", "expired", "gone"]) assert.ok(nb.ended[reason]?.title && nb.ended[reason].text, reason);
});

test("every fault says whom to call", () => {
  for (const [code, { title, text, steps = [], help }] of Object.entries(nb.faults.all)) {
    assert.match([title, text, ...steps, help ? nb.faults.help : ""].join(" "), /ring klinikken/i, code);
  }
});
