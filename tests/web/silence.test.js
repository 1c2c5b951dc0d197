// A path that is gone, by what goes out and what comes in.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Silence } from "../../web/sdk/silence.js";

/** Looks every quarter of a second; gives the moments at which it was told. */
function told(silence, from, to, bytes) {
  const moments = [];
  for (let now = from; now <= to; now += 250) if (silence.look(now, bytes(now))) moments.push(now);
  return moments;
}

test("who sends and hears nothing is told after the patience, and again as long as it lasts", () => {
  const silence = new Silence(1500, 3000);
  assert.deepEqual(told(silence, 0, 1000, (now) => ({ sent: now * 8, received: now })), []);
  assert.equal(silence.lasts, false);
  assert.deepEqual(told(silence, 1250, 9000, (now) => ({ sent: now * 8, received: 1000 })), [2500, 5500, 8500]);
  assert.equal(silence.lasts, true);
});

test("whatever comes ends it", () => {
  const silence = new Silence(1500, 3000);
  told(silence, 0, 2000, (now) => ({ sent: now * 8, received: 1 }));
  assert.equal(silence.lasts, true);
  assert.equal(silence.look(2250, { sent: 20_000, received: 2 }), false);
  assert.equal(silence.lasts, false);
  assert.deepEqual(told(silence, 2500, 4000, (now) => ({ sent: now * 8, received: 2 })), [3750]);
});

test("who sends nothing but reports can't tell", () => {
  const silence = new Silence(1500, 3000);
  assert.deepEqual(told(silence, 0, 9000, (now) => ({ sent: now / 10, received: 1 })), []);
});
