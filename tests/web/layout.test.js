// How faces share the stage, at the sizes of a phone and a desktop.
import assert from "node:assert/strict";
import { test } from "node:test";
import { arrange, foremost, GAP, inSight, spotlight } from "../../web/shared/layout.js";

const PHONE = { width: 360, height: 640 };
const DESKTOP = { width: 1040, height: 800 };
const STRIP = { width: 360, height: 300 };

/** What a layout makes of the tiles: their size, and how high all of them are. */
function measure(stage, count, pinned) {
  const { columns, row, large } = arrange(stage, count, pinned);
  const beside = large !== null && large.height === stage.height;
  const place = beside ? stage.width - large.width - GAP : stage.width;
  const lines = Math.ceil((count - (large === null ? 0 : 1)) / columns);
  return { width: (place - GAP * (columns - 1)) / columns, row, height: lines * row + (lines - 1) * GAP + (large !== null && !beside ? large.height + GAP : 0) };
}

test("two to four share the whole stage alike", () => {
  for (const stage of [PHONE, DESKTOP]) {
    for (const count of [1, 2, 3, 4]) {
      assert.equal(arrange(stage, count, false).large, null);
      const { height, width } = measure(stage, count, false);
      assert.ok(height <= stage.height && height > stage.height * 0.95, `${count}: ${height}`);
      assert.ok(width >= 170, `${count}: ${width}`);
    }
  }
  assert.equal(arrange(PHONE, 2, false).columns, 1);
  assert.equal(arrange(DESKTOP, 2, false).columns, 2);
  assert.deepEqual([arrange(PHONE, 4, false).columns, arrange(DESKTOP, 4, false).columns], [2, 2]);
});

test("of many one is large, and no face is too small to be known", () => {
  for (const stage of [PHONE, DESKTOP, STRIP]) {
    for (let count = 5; count <= 25; count++) {
      const { large } = arrange(stage, count, false);
      assert.ok(large !== null && large.width >= stage.width * 0.5 && large.height >= Math.min(150, stage.height * 0.4));
      const { width, row } = measure(stage, count, false);
      assert.ok(width >= 112 && row >= 100, `${count} in ${stage.width} x ${stage.height}: ${width} x ${row}`);
    }
  }
});

test("what fits does not scroll", () => {
  assert.ok(measure(DESKTOP, 9, false).height <= DESKTOP.height);
  assert.ok(measure(PHONE, 9, false).height <= PHONE.height);
  assert.ok(measure(PHONE, 25, false).height > PHONE.height);
});

test("a shared screen is large however few are there", () => {
  for (const stage of [PHONE, DESKTOP]) {
    const { large } = arrange(stage, 2, true);
    assert.ok(large !== null && large.width >= stage.width * 0.7);
  }
});

test("whoever is large stays until another speaks alone", () => {
  const others = ["a", "b", "c"];
  assert.equal(spotlight(null, [], others), "a");
  assert.equal(spotlight("b", [], others), "b");
  assert.equal(spotlight("b", ["c"], others), "c");
  assert.equal(spotlight("b", ["c", "b"], others), "b");
  assert.equal(spotlight("b", ["me"], others), "b", "oneself is not shown to oneself");
  assert.equal(spotlight("gone", [], others), "a");
  assert.equal(spotlight("a", [], []), null);
});

test("so many faces are in sight before one scrolls, and above one's own picture", () => {
  const seen = (stage, count) => inSight(arrange(stage, count, true), stage, 90);
  assert.equal(inSight(arrange(PHONE, 4, false), PHONE, 90), Infinity);
  assert.deepEqual([seen(PHONE, 5), seen(PHONE, 9), seen(PHONE, 25)], [4, 6, 6]);
  assert.deepEqual([seen(DESKTOP, 9), seen(STRIP, 9)], [8, 3]);
});

test("whoever speaks out of sight comes first, once", () => {
  const small = ["a", "b", "c", null, "d", "e"];
  const after = (before, speakers, seen = 2) => foremost(before, speakers, small, seen);
  assert.deepEqual(after([], []), []);
  assert.deepEqual(after([], ["b"]), [], "in sight");
  assert.deepEqual(after([], ["d"]), ["d"]);
  assert.deepEqual(after(["d"], []), ["d"], "stays");
  assert.deepEqual(after(["d"], ["a"]), ["d"], "in sight still");
  assert.deepEqual(after(["d"], ["b"]), ["b", "d"], "moved out of sight by the other");
  assert.deepEqual(after(["d"], ["e"]), ["e", "d"], "those who talk by turns jump once each");
  assert.deepEqual(after(["d"], ["d", "e"]), ["d", "e"]);
  assert.deepEqual(after(["e", "d"], ["c"]), ["c", "e"]);
  assert.deepEqual(after([], ["a", "e"]), ["a", "e"], "nobody who speaks is moved out of sight");
  assert.deepEqual(after(["gone", "d"], ["me"]), ["d"]);
});
