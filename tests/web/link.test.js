// Joining, and coming back.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Link } from "../../web/sdk/link.js";
import { FakeSocket, handTurnedClock, settle } from "./fakes.js";

const JOINED = { type: "joined", participant: "p", seat: "seat-1", gate: "open" };

beforeEach(() => {
  FakeSocket.made = [];
  globalThis.WebSocket = /** @type {any} */ (FakeSocket);
});

function start(context, more = {}) {
  const clock = handTurnedClock(context);
  const events = [];
  const link = new Link({
    wsUrl: "ws://one/ws",
    credential: { grant: "g1" },
    onJoined: (joined) => events.push(["joined", joined.seat]),
    onMessage: (message) => events.push(["message", message.type]),
    onDown: () => events.push(["down"]),
    onFatal: (error) => events.push(["fatal", error.code]),
    ...more,
  });
  void link.run();
  context.after(() => link.close());
  return { clock, events, link };
}

async function answerJoin(reply) {
  FakeSocket.last.open();
  await settle();
  const join = FakeSocket.last.sent.find((one) => one.type === "join");
  FakeSocket.last.reply("join", reply);
  await settle();
  return join;
}

test("joins with the grant, comes back with the seat", async (context) => {
  const { clock, events, link } = start(context);
  assert.equal((await answerJoin(JOINED)).grant, "g1");
  assert.equal(link.send("pause"), true);
  FakeSocket.last.lose(1012);
  await settle();
  assert.equal(link.send("pause"), false);
  await clock.advance(1000);
  const again = await answerJoin({ ...JOINED, seat: "seat-2" });
  assert.deepEqual([again.grant, again.seat], [undefined, "seat-1"]);
  assert.deepEqual(events, [["joined", "seat-1"], ["down"], ["joined", "seat-2"]]);
});

test("who was inside keeps trying for as long as it takes", async (context) => {
  const { clock, events } = start(context);
  await answerJoin(JOINED);
  FakeSocket.last.lose();
  for (let i = 0; i < 30; i++) {
    const before = FakeSocket.made.length;
    await clock.advance(8100);
    assert.ok(FakeSocket.made.length > before);
    FakeSocket.last.lose();
    await settle();
  }
  assert.deepEqual(events, [["joined", "seat-1"], ["down"]]);
});

test("who never got in hears of it after some tries", async (context) => {
  const { clock, events } = start(context);
  for (let i = 0; i < 5; i++) {
    FakeSocket.last.lose();
    await clock.advance(8100);
  }
  assert.deepEqual(events, [["fatal", "network"]]);
  assert.equal(FakeSocket.made.length, 5);
});

for (const code of ["grant_invalid", "room_ended", "seat_dead", "room_full", "overloaded"]) {
  test(`${code} is final`, async (context) => {
    const { clock, events } = start(context);
    await answerJoin({ type: "error", code, message: "" });
    await clock.advance(20_000);
    assert.deepEqual(events, [["fatal", code]]);
    assert.equal(FakeSocket.made.length, 1);
  });
}

test("a stale grant is renewed", async (context) => {
  const { clock, events } = start(context, { renew: () => Promise.resolve({ wsUrl: "ws://two/ws", grant: "g2" }) });
  await answerJoin({ type: "error", code: "grant_replayed", message: "" });
  await clock.advance(1000);
  assert.equal(FakeSocket.last.url, "ws://two/ws");
  assert.equal((await answerJoin(JOINED)).grant, "g2");
  assert.deepEqual(events, [["joined", "seat-1"]]);
});

test("an end in place of a welcome is passed on, and a closed link stays closed", async (context) => {
  const { clock, events, link } = start(context, { onMessage: (message) => message.type === "ended" && link.close() });
  await answerJoin({ type: "ended", reason: "removed" });
  await clock.advance(20_000);
  assert.deepEqual(events, []);
  assert.equal(FakeSocket.made.length, 1);
});
