// Joining, and coming back.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Link } from "../../web/sdk/link.js";
import { FakeServer, FakeSocket, handTurnedClock, settle } from "./fakes.js";

const JOINED = { type: "joined", participant: "p", seat: "seat-1", gate: "open" };

beforeEach(() => {
  FakeSocket.made = [];
  globalThis.WebSocket = /** @type {any} */ (FakeSocket);
});

function start(context, more = {}) {
  const clock = handTurnedClock(context);
  const server = new FakeServer(context);
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
  return { clock, events, link, server };
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

test("a knock that is answered ends the wait", async (context) => {
  const { clock, events, server } = start(context);
  await answerJoin(JOINED);
  FakeSocket.last.lose();
  // The server is away for long: tries are rare by now, knocks are not.
  for (let i = 0; i < 20; i++) {
    await clock.advance(2000);
    if (FakeSocket.last.readyState === 0) FakeSocket.last.lose();
  }
  const tries = FakeSocket.made.length;
  assert.ok(tries < 14, `${tries} tries`);
  assert.ok(server.knocks.length > 30, `${server.knocks.length} knocks`);
  assert.equal(server.knocks[0], "http://one/ws");
  await settle();
  server.answer = 204;
  await clock.advance(1000);
  await answerJoin(JOINED);
  assert.deepEqual(events.at(-1), ["joined", "seat-1"]);
  const asked = server.knocks.length;
  await clock.advance(3000);
  assert.equal(server.knocks.length, asked);
});

test("a proxy's word for a server that is down is no answer", async (context) => {
  const { clock, server } = start(context);
  await answerJoin(JOINED);
  server.answer = 502;
  FakeSocket.last.lose();
  let tries = 0;
  for (let i = 0; i < 40; i++) {
    await clock.advance(500);
    if (FakeSocket.last.readyState === 0) {
      FakeSocket.last.lose();
      tries += 1;
    }
  }
  assert.ok(tries < 8, `${tries} tries`);
});

test("a server that answers knocks and takes no connection is not stormed", async (context) => {
  const { clock, server } = start(context);
  await answerJoin(JOINED);
  server.answer = 204;
  FakeSocket.last.lose();
  let tries = 0;
  for (let i = 0; i < 60; i++) {
    await clock.advance(500);
    if (FakeSocket.last.readyState === 0) {
      FakeSocket.last.lose();
      tries += 1;
    }
  }
  assert.ok(tries < 12, `${tries} tries`);
});

test("an attempt that hangs is given up once others are answered", async (context) => {
  const { clock, server } = start(context);
  await answerJoin(JOINED);
  FakeSocket.last.lose();
  await clock.advance(400);
  const hangs = FakeSocket.last;
  assert.equal(hangs.readyState, 0);
  await clock.advance(4000);
  assert.equal(FakeSocket.last, hangs);
  server.answer = 204;
  await clock.advance(2000);
  assert.notEqual(FakeSocket.last, hangs);
  assert.equal(hangs.readyState, 3);
});

test("when the browser is online again, the wait ends and a connection is asked", async (context) => {
  const target = new EventTarget();
  Object.assign(globalThis, { addEventListener: target.addEventListener.bind(target) });
  context.after(() => Reflect.deleteProperty(globalThis, "addEventListener"));
  const { clock, events } = start(context);
  await answerJoin(JOINED);
  for (let i = 0; i < 6; i++) {
    FakeSocket.last.lose();
    await clock.advance(8100);
  }
  FakeSocket.last.lose();
  await settle();
  const before = FakeSocket.made.length;
  target.dispatchEvent(new Event("online"));
  await settle();
  assert.equal(FakeSocket.made.length, before + 1);
  await answerJoin(JOINED);
  target.dispatchEvent(new Event("online"));
  assert.equal(FakeSocket.last.sent.at(-1).type, "ping");
  await clock.advance(3500);
  assert.deepEqual(events.at(-1), ["down"]);
});

test("a connection that says nothing while others reach the server is given up", async (context) => {
  const { clock, events, link, server } = start(context);
  await answerJoin(JOINED);
  link.doubt();
  await clock.advance(2000);
  assert.deepEqual(events, [["joined", "seat-1"]], "nobody reaches it: there is nothing better to be had");
  server.answer = 204;
  link.doubt();
  FakeSocket.last.say({ type: "pong" });
  await clock.advance(2500);
  assert.deepEqual(events, [["joined", "seat-1"]], "it answers");
  link.doubt();
  await clock.advance(1600);
  assert.deepEqual(events, [["joined", "seat-1"], ["down"]]);
});
